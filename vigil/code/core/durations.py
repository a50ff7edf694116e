"""Durations of documents: `30s`, `5m`, `1h30m`, `500ms`. Pure."""

from __future__ import annotations

import re

_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PART = re.compile(r"(\d{1,12})(ms|s|m|h|d)")
_WHOLE = re.compile(r"(?:\d{1,12}(?:ms|s|m|h|d)){1,5}\Z")
#: For schemas: what an editor accepts.
PATTERN = r"^([0-9]{1,12}(ms|s|m|h|d)){1,5}$"
HOW = "write a duration such as 30s, 5m, 2h or 1d"


def milliseconds(text: str) -> int | None:
    """The duration in milliseconds; None for text that is none, such as units out of order."""
    if not _WHOLE.match(text):
        return None
    parts = _PART.findall(text)
    order = [list(_UNITS_MS).index(unit) for _, unit in parts]
    if order != sorted(set(order)):
        return None
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)


def duration(ms: int) -> str:
    """A duration as documents write it: the largest units that keep it exact, such as `90s` as `1m30s`."""
    if ms == 0:
        return "0s"
    words = []
    for unit, size in _UNITS_MS.items():
        number, ms = divmod(ms, size)
        if number:
            words.append(f"{number}{unit}")
    return "".join(words)
