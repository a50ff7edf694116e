"""Figures in words: milliseconds, percentages, moments and durations as every page writes them. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from vigil.alerts.wording.text import duration

#: Between a number and its unit, so that no line breaks there.
NARROW = "\u202f"
#: For a value that is not there.
NO_VALUE = "\u2013"
_SECONDS_FROM_MS = 2_000
_RECENT = timedelta(hours=20)


def milliseconds(ms: float | None) -> str:
    """`412 ms`, from two seconds on `2.4 s`; `<1 ms` for less, and a dash for none."""
    if ms is None:
        return NO_VALUE
    if ms < 1:
        return f"<1{NARROW}ms"
    return f"{ms / 1000:.1f}{NARROW}s" if ms >= _SECONDS_FROM_MS else f"{ms:,.0f}{NARROW}ms"


def percent(part: float | None) -> str:
    """A part of 1 with two places, rounded down: `100 %` and `0 %` only where they are exact."""
    if part is None:
        return NO_VALUE
    if part >= 1 or part <= 0:
        return f"{100 if part >= 1 else 0}{NARROW}%"
    # A hair is added, since 0.9994 * 10000 is a little less than 9994.
    return f"{min(9_999, math.floor(max(0.0, part) * 10_000 + 1e-7)) / 100:.2f}{NARROW}%"


def length(span: timedelta) -> str:
    """A duration, such as `42 s`, `12 min`, `3 h`, `12 d`."""
    return duration(span).removesuffix(" 0 min").removesuffix(" 0 h")


def moment(at: datetime, now: datetime) -> str:
    """A moment in UTC as short as it is clear: `14:01:40`, or `3 Nov 14:01` where it is no longer today's."""
    if abs(now - at) < _RECENT:
        return f"{at:%H:%M:%S}"
    return f"{day(at)} {at:%H:%M}"


def minute(at: datetime, now: datetime) -> str:
    """As `moment`, without seconds: `13:41`, or `3 Nov 13:41`."""
    return f"{at:%H:%M}" if abs(now - at) < _RECENT else f"{day(at)} {at:%H:%M}"


def day(at: datetime) -> str:
    """`3 Nov`."""
    return f"{at.day} {at:%b}"
