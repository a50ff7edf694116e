"""Round budgets: token buckets per monitor, region and target. Pure; time is an argument.

They keep a mass outage or a sick region from overloading workers: a call without a token is dropped, and the next
contradicting result raises it again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

#: Buckets to remember; the least recently used are full again anyway.
REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """Burst, and refill per second."""

    burst: float
    per_second: float


MONITOR = Allowance(burst=3, per_second=0.2)
REGION = Allowance(burst=2_000, per_second=200)
TARGET = Allowance(burst=100, per_second=10)


class Budget:
    """Buckets by name, each full at first."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def left(self, name: str, now_ms: int) -> float:
        tokens, at_ms = self._buckets.get(name, (self._allowance.burst, now_ms))
        refilled = max(0, now_ms - at_ms) / 1000 * self._allowance.per_second
        return min(self._allowance.burst, tokens + refilled)

    def take(self, name: str, now_ms: int) -> None:
        """Take a token; call `left` first."""
        self._buckets[name] = (self.left(name, now_ms) - 1, now_ms)
        self._buckets.move_to_end(name)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)


class CallBudget:
    """The three budgets: a round takes a token of its monitor, its target, and each region asked."""

    def __init__(self) -> None:
        self._monitors = Budget(MONITOR)
        self._targets = Budget(TARGET)
        self._regions = Budget(REGION)

    def admit(self, monitor: str, target: str, regions: list[str], now_ms: int) -> bool:
        """Whether a round may open now; takes all tokens or none."""
        wanted = [(self._monitors, monitor), (self._targets, target)]
        wanted += [(self._regions, region) for region in regions]
        if any(budget.left(name, now_ms) < 1 for budget, name in wanted):
            return False
        for budget, name in wanted:
            budget.take(name, now_ms)
        return True
