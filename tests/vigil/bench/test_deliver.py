"""The benchmark of delivery: what it counts, and what it refuses. It is run in full by people, being minutes long."""

from __future__ import annotations

import pytest

from vigil.bench.deliver.rig import _named, _times
from vigil.bench.deliver.run import BUDGETS
from vigil.bench.report import render
from vigil.cli import main
from vigil.demo.alert_receivers import ReceivedRequest


def took(at_s: float, body: str) -> ReceivedRequest:
    return ReceivedRequest(at_s, "POST", "/hook/x", {}, {}, body.encode())


def test_an_incident_is_named_once_however_often_it_comes_and_timed_by_the_first() -> None:
    came = [took(10.2, "a-1"), took(10.7, "a-1 a-2"), took(11.5, "a-2 a-3")]
    assert _named(came, ["a-1", "a-2", "a-3", "a-4"]) == 3
    assert _times(came, ["a-1", "a-2", "a-3"], 10.0) == pytest.approx([0.2, 0.7, 1.5])


def test_every_number_stands_beside_its_budget() -> None:
    report = render({"deliveries_per_s": 1234.5, "storm_messages": 9, "storm_incidents_named": 10_000}, BUDGETS)
    assert "(at least 1,000)" in report and "(at most 20)" in report
    assert BUDGETS["trigger_to_accepted_p99_s"] == 1.0


def test_a_load_that_makes_no_sense_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "deliver", "--storm", "1"]) == 2
    assert "--storm 100 to 50000" in capsys.readouterr().err
