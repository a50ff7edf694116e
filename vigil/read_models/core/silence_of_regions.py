"""Results that have stopped: since when no region has been heard of the monitors on a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

#: Of the shortest interval: so long without any result is no chance.
_INTERVALS = 2
#: Results of a burst are written together, so a short interval alone says little.
_LEAST = timedelta(seconds=30)


def silent_since(newest: datetime | None, intervals_s: Iterable[int], now: datetime) -> datetime | None:
    """When the newest result came, where more should have come since; None while they come, or never have."""
    shortest = min(intervals_s, default=0)
    if newest is None or not shortest:
        return None
    return newest if now - newest > max(_LEAST, _INTERVALS * timedelta(seconds=shortest)) else None
