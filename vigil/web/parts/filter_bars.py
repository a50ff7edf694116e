"""Filter bars: a search field, selects, and the chosen filters as chips. All of it is the query of the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SelectOption:
    """A choice of a select."""

    value: str
    words: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class FilterSelect:
    """A select of the bar: its parameter, its label, its choices."""

    name: str
    label: str
    options: Sequence[SelectOption]


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A chosen filter, and the address without it."""

    words: str
    without: str


@dataclass(frozen=True, slots=True)
class FilterBar:
    """A filter bar: `clear` is the address without any filter."""

    placeholder: str
    words: str
    selects: Sequence[FilterSelect]
    chips: Sequence[FilterChip] = ()
    clear: str = "?"
    #: Parameters that are kept and not shown, as names and values.
    kept: Sequence[tuple[str, str]] = ()
