"""Check schedule: slots as a pure function of (monitor, interval, region), and a timing wheel.

Region i of n checks at phase `hash(monitor) + i*T/n`, so one of them checks every T/n, and two dispatchers, or a
restarted one, produce the same slots.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from vigil.dispatch.core.plans import Plan, RegionPlan

SECOND_MS = 1000
#: A second's checks are sent this long before it starts; workers start each at its slot.
LEAD_MS = 400
#: Longest backlog after a pause, to avoid a thundering herd.
CATCH_UP_S = 3

Due = tuple[Plan, RegionPlan, int]


def phase_ms(monitor: str, interval_ms: int, index: int, regions: int) -> int:
    """Phase of a region within the interval, in [0, interval)."""
    return _phase_ms(_start(monitor), interval_ms, index, regions)


def slots_ms(monitor: str, interval_ms: int, index: int, regions: int, window: range) -> list[int]:
    """All slots in a window of milliseconds since the epoch."""
    phase = phase_ms(monitor, interval_ms, index, regions)
    first = window.start + (phase - window.start) % interval_ms
    return list(range(first, window.stop, interval_ms))


def _start(monitor: str) -> int:
    return int.from_bytes(blake2b(monitor.encode(), digest_size=8).digest())


def _phase_ms(start: int, interval_ms: int, index: int, regions: int) -> int:
    return (start % interval_ms + index * interval_ms // regions) % interval_ms


def seconds_to_send(next_second: int | None, now_ms: int) -> range:
    """The seconds that start within the lead and are not sent yet; after a pause only the last few."""
    horizon = (now_ms + LEAD_MS) // SECOND_MS
    return range(horizon if next_second is None else max(next_second, horizon - CATCH_UP_S), horizon + 1)


@dataclass(slots=True)
class _Bucket:
    """Slots of one second of an interval: number, and region index * 1000 + ms; six bytes each, to save memory."""

    numbers: array[int] = field(default_factory=lambda: array("I"))
    places: array[int] = field(default_factory=lambda: array("H"))


class Wheel:
    """Timing wheel: slots of all monitors by second of the interval, so a tick touches due slots only.

    Intervals are whole seconds, so a slot keeps its second. A monitor keeps its number while its plan is unchanged;
    slots of old numbers are removed when they come up.
    """

    def __init__(self) -> None:
        self._buckets: dict[int, dict[int, _Bucket]] = {}
        self._numbers: dict[str, int] = {}
        self._plans: dict[int, Plan] = {}
        self._next_number = 0

    def __len__(self) -> int:
        return len(self._plans)

    def put(self, plan: Plan) -> None:
        """Add or replace a monitor."""
        self.remove(plan.monitor)
        number = self._next_number
        self._next_number += 1
        self._numbers[plan.monitor], self._plans[number] = number, plan
        seconds = self._buckets.setdefault(plan.interval_ms // SECOND_MS, {})
        start = _start(plan.monitor)
        for index in range(len(plan.regions)):
            second, within_ms = divmod(_phase_ms(start, plan.interval_ms, index, len(plan.regions)), SECOND_MS)
            bucket = seconds.get(second)
            if bucket is None:
                bucket = seconds[second] = _Bucket()
            bucket.numbers.append(number)
            bucket.places.append(index * SECOND_MS + within_ms)

    def remove(self, monitor: str) -> None:
        number = self._numbers.pop(monitor, None)
        if number is not None:
            del self._plans[number]

    def due(self, second: int) -> Iterator[Due]:
        """Slots due in [second, second + 1), in milliseconds."""
        for interval_s, seconds in self._buckets.items():
            bucket = seconds.get(second % interval_s)
            if bucket is not None:
                yield from self._due(bucket, second * SECOND_MS)

    def _due(self, bucket: _Bucket, begin_ms: int) -> Iterator[Due]:
        gone = False
        for number, place in zip(bucket.numbers, bucket.places, strict=True):
            plan = self._plans.get(number)
            if plan is None:
                gone = True
                continue
            index, within_ms = divmod(place, SECOND_MS)
            yield plan, plan.regions[index], begin_ms + within_ms
        if gone:
            self._sweep(bucket)

    def _sweep(self, bucket: _Bucket) -> None:
        kept = [pair for pair in zip(bucket.numbers, bucket.places, strict=True) if pair[0] in self._plans]
        bucket.numbers = array("I", [number for number, _ in kept])
        bucket.places = array("H", [place for _, place in kept])
