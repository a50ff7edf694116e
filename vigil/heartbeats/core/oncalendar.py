"""OnCalendar expressions of systemd (systemd.time(7)): parser, and next matching time. Pure.

    [weekdays] [[year-]month-day | month~day] [hour:minute[:second]] [time zone]

A part is `*`, a number, a list `1,15`, a range `9..17` or steps `0/15`; `~3` counts days from the end of the month.
A local time that a clock change skips never matches; a repeated one matches the first time.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from vigil.heartbeats.core.zones import zone_of

_SHORTHANDS = {
    "minutely": "*-*-* *:*:00",
    "hourly": "*-*-* *:00:00",
    "daily": "*-*-* 00:00:00",
    "weekly": "Mon *-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "quarterly": "*-01,04,07,10-01 00:00:00",
    "semiannually": "*-01,07-01 00:00:00",
    "semi-annually": "*-01,07-01 00:00:00",
    "biannually": "*-01,07-01 00:00:00",
    "bi-annually": "*-01,07-01 00:00:00",
    "yearly": "*-01-01 00:00:00",
    "annually": "*-01-01 00:00:00",
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL_DAYS = tuple(name.lower() for name in calendar.day_name)
_YEARS = range(1970, 2200)
#: The rarest date is a leap day on one weekday: 40 years, across a century without one.
_HORIZON_YEARS = 41
_MAX_LENGTH = 200


class NotACalendar(ValueError):
    """Invalid OnCalendar expression; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A parsed expression. `from_end` counts `days` from the end of the month, 1 for its last day."""

    weekdays: frozenset[int]
    years: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]
    from_end: bool
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]
    zone: str | None

    def allows(self, day: date) -> bool:
        if day.year not in self.years or day.month not in self.months or day.weekday() not in self.weekdays:
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        return (length + 1 - day.day if self.from_end else day.day) in self.days


@lru_cache(maxsize=4096)
def parse(expression: str) -> Calendar:
    """Parse an expression; raises `NotACalendar`."""
    if len(expression) > _MAX_LENGTH:
        raise NotACalendar(f"At most {_MAX_LENGTH} characters.")
    words = expression.split()
    if not words:
        raise NotACalendar("The expression is empty.")
    zone = None
    if len(words) > 1 and re.match(r"[A-Za-z]", words[-1]) and not _is_weekdays(words[-1]):
        zone = words.pop()
        zone = "UTC" if zone.lower() == "utc" else zone
        if zone_of(zone) is None:
            raise NotACalendar(f"{zone} is not a time zone.")
    if len(words) == 1 and words[0].lower() in _SHORTHANDS:
        words = _SHORTHANDS[words[0].lower()].split()
    weekdays = frozenset(range(7))
    if _is_weekdays(words[0]):
        weekdays = _weekdays(words.pop(0))
    date_word = words.pop(0) if words and ":" not in words[0] else "*-*-*"
    time_word = words.pop(0) if words else "00:00:00"
    if words:
        raise NotACalendar(f"{words[0]!r} is not valid here.")
    years, months, days, from_end = _date(date_word)
    hours, minutes, seconds = _time(time_word)
    return Calendar(weekdays, years, months, days, from_end, hours, minutes, seconds, zone)


def next_time(expression: str, after: datetime, zone: str) -> datetime | None:
    """First matching time after `after`, in UTC, or None. `zone` is the default zone. Raises `NotACalendar`."""
    plan = parse(expression)
    local = zone_of(plan.zone or zone) or ZoneInfo("UTC")
    begun = after.astimezone(local)
    day, last = begun.date(), begun.date().replace(year=min(begun.year + _HORIZON_YEARS, max(_YEARS)), day=1)
    while day <= last:
        if plan.allows(day):
            found = _first_of_day(plan, day, local, after)
            if found is not None:
                return found
            day += timedelta(days=1)
        else:
            day = _skip(plan, day)
    return None


def _skip(plan: Calendar, day: date) -> date:
    """Next candidate day; skips whole months and years that cannot match."""
    if day.year not in plan.years:
        return date(day.year + 1, 1, 1)
    if day.month not in plan.months:
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day + timedelta(days=1)


def _first_of_day(plan: Calendar, day: date, local: ZoneInfo, after: datetime) -> datetime | None:
    # On the first day start at the hour of `after`, an hour earlier in case clocks were set back.
    begun = after.astimezone(local)
    first_hour = begun.hour - 1 if begun.date() == day else 0
    for hour in (each for each in plan.hours if each >= first_hour):
        for minute in plan.minutes:
            for second in plan.seconds:
                wall = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=local)
                found = wall.astimezone(UTC)
                # Comparisons within one zone use the wall clock.
                if found > after and found.astimezone(local) == wall:
                    return found
    return None


def _is_weekdays(word: str) -> bool:
    return all(part.lower() in (*_DAYS, *_FULL_DAYS) for part in re.split(r",|\.\.|-", word) if part)


def _weekdays(word: str) -> frozenset[int]:
    found: set[int] = set()
    # systemd accepts a trailing comma, and the old Mon-Fri.
    for part in word.lower().removesuffix(",").replace("-", "..").split(","):
        ends = [_DAYS.index(name[:3]) if name else -1 for name in part.split("..")]
        if min(ends) < 0 or len(ends) > 2 or (len(ends) == 2 and ends[1] < ends[0]):
            raise NotACalendar(f"{word!r} is not a list of weekdays.")
        found.update(range(ends[0], ends[-1] + 1))
    return frozenset(found)


def _date(word: str) -> tuple[frozenset[int], frozenset[int], frozenset[int], bool]:
    from_end = "~" in word
    head, _, day = word.rpartition("~" if from_end else "-")
    parts = head.split("-")
    if not head or len(parts) > 2:
        raise NotACalendar(f"{word!r} is not a date: write *-*-*, 2027-01-31 or *-*~01.")
    years = _numbers(parts[0], _YEARS) if len(parts) == 2 else tuple(_YEARS)
    months = _numbers(parts[-1], range(1, 13))
    # `*` means the same from either end; `~29` does not, since months differ in length.
    from_end = from_end and day != "*"
    days = _numbers(day, range(1, 29 if from_end else 32), downwards=from_end)
    return frozenset(years), frozenset(months), frozenset(days), from_end


def _time(word: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    parts = word.split(":")
    if len(parts) not in (2, 3):
        raise NotACalendar(f"{word!r} is not a time: write 09:30, *:0/15 or 12:00:30.")
    seconds = parts[2] if len(parts) == 3 else "0"
    return _numbers(parts[0], range(24)), _numbers(parts[1], range(60)), _numbers(seconds, range(60))


def _numbers(part: str, allowed: Sequence[int], downwards: bool = False) -> tuple[int, ...]:
    """Values of one part. Steps from the end of the month count down."""
    if part == "*":
        return tuple(allowed)
    found: set[int] = set()
    for piece in part.split(","):
        read = re.fullmatch(r"(\d{1,4})(?:\.\.(\d{1,4}))?(?:/(\d{1,4}))?", piece)
        if read is None:
            raise NotACalendar(f"{piece!r} is not valid: write *, 5, 1,15, 9..17 or 0/15.")
        first, last, step = read.groups()
        begin = _number(first, allowed)
        end = _number(last, allowed) if last else (allowed[0] if downwards else allowed[-1]) if step else begin
        if begin not in allowed or end not in allowed or (step and not int(step)) or (last and end < begin):
            raise NotACalendar(f"{piece!r} is outside of {allowed[0]} to {allowed[-1]}.")
        lowest, highest, pace = min(begin, end), max(begin, end), int(step or 1)
        found.update(range(highest, lowest - 1, -pace) if downwards else range(lowest, highest + 1, pace))
    return tuple(sorted(found))


def _number(digits: str, allowed: Sequence[int]) -> int:
    """A number; two-digit years: 0 to 69 are 20xx, 70 to 99 are 19xx."""
    number = int(digits)
    return number + (2000 if number < 70 else 1900) if allowed is _YEARS and number < 100 else number
