"""Bounds of answers: how many rows of a list fit into one that a model reads. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)
#: Bytes of an answer in JSON: of one that nobody asked to be longer, and of any.
ANSWER_MOST, LONG_ANSWER_MOST = 2_000, 16_000


class AnswerTooLong(Exception):
    """An answer has no rows left to drop and is too long still."""


def size_of(answer: msgspec.Struct) -> int:
    """Bytes of the answer in JSON."""
    return len(msgspec.json.encode(answer))


def fitting(build: Callable[[int], AnswerT], rows: int, most: int = ANSWER_MOST) -> AnswerT:
    """The answer with as many rows as fit, of at most `rows`; `build` makes one of so many rows.

    Raises `AnswerTooLong` where it does not fit without any.
    """
    low, high = 0, rows
    answer = build(high)
    if size_of(answer) <= most:
        return answer
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size_of(build(middle)) <= most else (low, middle - 1)
    answer = build(low)
    if size_of(answer) > most:
        raise AnswerTooLong(f"{size_of(answer)} bytes without a row")
    return answer
