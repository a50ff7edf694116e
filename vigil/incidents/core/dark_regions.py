"""Dark regions: no status for a minute by the listener's clock. Pure; time is an argument."""

from __future__ import annotations

from collections.abc import Collection

#: A region without a status for this long is dark (its key expires 45 s after the last one).
DARK_AFTER_S = 15.0
#: Start-up time of a region without any status yet.
PATIENCE_S = 60.0


class Darkness:
    """Last status of each region; counts silence on the receiver's monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self._heard_s: dict[str, float] = {}
        self._asked_s = now_s

    def dark(self, regions: Collection[str], alive: Collection[str], now_s: float) -> frozenset[str]:
        """Dark regions, given those with a status now."""
        if now_s - self._asked_s > DARK_AFTER_S:
            # This process was paused itself, so silence in that time does not count.
            self._heard_s.clear()
        self._asked_s = now_s
        for region in alive:
            self._heard_s[region] = now_s
        for region in regions:
            self._heard_s.setdefault(region, now_s + PATIENCE_S - DARK_AFTER_S)
        return frozenset(region for region in regions if now_s - self._heard_s[region] >= DARK_AFTER_S)
