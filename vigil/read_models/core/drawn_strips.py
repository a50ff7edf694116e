"""Drawn strips: 24 hours or 90 days as bars, one SVG path for each state. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

#: Letters of states in runs, such as `33u1g14u`: up, degraded, down, unknown, paused or not measured, maintenance.
LETTERS = {"u": "up", "g": "degraded", "d": "down", "n": "unknown", "p": "not measured", "m": "in maintenance"}
#: Middle of the bars of each state; their heights are in the style sheet. All stand on the line at 16.
_MIDDLE = {"u": "10.5", "g": "9.25", "d": "8", "n": "14", "p": "15", "m": "12.5"}
_RUN = re.compile(r"(\d{1,3})([ugdnpm])")


@dataclass(frozen=True, slots=True)
class StripPath:
    """Bars of one state: its letter, and the path's data."""

    letter: str
    data: str


@dataclass(frozen=True, slots=True)
class DrawnStrip:
    """A strip: `label` says in words what it shows."""

    label: str
    width: int
    paths: tuple[StripPath, ...]
    runs: str
    days: bool = False


@dataclass(frozen=True, slots=True)
class DrawnDays:
    """The strip of ninety days with its ends and its sum; `texts` has the words of each day, divided by `|`."""

    name: str
    strip: DrawnStrip
    end: datetime
    address: str
    begins: str
    sum: str
    texts: str = ""


def day_strip(runs: str) -> DrawnStrip:
    """The last 24 hours in slots of 4 units each."""
    return _strip(runs, 4, "Last 24 hours")


def quarter_strip(runs: str) -> DrawnStrip:
    """The last 90 days in slots of 8 units each."""
    return _strip(runs, 8, "Last 90 days")


def run_strip(runs: str) -> DrawnStrip:
    """The last runs of a job, one bar each, on its schedule."""
    return _strip(runs, 4, "Last runs")


def slots(runs: str) -> int:
    """How many slots runs cover."""
    return sum(int(count) for count, _ in _RUN.findall(runs))


def _strip(runs: str, slot: int, span: str) -> DrawnStrip:
    data: dict[str, list[str]] = {}
    at = 0
    for count, letter in _RUN.findall(runs):
        length = int(count) * slot
        # The gap after the last bar belongs to the dash pattern.
        data.setdefault(letter, []).append(f"M{at} {_MIDDLE[letter]}h{length - slot // 4}")
        at += length
    paths = tuple(StripPath(letter, "".join(data[letter])) for letter in LETTERS if letter in data)
    return DrawnStrip(f"{span}: {_in_words(data)}", at, paths, runs, slot == 8)


def _in_words(data: dict[str, list[str]]) -> str:
    if not data:
        return "no data"
    if len(data) == 1:
        return f"{LETTERS[next(iter(data))]} throughout"
    trouble = [LETTERS[letter] for letter in "dgnmp" if letter in data]
    return f"{', '.join(trouble)} for a part"
