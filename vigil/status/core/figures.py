"""Figures of a component: ninety days, and its uptime by the printed rule. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vigil.history.core.uptime import Settled, Uptime, account
from vigil.read_models.core.strips import (
    DAY_S,
    DAYS,
    DEGRADED,
    DOWN,
    MAINTENANCE,
    PAUSED,
    UNKNOWN,
    UP,
    ShownSpans,
    days,
    last_slots,
)
from vigil.status.core.facts import ComponentFacts

_WORST_FIRST = (DOWN, DEGRADED, UNKNOWN, UP, MAINTENANCE, PAUSED)


def uptime_of(spans: Sequence[Settled], now: datetime) -> Uptime:
    """Seconds of the last ninety days, of all monitors together."""
    slots = last_slots(int(now.timestamp()), DAY_S, DAYS)
    window = (slots[0][0], slots[-1][1])
    return sum((account(one, window) for one in spans), Uptime())


def day_states(component: ComponentFacts, now: datetime) -> list[str]:
    """The letter of each of the last ninety days, the oldest first; of several monitors the worst."""
    if not component.spans:
        return [PAUSED] * DAYS
    each = [[day.state for day in days(ShownSpans(one), int(now.timestamp()))] for one in component.spans]
    return [min(states, key=_WORST_FIRST.index) for states in zip(*each, strict=True)]
