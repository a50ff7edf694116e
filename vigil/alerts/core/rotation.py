"""Who is on call when: a rotation of people by the clock of a zone, with overrides. Pure; times are arguments.

Shifts begin at a time of day on the wall; where the clocks change they are an hour longer or shorter, and a time that
the clocks skip or show twice begins one shift, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody else is on call from `starts` until `ends`."""

    person: int
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class OnCallSchedule:
    """People take turns of `days` days each, from `first` on, handing over at `handover` by the clock of `zone`.

    Of overrides that overlap, the last one counts.
    """

    people: tuple[int, ...]
    first: date
    days: int = 7
    handover: time = time(9)
    zone: str = "UTC"
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """A person is on call from `starts` until `ends`; `covers` where that is an override."""

    person: int
    starts: datetime
    ends: datetime
    covers: bool = False


def who_is_on_call(rota: OnCallSchedule, at: datetime) -> Shift | None:
    """The shift that somebody has at a moment; None before the rotation begins, or when nobody is in it."""
    at = at.astimezone(UTC)
    for override in reversed(rota.overrides):
        if override.starts <= at < override.ends:
            return Shift(override.person, override.starts.astimezone(UTC), override.ends.astimezone(UTC), covers=True)
    return _turn(rota, at)


def shifts(rota: OnCallSchedule, start: datetime, end: datetime) -> list[Shift]:
    """Every shift within [start, end), cut to it, in order; nobody has two at once."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    found: list[Shift] = []
    for begins, ends in _pieces(rota, start, end):
        shift = who_is_on_call(rota, begins)
        if shift is None:
            continue
        last = found[-1] if found else None
        same = last is not None and (last.person, last.covers, last.ends) == (shift.person, shift.covers, begins)
        # A turn that begins here is told apart, also from a turn of the same person.
        if last is not None and same and shift.starts != begins:
            found[-1] = Shift(last.person, last.starts, ends, last.covers)
        else:
            found.append(Shift(shift.person, begins, ends, shift.covers))
    return found


def _pieces(rota: OnCallSchedule, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
    """[start, end) cut at every moment at which somebody else may come on call."""
    cuts = {start, end}
    for override in rota.overrides:
        cuts |= {moment for moment in (override.starts, override.ends) if start < moment < end}
    if rota.people:
        number = max(0, _number(rota, start))
        while (begins := _begins(rota, number)) < end:
            cuts |= {begins} if begins > start else set()
            number += 1
    moments = sorted(moment.astimezone(UTC) for moment in cuts)
    return pairwise(moments)


def _turn(rota: OnCallSchedule, at: datetime) -> Shift | None:
    number = _number(rota, at)
    if number < 0 or not rota.people:
        return None
    person = rota.people[number % len(rota.people)]
    return Shift(person, _begins(rota, number), _begins(rota, number + 1))


def _number(rota: OnCallSchedule, at: datetime) -> int:
    """Which turn it is at a moment, from 0; negative before the first."""
    local = at.astimezone(ZoneInfo(rota.zone)).date()
    number = (local - rota.first).days // rota.days
    while _begins(rota, number) > at:
        number -= 1
    while _begins(rota, number + 1) <= at:
        number += 1
    return number


def _begins(rota: OnCallSchedule, number: int) -> datetime:
    day = rota.first + timedelta(days=number * rota.days)
    return datetime.combine(day, rota.handover, ZoneInfo(rota.zone)).astimezone(UTC)
