"""Rate limit: a token bucket per address, in bounded memory. Pure; the clock is an argument."""

from __future__ import annotations

from collections import OrderedDict

#: Burst, and sustained calls per second. Jobs share a team's key, but each slug has its own bucket.
BURST = 60.0
PER_S = 2.0
#: Addresses to remember; beyond that the least recently used is dropped (LRU).
REMEMBERED = 200_000


class Rates:
    """Token buckets by address."""

    def __init__(self, burst: float = BURST, per_s: float = PER_S, remembered: int = REMEMBERED) -> None:
        self._burst, self._per_s, self._remembered = burst, per_s, remembered
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str, now_s: float) -> float:
        """What `admit` would return; takes no token and remembers nothing."""
        tokens, filled_s = self._buckets.get(address, (self._burst, now_s))
        tokens = min(self._burst, tokens + max(0.0, now_s - filled_s) * self._per_s)
        return 0.0 if tokens >= 1.0 else (1.0 - tokens) / self._per_s

    def admit(self, address: str, now_s: float) -> float:
        """0 when the call is admitted, else seconds to wait; a refused call takes no token."""
        tokens, filled_s = self._buckets.pop(address, (self._burst, now_s))
        tokens = min(self._burst, tokens + max(0.0, now_s - filled_s) * self._per_s)
        wait_s = 0.0 if tokens >= 1.0 else (1.0 - tokens) / self._per_s
        self._buckets[address] = (tokens if wait_s else tokens - 1.0, now_s)
        if len(self._buckets) > self._remembered:
            self._buckets.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._buckets)
