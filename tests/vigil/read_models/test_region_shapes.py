"""Shapes of regions say what was seen: a refused key is no outage, whatever its check is called."""

from __future__ import annotations

import pytest

from probes.reasons import ACCOUNT_REASONS, Reason, Status
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.region_shapes import seen_as


@pytest.mark.parametrize("reason", sorted(ACCOUNT_REASONS))
def test_a_refused_key_is_degraded_and_never_down(reason: Reason) -> None:
    assert seen_as(Status.DOWN, reason) is ShownState.DEGRADED


def test_other_results_are_what_their_status_says() -> None:
    told = {status: seen_as(status, Reason.OK if status is Status.UP else Reason.TIMEOUT) for status in Status}
    assert told == {
        Status.UP: ShownState.UP,
        Status.DEGRADED: ShownState.DEGRADED,
        Status.DOWN: ShownState.DOWN,
        Status.UNKNOWN: ShownState.UNKNOWN,
    }
