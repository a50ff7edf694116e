"""When a monitor is due in a region: a pure function of (monitor, interval, region), and a wheel of all of them.

A region checks at phase `hash(monitor) + i*T/n`: with n regions somebody looks every T/n, and two dispatchers, or one
that was started again, produce the same slots.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from vigil.dispatch.plans import Plan, RegionPlan

SECOND_MS = 1000

Due = tuple[Plan, RegionPlan, int]


def phase_ms(monitor: str, interval_ms: int, index: int, regions: int) -> int:
    """Where in each interval the region with this index (of so many) looks, in [0, interval)."""
    start = int.from_bytes(blake2b(monitor.encode(), digest_size=8).digest()) % interval_ms
    return (start + index * interval_ms // regions) % interval_ms


def slots_ms(monitor: str, interval_ms: int, index: int, regions: int, window: range) -> list[int]:
    """All slots in a window of milliseconds since the epoch."""
    phase = phase_ms(monitor, interval_ms, index, regions)
    first = window.start + (phase - window.start) % interval_ms
    return list(range(first, window.stop, interval_ms))


class Wheel:
    """Every slot of every monitor, filed under its second of the interval, so that a tick touches only what is due.

    Intervals are whole seconds, so a monitor's slot always falls in the same second of its interval.
    """

    def __init__(self) -> None:
        self._buckets: dict[int, dict[int, dict[tuple[str, str], tuple[Plan, RegionPlan, int]]]] = {}
        self._filed: dict[str, Plan] = {}

    def __len__(self) -> int:
        return len(self._filed)

    def put(self, plan: Plan) -> None:
        """File a monitor, in place of what was filed for it before."""
        self.remove(plan.monitor)
        self._filed[plan.monitor] = plan
        for region, phase, bucket in self._places(plan):
            bucket[plan.monitor, region.slug] = (plan, region, phase % SECOND_MS)

    def remove(self, monitor: str) -> None:
        plan = self._filed.pop(monitor, None)
        if plan is None:
            return
        for region, _, bucket in self._places(plan):
            del bucket[monitor, region.slug]

    def due(self, second: int) -> Iterator[Due]:
        """Everything due in [second, second + 1), with its exact slot in milliseconds."""
        for interval_s, seconds in self._buckets.items():
            for plan, region, within_ms in seconds.get(second % interval_s, {}).values():
                yield plan, region, second * SECOND_MS + within_ms

    def _places(
        self, plan: Plan
    ) -> Iterator[tuple[RegionPlan, int, dict[tuple[str, str], tuple[Plan, RegionPlan, int]]]]:
        seconds = self._buckets.setdefault(plan.interval_ms // SECOND_MS, {})
        for index, region in enumerate(plan.regions):
            phase = phase_ms(plan.monitor, plan.interval_ms, index, len(plan.regions))
            yield region, phase, seconds.setdefault(phase // SECOND_MS, {})
