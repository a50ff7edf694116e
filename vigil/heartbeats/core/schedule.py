"""Job schedule: the next expected ping, by period, cron or OnCalendar. Pure; the clock is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cronsim import CronSim, CronSimError

from vigil.heartbeats.core import oncalendar
from vigil.heartbeats.core.zones import zone_of

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=365)
#: A ping this long before its time counts as the expected one: clocks differ.
EARLY = timedelta(seconds=60)
_MAX_EXPRESSION = 200
_FIELDS = 5

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class ScheduleKind(StrEnum):
    PERIOD = "period"
    CRON = "cron"
    ONCALENDAR = "oncalendar"


@dataclass(frozen=True, slots=True)
class JobSchedule:
    """`period` for the kind of that name, an expression and its time zone for the others."""

    kind: ScheduleKind
    period: timedelta = timedelta()
    expression: str = ""
    zone: str = "UTC"

    def in_words(self) -> str:
        """The schedule for people, such as `every 1 h` or `0 2 * * * in Europe/Berlin`."""
        if self.kind is ScheduleKind.PERIOD:
            return f"every {length_in_words(self.period)}"
        return f"{self.expression} in {self.zone}"


def next_after(schedule: JobSchedule, at: datetime) -> datetime | None:
    """First expected time after `at`; None when there is none."""
    if schedule.kind is ScheduleKind.PERIOD:
        return at + schedule.period
    if schedule.kind is ScheduleKind.ONCALENDAR:
        return oncalendar.next_time(schedule.expression, at, schedule.zone)
    local = at.astimezone(zone_of(schedule.zone) or UTC)
    found = next(CronSim(_cron(schedule.expression), local), None)
    return found.astimezone(UTC) if found else None


def expected_after_call(schedule: JobSchedule, at: datetime, expected: datetime | None) -> datetime | None:
    """Next expected time after a ping at `at`; an early ping counts for its own time."""
    if schedule.kind is not ScheduleKind.PERIOD and expected is not None and at < expected <= at + EARLY:
        return next_after(schedule, expected)
    return next_after(schedule, at)


def earliest_call(schedule: JobSchedule, expected: datetime, grace: timedelta) -> datetime:
    """From when on a call counts for the expected time; of a period, from when on it is likely that one."""
    return expected - (min(grace, schedule.period) if schedule.kind is ScheduleKind.PERIOD else EARLY)


def problem_of(schedule: JobSchedule, now: datetime) -> tuple[str, str]:
    """Problem of a schedule as (field, words); empty strings if it is valid."""
    if zone_of(schedule.zone) is None:
        # Also of a period, which does not use it yet: it is stored, and another schedule would.
        return "time_zone", f"There is no time zone {schedule.zone!r}: use one such as Europe/Berlin."
    if schedule.kind is ScheduleKind.PERIOD:
        if SHORTEST <= schedule.period <= LONGEST:
            return "", ""
        return "period_s", "Must be between 1 minute and 1 year."
    if len(schedule.expression) > _MAX_EXPRESSION:
        return "expression", f"At most {_MAX_EXPRESSION} characters."
    elsewhere = _elsewhere(schedule.expression) if schedule.kind is ScheduleKind.CRON else ""
    if elsewhere:
        return "expression", elsewhere
    fields = len(_cron(schedule.expression).split())
    # CronSim also takes six fields and reads seconds first; most who write six mean something else.
    if schedule.kind is ScheduleKind.CRON and fields != _FIELDS:
        return "expression", f"Must have five fields (minute, hour, day, month, weekday), not {fields}."
    try:
        if schedule.kind is ScheduleKind.ONCALENDAR and len(oncalendar.parse(schedule.expression).seconds) > 1:
            return "expression", "Must be at most once a minute: name one second, such as *:*:00."
        first = next_after(schedule, now)
    except CronSimError as refused:
        return "expression", f"Not a cron expression: {refused}."
    except oncalendar.NotACalendar as refused:
        return "expression", f"Not an OnCalendar expression: {refused}"
    return ("expression", "It has no time in the future.") if first is None else ("", "")


def length_in_words(length: timedelta) -> str:
    """A duration in its two largest units: `45 s`, `12 min`, `3 h 5 min`, `2 d 1 h`."""
    seconds = max(0, round(length.total_seconds()))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and not seconds):
            break
    return " ".join(parts) or "0 s"


def _elsewhere(expression: str) -> str:
    """What to write in place of forms that other schedulers take; empty for none of them."""
    word = expression.strip().lower()
    if word.startswith("@") and word not in _ALIASES:
        return f"Write five fields, one of {', '.join(_ALIASES)}, or a period for a job that runs every so often."
    if "tz=" in word:
        return "Give the time zone in its own field, and five fields here."
    return "Write * in place of ?." if "?" in word.split() else ""


def _cron(expression: str) -> str:
    return _ALIASES.get(expression.strip().lower(), expression)
