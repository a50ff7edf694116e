"""Hints for a name that there is not: the nearest ones that there are, else all of a few."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: The nearest names are so many at most, and so many are named where none is near.
_NEAR, _ALL = 3, 40
_LONGEST = 100


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence that names what may have been meant; empty where nothing is near, and all are too many to name."""
    there = sorted(known)
    near = difflib.get_close_matches(word[:_LONGEST].lower(), there, n=_NEAR)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    if not there:
        return "There is none."
    if len(there) == 1:
        return f"There is only {there[0]}."
    return f"There are {', '.join(there)}." if len(there) <= _ALL else ""
