"""Packed hour: one monitor in one region, in about two bytes a check. Pure.

A check is held as one integer, its *entry*, whose order is the order in time:

    offset of its slot in the hour (ms)  22 bits | look 4 | status 2 | reason 7 | total time 11 | first byte 11

Times of day are those of the schedule, which are regular; durations are bucket numbers (see `sketch`). A packed hour
holds runs of equal steps, runs of equal codes, and each duration as a byte above the least. The same check is one
entry however often it is added: slot and look identify it, and the first one counts.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from probes.reasons import REASON_CODES, STATUS_CODES, Reason, Status
from probes.wire import Result
from vigil.history.core import varints
from vigil.history.core.latency_sketch import bucket

HOUR_MS = 3_600_000
LOOKS_MOST = 15
#: First byte of a packed hour: version, and column widths.
_VERSION = 1 << 5
_WITH_LOOKS = 1 << 4
_NARROW, _WIDE = 1, 2

_STATUSES = {code: status for status, code in STATUS_CODES.items()}
_REASONS = {code: reason for reason, code in REASON_CODES.items()}
_CODES = {
    (status, reason): status_code << 7 | reason_code
    for status, status_code in STATUS_CODES.items()
    for reason, reason_code in REASON_CODES.items()
}


class UnreadableHour(ValueError):
    """Bytes are no packed hour of a known version."""


@dataclass(frozen=True, slots=True)
class Hour:
    """A decoded hour: columns of equal length in order of time. Durations are bucket numbers."""

    offsets_ms: Sequence[int]
    codes: Sequence[int]
    looks: Sequence[int]
    totals: Sequence[int]
    firsts: Sequence[int]

    def entries(self) -> list[int]:
        """Checks as integers, as packed."""
        columns = zip(self.offsets_ms, self.looks, self.codes, self.totals, self.firsts, strict=True)
        return [at << 35 | look << 31 | code << 22 | total << 11 | first for at, look, code, total, first in columns]


def entry(result: Result) -> int:
    """A result as an entry of its hour. Hot path: runs for every result."""
    phases = result.phases
    durations = bucket(phases.total_us) << 11 | bucket(phases.first_byte_us)
    at = result.at_ms % HOUR_MS << 35
    if result.reason is Reason.OK and result.status is Status.UP and not result.look:
        return at | durations
    return at | max(0, min(result.look, LOOKS_MOST)) << 31 | _CODES[result.status, result.reason] << 22 | durations


def meaning(code: int) -> tuple[Status, Reason]:
    """Status and reason of a code."""
    return _STATUSES[code >> 7], _REASONS[code & 0x7F]


def in_order(entries: Iterable[int]) -> list[int]:
    """Entries in order of time without duplicates; of a duplicate the one that sorts first."""
    ordered = sorted(entries)
    last = -1
    kept = []
    for one in ordered:
        identity = one >> 31
        if identity != last:
            kept.append(one)
            last = identity
    return kept


def pack(entries: Sequence[int]) -> bytes:
    """Pack the entries of one hour: in order, at least one."""
    offsets = [one >> 35 for one in entries]
    looks = [one >> 31 & 15 for one in entries]
    with_looks = _WITH_LOOKS if any(looks) else 0
    total_width, totals = _column([one >> 11 & 2047 for one in entries])
    first_width, firsts = _column([one & 2047 for one in entries])
    packed = bytearray((_VERSION | with_looks | total_width << 2 | first_width,))
    steps = [offsets[0]]
    steps += map(int.__sub__, offsets[1:], offsets)
    varints.put_runs(packed, steps)
    varints.put_runs(packed, [one >> 22 & 511 for one in entries])
    if with_looks:
        varints.put_runs(packed, looks)
    return bytes(packed) + totals + firsts


def unpack(packed: bytes) -> Hour:
    """Decode a packed hour; raises `UnreadableHour`."""
    try:
        head = packed[0]
        if head >> 5 != _VERSION >> 5:
            raise UnreadableHour(f"packed hour of version {head >> 5}")
        steps, at = varints.take_runs(packed, 1)
        codes, at = varints.take_runs(packed, at)
        looks: Sequence[int] = bytes(len(steps))
        if head & _WITH_LOOKS:
            looks, at = varints.take_runs(packed, at)
        totals, at = _take_column(packed, at, head >> 2 & 3, len(steps))
        firsts, at = _take_column(packed, at, head & 3, len(steps))
    except IndexError:
        raise UnreadableHour("packed hour cut short") from None
    return Hour(list(accumulate(steps)), codes, looks, totals, firsts)


def _column(values: Sequence[int]) -> tuple[int, bytes]:
    """A column as offsets from one below its minimum, and its width; 0 stays 0."""
    least, most = min(values), max(values)
    head = bytearray()
    if least == most:
        varints.put(head, least)
        return 0, bytes(head)
    if not least:
        least = min(filter(None, values))
    base = least - 1
    varints.put(head, base)
    near = [value - base if value else 0 for value in values]
    if most - base < 256:
        return _NARROW, bytes(head) + bytes(near)
    return _WIDE, bytes(head) + _little_endian(array("H", near)).tobytes()


def _take_column(packed: bytes, at: int, width: int, count: int) -> tuple[Sequence[int], int]:
    base, at = varints.take(packed, at)
    if not width:
        return [base] * count, at
    stored = packed[at : at + width * count]
    if len(stored) != width * count:
        raise IndexError
    near: Sequence[int] = stored
    if width == _WIDE:
        near = _little_endian(array("H", stored))
    return [value + base if value else 0 for value in near], at + width * count


def _little_endian(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values.byteswap()
    return values
