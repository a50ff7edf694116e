"""Figures of a component: ninety days, and its uptime by the printed rule. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vigil.history.core.uptime import Settled, Uptime, account
from vigil.read_models.core.strips import (
    DAY_S,
    DAYS,
    last_slots,
)


def uptime_of(spans: Sequence[Settled], now: datetime) -> Uptime:
    """Seconds of the last ninety days, of all monitors together."""
    slots = last_slots(int(now.timestamp()), DAY_S, DAYS)
    window = (slots[0][0], slots[-1][1])
    return sum((account(one, window) for one in spans), Uptime())
