"""Which regions are dark: silent for a minute on the clock of who listens. Pure; time is an argument."""

from __future__ import annotations

from collections.abc import Collection

#: A region without a status for this long is dark (its key expires 45 s after the last one).
DARK_AFTER_S = 15.0
#: A region that was never heard has this long to start.
PATIENCE_S = 60.0


class Darkness:
    """Remembers when each region was last heard; counts silence on the receiver's own monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self._heard_s: dict[str, float] = {}
        self._asked_s = now_s

    def dark(self, regions: Collection[str], alive: Collection[str], now_s: float) -> frozenset[str]:
        """The regions that are dark now, given those whose status is there now."""
        if now_s - self._asked_s > DARK_AFTER_S:
            # We were away ourselves: nobody's silence in that time counts against them.
            self._heard_s.clear()
        self._asked_s = now_s
        for region in alive:
            self._heard_s[region] = now_s
        for region in regions:
            self._heard_s.setdefault(region, now_s + PATIENCE_S - DARK_AFTER_S)
        return frozenset(region for region in regions if now_s - self._heard_s[region] >= DARK_AFTER_S)
