"""Figures in words: milliseconds, shares, counts and durations as all pages print them."""

from __future__ import annotations

import math

#: A narrow space that does not break, between a number and its unit.
THIN = "\u202f"
NONE = "\u2013"


def milliseconds(value: float | None) -> str:
    """`412 ms`, from 2,000 ms `2.4 s`, `<1 ms`; a dash for no value."""
    if value is None:
        return NONE
    if value < 1:
        return f"<1{THIN}ms"
    return f"{round(value):,}{THIN}ms" if value < 2000 else f"{value / 1000:.1f}{THIN}s"


def share(value: float | None) -> str:
    """A share of 0 to 1 as `99.94 %`, rounded down: 100 % only if exact."""
    if value is None:
        return NONE
    if value >= 1:
        return f"100{THIN}%"
    return f"{math.floor(value * 10_000) / 100:.2f}{THIN}%"


def count(value: int, one: str, many: str = "") -> str:
    """`1 monitor`, `1,204 monitors`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"
