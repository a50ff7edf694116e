"""Latency sketch (DDSketch): logarithmic buckets, mergeable, percentiles to within 1 %. Pure.

Bucket i holds the durations in (G^(i-1), G^i] microseconds, with G = (1 + E) / (1 - E), and stands for the value that
is no further than E from any of them. This is DDSketch with a fixed base and no collapsing: 60 s is bucket 897, so
a sketch has at most that many buckets, merging is addition, and packed history stores the very same bucket numbers.
Bucket 0 is "not measured" and is never part of a sketch.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from vigil.history.core import varints

ERROR = 0.01
_BASE = (1 + ERROR) / (1 - ERROR)
#: The last bucket also takes longer durations; far beyond any timeout.
LAST_BUCKET = 1400
#: Longest duration of each bucket from 1 on except the last, in microseconds.
_LONGEST = [math.floor(_BASE**power) for power in range(LAST_BUCKET - 1)]

Sketch = Mapping[int, int]


def bucket(us: int) -> int:
    """Bucket of a duration; 0 for one not measured."""
    return bisect_left(_LONGEST, us) + 1 if us > 0 else 0


@lru_cache(maxsize=LAST_BUCKET + 1)
def microseconds(number: int) -> float:
    """Duration that a bucket stands for; 0 for bucket 0."""
    return 2 * _BASE ** (number - 1) / (1 + _BASE) if number else 0.0


def sketch_of(buckets: Iterable[int]) -> Counter[int]:
    """Count bucket numbers, without those not measured."""
    counted = Counter(buckets)
    counted.pop(0, None)
    return counted


def quantiles(sketch: Sketch, parts: Sequence[float]) -> list[float | None]:
    """Durations (us) at ascending quantiles from 0 to 1, by nearest rank; `None`s for an empty sketch."""
    total = sum(sketch.values())
    if not total:
        return [None] * len(parts)
    found: list[float | None] = []
    numbers = iter(sorted(sketch))
    number, seen = -1, 0
    for part in parts:
        rank = max(1, math.ceil(part * total))
        while seen < rank:
            number = next(numbers)
            seen += sketch[number]
        found.append(microseconds(number))
    return found


def put(into: bytearray, sketch: Sketch) -> None:
    """Append a sketch: a byte for a near bucket with a small count, else an escape and two numbers."""
    varints.put(into, len(sketch))
    last = 0
    for number in sorted(sketch):
        step, count = number - last, sketch[number]
        last = number
        if step < 16 and count < 16:
            into.append(step << 4 | count)
        else:
            into.append(0)
            varints.put(into, step)
            varints.put(into, count)


def add_from(into: dict[int, int], data: bytes, at: int) -> int:
    """Add the sketch at `at` to `into`; returns the end of it."""
    size, at = varints.take(data, at)
    number = 0
    known = into.get
    for _ in range(size):
        byte = data[at]
        at += 1
        if byte:
            number += byte >> 4
            into[number] = known(number, 0) + (byte & 15)
        else:
            # Inlined for the usual one or two bytes: a year has a hundred thousand numbers.
            step, count, at = data[at], data[at + 1], at + 2
            if step > 0x7F:
                step, at = varints.take(data, at - 2)
                count, at = varints.take(data, at)
            elif count > 0x7F:
                count, at = varints.take(data, at - 1)
            number += step
            into[number] = known(number, 0) + count
    return at
