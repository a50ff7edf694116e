"""How often one address may be called: a bucket of tokens each, in bounded memory. Pure; the clock is an argument."""

from __future__ import annotations

from collections import OrderedDict

#: Calls at once, and per second for ever. A team's key is shared by its jobs, but each slug has a bucket of its own.
BURST = 60.0
PER_S = 2.0
#: Addresses that are remembered; of more, the one that was quiet for longest is forgotten.
REMEMBERED = 200_000


class Rates:
    """Token buckets by address."""

    def __init__(self, burst: float = BURST, per_s: float = PER_S, remembered: int = REMEMBERED) -> None:
        self._burst, self._per_s, self._remembered = burst, per_s, remembered
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, address: str, now_s: float) -> float:
        """0 when the call may pass, else how many seconds to wait; a call that may not pass takes nothing."""
        tokens, filled_s = self._buckets.pop(address, (self._burst, now_s))
        tokens = min(self._burst, tokens + max(0.0, now_s - filled_s) * self._per_s)
        wait_s = 0.0 if tokens >= 1.0 else (1.0 - tokens) / self._per_s
        self._buckets[address] = (tokens if wait_s else tokens - 1.0, now_s)
        if len(self._buckets) > self._remembered:
            self._buckets.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._buckets)
