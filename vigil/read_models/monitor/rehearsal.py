"""Rehearsal of a monitor: its stored checks decided again under another sensitivity. Takes seconds: on request only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from consensus.vocabulary import Sensitivity
from vigil.backtest.core.comparison import ComparisonRow, compare
from vigil.backtest.core.law import replay_past
from vigil.backtest.records import past_of, policy_of
from vigil.monitors.models import Monitor
from vigil.read_models.core.rehearsal_words import days_within, in_words

#: Checks decided again in one request; a monitor with more is replayed over fewer days.
CHECKS_MOST = 250_000


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would have paged under `sensitivity` in the last `days`, beside what the present policy pages."""

    sensitivity: Sensitivity
    days: int
    checks: int
    words: str
    rows: Sequence[ComparisonRow]


def rehearse(monitor: Monitor, sensitivity: Sensitivity, now: datetime) -> Rehearsal:
    """Replay up to thirty days; without a stored check there is nothing to compare."""
    present = policy_of(monitor)
    days = days_within(CHECKS_MOST, monitor.interval_s, len(present.domains))
    start_ms, end_ms = (round(at.timestamp() * 1000) for at in (now - timedelta(days=days), now))
    past = past_of(monitor, start_ms, end_ms)
    if not len(past):
        return Rehearsal(sensitivity, days, 0, "No check is stored yet: there is nothing to replay.", ())
    paged = replay_past(past, present, start_ms)
    supposed = replay_past(past, replace(present, sensitivity=sensitivity), start_ms)
    words = in_words(sensitivity.value, days, paged, supposed)
    return Rehearsal(sensitivity, days, len(past), words, compare(paged, supposed))
