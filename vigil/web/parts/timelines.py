"""Timelines: steps from newest to oldest, with an icon, a time, a verb and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

#: Steps shown at once; earlier ones are behind a fold.
MOST_STEPS = 50


@dataclass(frozen=True, slots=True)
class DrawnStep:
    """One step. `icon` is a state's shape, `check` for accepted, `ring` for people and notes, `paused` for withheld."""

    key: str
    icon: str
    at: datetime
    verb: str
    text: str = ""
    #: More lines of the same second and kind, behind a fold.
    folded: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """Newest steps, and earlier ones behind a fold."""

    recent: Sequence[DrawnStep]
    earlier: Sequence[DrawnStep]


def timeline(steps: Sequence[DrawnStep]) -> Timeline:
    """A timeline of steps that are sorted from newest to oldest."""
    return Timeline(steps[:MOST_STEPS], steps[MOST_STEPS:])
