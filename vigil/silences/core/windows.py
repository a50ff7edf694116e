"""Silence windows: one-off, or recurring by cron in a time zone, of fixed elapsed length. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MIN_DURATION, MAX_DURATION = timedelta(minutes=1), timedelta(days=7)
#: A more frequent window is a permanent silence that costs.
MIN_PERIOD = timedelta(minutes=5)
SAMPLES = 50
FIELDS = 5


class ScheduleError(ValueError):
    """Invalid schedule; `field` names the wrong field."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `starts`, included, to `ends`, excluded."""

    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class WindowSchedule:
    """One window from `starts` to `ends`; with cron, the windows that start between the two.

    Nothing counts before `valid_from` or from `valid_until` on: a changed schedule keeps its past.
    """

    starts: datetime | None = None
    ends: datetime | None = None
    cron: str = ""
    duration: timedelta = timedelta()
    zone: str = "UTC"
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def windows(schedule: WindowSchedule, start: datetime, end: datetime) -> list[Window]:
    """Windows within [start, end), clipped, in order, without overlap."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    lower = max(start, schedule.valid_from) if schedule.valid_from else start
    upper = min(end, schedule.valid_until) if schedule.valid_until else end
    return merged(
        Window(max(found.starts, lower), min(found.ends, upper))
        for found in _found(schedule, lower, upper)
        if found.starts < upper and found.ends > lower
    )


def current(schedule: WindowSchedule, at: datetime) -> Window | None:
    """The current window, merged with adjacent ones up to the longest length; None if there is none."""
    if not schedule.cron and schedule.starts and schedule.ends:
        once = windows(schedule, schedule.starts, schedule.ends)
        return next((window for window in once if window.starts <= at < window.ends), None)
    around = windows(schedule, at - MAX_DURATION, at + MAX_DURATION * 2)
    return next((window for window in around if window.starts <= at < window.ends), None)


def merged(found: Iterable[Window]) -> list[Window]:
    """Union of windows in order; adjacent ones merged, empty ones dropped."""
    union: list[Window] = []
    for window in sorted(found):
        if window.starts >= window.ends:
            continue
        if union and window.starts <= union[-1].ends:
            union[-1] = Window(union[-1].starts, max(union[-1].ends, window.ends))
        else:
            union.append(window)
    return union


def check(schedule: WindowSchedule) -> None:
    """Validate a schedule; raises `ScheduleError`."""
    if schedule.starts and schedule.ends and schedule.starts >= schedule.ends:
        raise ScheduleError("ends_at", "Must end after it starts.")
    if not schedule.cron:
        if not (schedule.starts and schedule.ends):
            raise ScheduleError(
                "ends_at", "Give an end or a duration of up to a year; with a cron expression, a duration."
            )
        return
    if not MIN_DURATION <= schedule.duration <= MAX_DURATION:
        raise ScheduleError("duration_s", "A recurring window lasts from 1 minute to 7 days.")
    if len(schedule.cron.split()) != FIELDS:
        raise ScheduleError("cron", "A cron expression has five fields: minute, hour, day, month, day of the week.")
    try:
        sample = list(islice(_beginnings(schedule, datetime(2030, 1, 1, tzinfo=UTC)), SAMPLES))
    except CronSimError as problem:
        raise ScheduleError("cron", f"This is not a cron expression: {problem}.") from None
    if not sample:
        raise ScheduleError("cron", "There is no such day.")
    if any(later - earlier < MIN_PERIOD for earlier, later in pairwise(sample)):
        raise ScheduleError("cron", "Must not begin more often than every 5 minutes.")


def _found(schedule: WindowSchedule, lower: datetime, upper: datetime) -> Iterator[Window]:
    if not schedule.cron:
        if schedule.starts and schedule.ends:
            yield Window(schedule.starts, schedule.ends)
        return
    last = min(upper, schedule.ends) if schedule.ends else upper
    for begins in _beginnings(schedule, lower - schedule.duration):
        if begins >= last:
            return
        if schedule.starts is None or begins >= schedule.starts:
            yield Window(begins, begins + schedule.duration)


def _beginnings(schedule: WindowSchedule, after: datetime) -> Iterator[datetime]:
    """Starts of windows, from a minute before `after` on."""
    local = (after.astimezone(UTC) - timedelta(minutes=1)).astimezone(ZoneInfo(schedule.zone))
    return (begins.astimezone(UTC) for begins in CronSim(schedule.cron, local))
