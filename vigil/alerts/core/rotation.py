"""On-call rotation: shifts by the clock of a time zone, with overrides. Pure; times are arguments.

A shift across a clock change is an hour longer or shorter; a handover time that is skipped or repeated starts one
shift.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Override:
    """A substitute is on call from `starts` until `ends`."""

    person: int
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class OnCallSchedule:
    """Turns of `days` days from `first` on, handover at `handover` in `zone`; the last overlapping override wins."""

    people: tuple[int, ...]
    first: date
    days: int = 7
    handover: time = time(9)
    zone: str = "UTC"
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """A person on call from `starts` until `ends`; `covers` names the person replaced."""

    person: int
    starts: datetime
    ends: datetime
    covers: bool = False


def who_is_on_call(schedule: OnCallSchedule, at: datetime) -> Shift | None:
    """The shift at a moment; None before the rotation starts, or when it is empty."""
    at = at.astimezone(UTC)
    for override in reversed(schedule.overrides):
        if override.starts <= at < override.ends:
            return Shift(override.person, override.starts.astimezone(UTC), override.ends.astimezone(UTC), covers=True)
    return _turn(schedule, at)


def shifts(schedule: OnCallSchedule, start: datetime, end: datetime) -> list[Shift]:
    """All shifts within [start, end), clipped to it, in order, without overlap."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    found: list[Shift] = []
    for begins, ends in _pieces(schedule, start, end):
        shift = who_is_on_call(schedule, begins)
        if shift is None:
            continue
        last = found[-1] if found else None
        same = last is not None and (last.person, last.covers, last.ends) == (shift.person, shift.covers, begins)
        # A turn that starts here is a new shift, even of the same person.
        if last is not None and same and shift.starts != begins:
            found[-1] = Shift(last.person, last.starts, ends, last.covers)
        else:
            found.append(Shift(shift.person, begins, ends, shift.covers))
    return found


def _pieces(schedule: OnCallSchedule, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
    """[start, end) split at every possible change of person."""
    cuts = {start, end}
    for override in schedule.overrides:
        cuts |= {moment for moment in (override.starts, override.ends) if start < moment < end}
    if schedule.people:
        number = max(0, _number(schedule, start))
        while (begins := _begins(schedule, number)) < end:
            cuts |= {begins} if begins > start else set()
            number += 1
    moments = sorted(moment.astimezone(UTC) for moment in cuts)
    return pairwise(moments)


def _turn(schedule: OnCallSchedule, at: datetime) -> Shift | None:
    number = _number(schedule, at)
    if number < 0 or not schedule.people:
        return None
    person = schedule.people[number % len(schedule.people)]
    return Shift(person, _begins(schedule, number), _begins(schedule, number + 1))


def _number(schedule: OnCallSchedule, at: datetime) -> int:
    """Number of the turn at a moment, from 0; negative before the first."""
    local = at.astimezone(ZoneInfo(schedule.zone)).date()
    number = (local - schedule.first).days // schedule.days
    while _begins(schedule, number) > at:
        number -= 1
    while _begins(schedule, number + 1) <= at:
        number += 1
    return number


def _begins(schedule: OnCallSchedule, number: int) -> datetime:
    day = schedule.first + timedelta(days=number * schedule.days)
    return datetime.combine(day, schedule.handover, ZoneInfo(schedule.zone)).astimezone(UTC)
