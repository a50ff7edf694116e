"""Time zone lookup by name. Pure but for the machine's tz database."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """Time zone of a name such as Europe/Berlin; None if unknown."""
    return ZoneInfo(name) if name in _known() else None
