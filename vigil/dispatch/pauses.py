"""Pauses: maintenance windows read from PostgreSQL and checked in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from vigil.silences.covering import paused_intervals

#: How far ahead windows are loaded; reloaded far more often unless PostgreSQL is unavailable.
HORIZON = timedelta(hours=6)


class Pauses(Mapping[str, tuple[range, ...]]):
    """Paused times by monitor (public id) within the horizon: ranges of milliseconds since the epoch."""

    def __init__(self, ranges: Mapping[str, tuple[range, ...]] | None = None) -> None:
        self._ranges = dict(ranges or {})

    def __getitem__(self, monitor: str) -> tuple[range, ...]:
        return self._ranges[monitor]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ranges)

    def __len__(self) -> int:
        return len(self._ranges)

    def holds(self, monitor: str, at_ms: int) -> bool:
        """Whether checks of this monitor are paused at a moment."""
        ranges = self._ranges.get(monitor)
        return ranges is not None and any(at_ms in held for held in ranges)


def load_pauses(now: datetime) -> Pauses:
    """Pauses from the start of this hour to the horizon; equal within an hour."""
    start = now.replace(minute=0, second=0, microsecond=0)
    found = paused_intervals(start, start + HORIZON)
    return Pauses({monitor: tuple(range(_ms(w.starts), _ms(w.ends)) for w in held) for monitor, held in found.items()})


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
