"""Time zones by name, as the machine knows them. Pure but for the machine's own tables."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of this name, such as Europe/Berlin; None when there is none."""
    return ZoneInfo(name) if name in _known() else None
