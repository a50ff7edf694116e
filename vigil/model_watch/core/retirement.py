"""Retirement watch: what to tell of a model in use, 90, 30, 7 and 1 day before it retires. Pure.

Level, not edge: what was told is remembered by the day and the nearest of these. So an installation that was off on the
very day tells it when it is back, once, and only the nearest. A date that moves or is withdrawn is told as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

#: Days ahead; 0 stands for the day itself and all after it.
STAGES = (90, 30, 7, 1, 0)
#: A source that is away for less does not withdraw a date.
ABSENT_FOR = timedelta(days=1)


class Telling(StrEnum):
    """Why a retirement is told."""

    AHEAD = "ahead"
    OVER = "over"
    MOVED = "moved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class RetirementDate:
    """When a model retires, by which source, read when. `reported`: not by the provider itself."""

    day: date
    source: str
    read: date | None = None
    replacement: str = ""
    reported: bool = False


@dataclass(frozen=True, slots=True)
class KnownDate:
    """What was told of a model: its day, the nearest stage, and since when no source names a day."""

    day: date
    stage: int | None = None
    absent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToTell:
    """One thing to tell, with the day before it where that changed."""

    telling: Telling
    day: date
    stage: int | None = None
    before: date | None = None

    @property
    def key(self) -> str:
        """What makes it the same as another of this model."""
        if self.telling in (Telling.MOVED, Telling.WITHDRAWN):
            # With the stage: a day that comes back later is told with the nearer one.
            return f"{self.before}/{'none' if self.telling is Telling.WITHDRAWN else self.day}/{self.stage}"
        return f"{self.day}/{self.stage}"


def stage_of(day: date, today: date) -> int | None:
    """The nearest stage that is reached; None further ahead than the first."""
    left = (day - today).days
    return min((stage for stage in STAGES if left <= stage), default=None) if left > 0 else 0


def decide(
    found: RetirementDate | None, known: KnownDate | None, now: datetime
) -> tuple[KnownDate | None, ToTell | None]:
    """What is to be remembered of a model, and what is to be told now. `now` is in UTC."""
    today = now.date()
    if found is None:
        return _without_date(known, now)
    stage = stage_of(found.day, today)
    if known is not None and known.stage == 0 and stage == 0:
        return KnownDate(found.day, 0), None
    if known is not None and known.day != found.day:
        return KnownDate(found.day, stage), ToTell(Telling.MOVED, found.day, stage, known.day)
    before = known.stage if known is not None and known.day == found.day else None
    if stage is None or (before is not None and before <= stage):
        return KnownDate(found.day, before), None
    return KnownDate(found.day, stage), ToTell(Telling.AHEAD if stage else Telling.OVER, found.day, stage)


def _without_date(known: KnownDate | None, now: datetime) -> tuple[KnownDate | None, ToTell | None]:
    if known is None:
        return None, None
    if known.absent_since is None:
        return replace(known, absent_since=now), None
    if now - known.absent_since < ABSENT_FOR:
        return known, None
    if known.day < now.date():
        # It is over: its row has gone with it.
        return None, None
    return None, ToTell(Telling.WITHDRAWN, known.day, None, known.day)


def title_of(model: str, provider: str, told: ToTell, today: date) -> str:
    """One line for people."""
    about = f"{model} of {provider}"
    if told.telling is Telling.WITHDRAWN:
        return f"{about} no longer has a retirement date"
    if told.telling is Telling.MOVED:
        return f"{about} retires on {told.day} instead of {told.before}"
    left = (told.day - today).days
    if left < 0:
        return f"{about} was to retire on {told.day}, and is still in use here"
    words = {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")
    return f"{about} retires {words}, on {told.day}"


def in_words(found: RetirementDate | None, used_by: str) -> str:
    """Where it is used, what follows it, and who says so."""
    parts = [f"Used by {used_by}"]
    if found is not None:
        parts += [f"replacement: {found.replacement}"] if found.replacement else []
        read = f", read {found.read}" if found.read else ""
        parts.append(f"{'reported by' if found.reported else 'source:'} {found.source}{read}")
    return "; ".join(parts) + "."
