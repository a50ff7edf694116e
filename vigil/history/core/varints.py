"""Small numbers in few bytes: seven bits a byte, the high bit says that more follow. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def put(into: bytearray, value: int) -> None:
    """Append a number that is not negative."""
    while value > 0x7F:
        into.append(value & 0x7F | 0x80)
        value >>= 7
    into.append(value)


def take(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where the next thing begins."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7


def put_runs(into: bytearray, values: Iterable[int]) -> None:
    """Append numbers as runs of equal ones: how many runs, then each number with its count."""
    runs: list[list[int]] = []
    last = -1
    for value in values:
        if value == last:
            runs[-1][1] += 1
        else:
            runs.append([value, 1])
            last = value
    put(into, len(runs))
    for value, count in runs:
        put(into, value)
        put(into, count)


def take_runs(data: bytes, at: int) -> tuple[Sequence[int], int]:
    """The numbers that `put_runs` wrote at `at`, and where the next thing begins."""
    runs, at = take(data, at)
    values: list[int] = []
    for _ in range(runs):
        value, at = take(data, at)
        count, at = take(data, at)
        values += [value] * count
    return values, at
