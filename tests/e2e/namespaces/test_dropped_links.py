"""A link between worker and Redis that drops every packet and closes nothing, for seconds or minutes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.namespaces.cut_scene import HELD
from tests.e2e.namespaces.isolated import played

#: How long the links are dropped (s), all at the same time and in real time. CUTS_S=5,60,600 takes eleven minutes.
CUTS_S = os.environ.get("CUTS_S", "5,30,60")
#: From the moment that the link carries packets again, orders are heard after this at the latest.
HEARD_WITHIN_S = 20.0


@pytest.mark.timeout(120 + int(max(map(float, CUTS_S.split(",")))))
def test_a_worker_whose_link_was_dropped_hears_orders_again_and_loses_no_result(tmp_path: Path) -> None:
    longest_s = max(map(float, CUTS_S.split(",")))
    outcome = played("cut_scene", tmp_path, longest_s + 110, CUTS_S=CUTS_S)
    assert [each["cut_s"] for each in outcome] == [float(cut_s) for cut_s in CUTS_S.split(",")]
    for each in outcome:
        assert each["heard_again_s"] < HEARD_WITHIN_S, outcome
        assert (each["held"], each["twice"]) == (HELD, 0), outcome
        assert each["ended"] is None, outcome
