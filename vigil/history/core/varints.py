"""Varints (LEB128): seven bits a byte, the high bit marks continuation. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def put(into: bytearray, value: int) -> None:
    """Append a non-negative number."""
    while value > 0x7F:
        into.append(value & 0x7F | 0x80)
        value >>= 7
    into.append(value)


def take(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and its end."""
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
    """Append numbers as run-length encoding: number of runs, then each value with its count."""
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
    """Numbers written by `put_runs` at `at`, and their end."""
    runs, at = take(data, at)
    values: list[int] = []
    for _ in range(runs):
        value, at = take(data, at)
        count, at = take(data, at)
        values += [value] * count
    return values, at
