"""Generated checks with realistic latencies and outages. Deterministic by seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from probes.reasons import REASON_CODES, STATUS_CODES, Reason, Status
from probes.wire import Phases, Result
from vigil.history.core.latency_sketch import bucket, microseconds
from vigil.history.core.packing import HOUR_MS

INTERVAL_MS = 60_000
_NOISE = 1 << 20
#: An outage of a few minutes about every three days; a blip in one of 1,500 checks.
_OUTAGE_A_DAY = 0.33
_BLIP, _MISSED = 1 / 1_500, 1 / 5_000
_UP, _DOWN, _UNKNOWN = (STATUS_CODES[status] << 7 for status in (Status.UP, Status.DOWN, Status.UNKNOWN))
_TIMEOUT, _REFUSED, _5XX = (REASON_CODES[reason] for reason in (Reason.TIMEOUT, Reason.REFUSED, Reason.HTTP_5XX))
_MISSED_CODE = _UNKNOWN | REASON_CODES[Reason.MISSED]
_FAILING = {
    _DOWN | _TIMEOUT: (Reason.TIMEOUT, bucket(10_000_000), 0),
    _DOWN | _REFUSED: (Reason.REFUSED, bucket(21_000), 0),
    _DOWN | _5XX: (Reason.HTTP_5XX, bucket(95_000), bucket(94_000)),
}


class Generator:
    """Entries (see `packing`) of one monitor, region and hour at a time."""

    def __init__(self, seed: int = 1) -> None:
        rnd = random.Random(seed)
        # In buckets of 2 %: a log-normal body, and one answer in thirty several times as long.
        self._noise = [
            round(rnd.gauss(0, 10) if rnd.random() > 0.033 else rnd.expovariate(1 / 40)) for _ in range(_NOISE)
        ]
        self._rnd = rnd

    def outages(self, monitor: int, day: int) -> list[tuple[int, int, int]]:
        """Outages of a monitor on a day: from and to (ms), and the code of its checks."""
        rnd = random.Random(monitor * 100_003 + day)
        if rnd.random() >= _OUTAGE_A_DAY:
            return []
        begins = day * 24 * HOUR_MS + rnd.randrange(23 * HOUR_MS)
        lasts = round(rnd.lognormvariate(math.log(8 * 60_000), 0.8))
        return [(begins, begins + min(lasts, HOUR_MS), rnd.choice(list(_FAILING)))]

    def hour(self, monitor: int, region: int, hour: int, outages: list[tuple[int, int, int]]) -> list[int]:
        """Entries of an hour, in order."""
        key = monitor * 8191 + region * 127
        phase = key * 7919 % INTERVAL_MS
        usual = bucket(30_000 + key * 104_729 % 700_000) + round(4 * math.sin(hour % 24 / 24 * 2 * math.pi))
        at, noise = self._rnd.randrange(_NOISE - 1000), self._noise
        count = HOUR_MS // INTERVAL_MS
        entries = [
            phase + place * INTERVAL_MS << 35 | usual + more << 11 | usual + more - 3
            for place, more in enumerate(noise[at : at + count])
        ]
        for place in range(count):
            luck = self._rnd.random()
            if luck < _MISSED:
                entries[place] = phase + place * INTERVAL_MS << 35 | _MISSED_CODE << 22
            elif luck < _BLIP:
                entries[place] = self._failing(phase + place * INTERVAL_MS, _DOWN | _TIMEOUT)
        for begins, ends, code in outages:
            begin = hour * HOUR_MS
            for place in range(count):
                offset = phase + place * INTERVAL_MS
                if begins <= begin + offset < ends:
                    entries[place] = self._failing(offset, code)
        return entries

    def _failing(self, offset: int, code: int) -> int:
        _, total, first = _FAILING[code]
        return offset << 35 | code << 22 | total << 11 | first


def failures(hour: int, public_id: str, entries: list[int]) -> Iterator[Result]:
    """Failures among the entries of an hour, as results."""
    for entry in entries:
        code = entry >> 22 & 511
        if code in _FAILING:
            yield as_result(hour, public_id, entry)


def as_result(hour: int, public_id: str, entry: int) -> Result:
    """An entry as a result."""
    code = entry >> 22 & 511
    at_ms = hour * HOUR_MS + (entry >> 35)
    phases = Phases(800, 2_100, 0, round(microseconds(entry & 2047)), round(microseconds(entry >> 11 & 2047)))
    if code in _FAILING:
        reason = _FAILING[code][0]
        detail = f"connect to 203.0.113.{entry >> 35 & 255}:443: {reason.value} after 2 attempts"
        return Result(1, public_id, at_ms, Status.DOWN, reason, at_ms + 12, phases, attempts=2, detail=detail)
    if code == _MISSED_CODE:
        return Result(1, public_id, at_ms, Status.UNKNOWN, Reason.MISSED, at_ms + 30_000, Phases())
    return Result(1, public_id, at_ms, Status.UP, Reason.OK, at_ms + 12, phases, code=200)
