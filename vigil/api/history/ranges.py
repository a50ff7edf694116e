"""Query ranges of the history API: range, steps, time zone; all bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.exceptions import ValidationError

from vigil.api.base.errors import InvalidCursor
from vigil.api.base.parameters import MOMENT_LENGTH, ZONE_LENGTH
from vigil.clock import database_now, is_storable, is_zone
from vigil.configuration import configuration
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import Rollup
from vigil.history.core.uptime import Span, midnight
from vigil.history.reading import series
from vigil.history.reading.walk import Place
from vigil.history.storage.daily_rollup import DAY_MS

Query = Mapping[str, Any]
#: From and to in milliseconds since the epoch, half open.
Window = tuple[int, int]

DAYS_MOST = 3_660
HOURS_MOST = 744
POINTS_MOST = 1_500
MIN_STEP_S, STEP_MOST_S = 10, 86_400
CHECKS_HOURS_MOST = 24
#: Rows of a page of single checks, and days of rollups by the day.
ROWS_USUAL, ROWS_MOST, CSV_ROWS_MOST = 500, 5_000, 50_000
ROLLED_DAYS_MOST = 400
CURSOR_LENGTH = 60
_STEPS_S = (10, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_EPOCH = date(1970, 1, 1)


def _number(query: Query, name: str, default: int, most: int, least: int = 1) -> int:
    text = str(query.get(name, default))
    if not text.isascii() or not text.isdigit() or not least <= int(text[:12]) <= most:
        raise ValidationError({name: [f"A whole number from {least} to {most}."]})
    return int(text)


def _moment(query: Query, name: str, zone: ZoneInfo) -> datetime | None:
    text = str(query.get(name) or "")
    if not text:
        return None
    try:
        if len(text) > MOMENT_LENGTH:
            raise ValueError
        day = parse_date(text)
        if day is not None and is_storable(day):
            return datetime.fromtimestamp(midnight(day, zone), UTC)
        moment = parse_datetime(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not is_storable(moment):
        raise ValidationError({name: ["A date such as 2030-01-31, or a date and time such as 2030-01-31T12:00:00Z."]})
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


@dataclass(frozen=True, slots=True)
class UptimeRange:
    """A window in whole seconds, ending no later than now, and the zone of its days."""

    window: Span
    zone: ZoneInfo

    @classmethod
    def of(cls, query: Query, days: int = 90) -> UptimeRange:
        zone, now = _zone(query), database_now()
        end = min(_moment(query, "to", zone) or now, now)
        start = _moment(query, "from", zone)
        if start is None:
            # Calendar days; the last is that of the end.
            first = end.astimezone(zone).date() - timedelta(days=_number(query, "days", days, DAYS_MOST) - 1)
            start = datetime.fromtimestamp(midnight(first, zone), UTC)
        if start >= end or end - start > timedelta(days=DAYS_MOST + 1):
            raise ValidationError({"from": [f"Must be before the end, and at most {DAYS_MOST} days."]})
        return cls((int(start.timestamp()), int(end.timestamp())), zone)

    def row(self) -> dict[str, Any]:
        start, end = (datetime.fromtimestamp(second, UTC) for second in self.window)
        return {"from": start, "to": end, "tz": self.zone.key}


def _zone(query: Query) -> ZoneInfo:
    name = str(query.get("tz") or "UTC")
    if len(name) > ZONE_LENGTH or not is_zone(name):
        raise ValidationError({"tz": ["A time zone such as Europe/Berlin."]})
    return ZoneInfo(name)


def _window_ms(query: Query, now_ms: int, hours: int, most_hours: int) -> Window:
    """A window by `from` and `to`, or the last `hours` before its end, which is now at the latest."""
    zone = _zone(query)
    end, start = _moment(query, "to", zone), _moment(query, "from", zone)
    end_ms = min(now_ms, int(end.timestamp() * 1000)) if end else now_ms
    start_ms = int(start.timestamp() * 1000) if start else end_ms - _number(query, "hours", hours, most_hours) * HOUR_MS
    if not 0 <= start_ms < end_ms or end_ms - start_ms > most_hours * HOUR_MS:
        raise ValidationError({"from": [f"Must be before the end, by {most_hours} hours at most."]})
    return start_ms, end_ms


@dataclass(frozen=True, slots=True)
class ResultRange:
    """A window of single checks, and which page of it."""

    window_ms: Window
    limit: int
    after: Place | None
    regions: str

    @classmethod
    def of(cls, query: Query, as_csv: bool) -> ResultRange:
        now_ms = int(database_now().timestamp() * 1000) + 1
        window = _window_ms(query, now_ms, 1, HOURS_MOST)
        most = CSV_ROWS_MOST if as_csv else ROWS_MOST
        limit = _number(query, "limit", most if as_csv else ROWS_USUAL, most)
        return cls(window, limit, _place(str(query.get("cursor") or "")), str(query.get("regions") or ""))


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    parts = cursor[:CURSOR_LENGTH].split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        raise InvalidCursor
    at_ms, region, look = map(int, parts)
    return at_ms, region, look


@dataclass(frozen=True, slots=True)
class RollupRange:
    """A window of rollups by the hour or by the day."""

    window_ms: Window
    step_hours: int
    regions: str

    @classmethod
    def of(cls, query: Query) -> RollupRange:
        by = str(query.get("by") or "hour")
        if by not in ("hour", "day"):
            raise ValidationError({"by": ["One of hour, day."]})
        now_ms = int(database_now().timestamp() * 1000) + 1
        start_ms, end_ms = _window_ms(query, now_ms, 24, HOURS_MOST if by == "hour" else ROLLED_DAYS_MOST * 24)
        step = 24 if by == "day" else 1
        return cls((start_ms - start_ms % (step * HOUR_MS), end_ms), step, str(query.get("regions") or ""))


@dataclass(frozen=True, slots=True)
class ChartRange:
    """Hours in steps; the first starts at a multiple of the step."""

    start_ms: int
    end_ms: int
    step_ms: int
    regions: str

    @classmethod
    def of(cls, query: Query, hours: int = 24, most_hours: int = HOURS_MOST) -> ChartRange:
        now_ms = int(database_now().timestamp() * 1000) + 1
        start_ms, end_ms = _window_ms(query, now_ms, hours, most_hours)
        length_ms = end_ms - start_ms
        # Below an hour the checks themselves are read, which are not kept as long.
        stored_ms = now_ms - configuration().keep_checks_days * DAY_MS
        wanted_s = max(length_ms // 1000 // 96, 3_600 if start_ms < stored_ms else 0)
        usual_s = next((step for step in _STEPS_S if step >= wanted_s), _STEPS_S[-1])
        step_ms = _number(query, "step_s", usual_s, STEP_MOST_S, MIN_STEP_S) * 1000
        if length_ms // step_ms > POINTS_MOST:
            raise ValidationError({"step_s": [f"That would be more than {POINTS_MOST} steps."]})
        return cls(start_ms - start_ms % step_ms, end_ms, step_ms, str(query.get("regions") or ""))

    def row(self) -> dict[str, Any]:
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (self.start_ms, self.end_ms))
        return {"from": start, "to": end, "step_s": self.step_ms // 1000}


@dataclass(frozen=True, slots=True)
class PercentileRange:
    """A range to the second, and its grouping: `all`, or by days of a zone, which begin at a full hour of UTC."""

    window: Span
    by: str
    regions: str
    zone: ZoneInfo

    @classmethod
    def of(cls, query: Query) -> PercentileRange:
        by = str(query.get("by") or "day")
        if by not in ("day", "week", "month", "all"):
            raise ValidationError({"by": ["One of day, week, month, all."]})
        zone = _zone(query)
        asked = UptimeRange.of(query, days=365)
        start_s, end_s = asked.window
        if by != "all" and zone.key != "UTC" and end_s - start_s > (ROLLED_DAYS_MOST + 1) * DAY_MS // 1000:
            problem = (
                f"Days of a zone are made of hours, which are kept {ROLLED_DAYS_MOST} days: ask for less, or in UTC."
            )
            raise ValidationError({"from": [problem]})
        return cls(asked.window, by, str(query.get("regions") or ""), zone)

    def by_day(self, monitor: int, regions: list[int]) -> Iterator[tuple[date, Rollup]]:
        """Rollups of these regions together: of whole days in UTC, else of each hour with its day in the zone."""
        start_ms, end_ms = (second * 1000 for second in self.window)
        if self.zone.key == "UTC":
            for day, rolled in series.days(monitor, regions, start_ms // DAY_MS, (end_ms - 1) // DAY_MS).items():
                yield _EPOCH + timedelta(days=day), rolled
            return
        hours = [step for steps in series.hours(monitor, regions, start_ms, end_ms).values() for step in steps.items()]
        for at_ms, rolled in sorted(hours, key=lambda step: step[0]):
            # The first hour may have begun on the day before, where a zone is not whole hours from UTC.
            yield datetime.fromtimestamp(max(at_ms, start_ms) / 1000, self.zone).date(), rolled

    def step_of(self, day: date) -> str:
        """First day of a day's step."""
        if self.by == "week":
            day -= timedelta(days=day.weekday())
        elif self.by == "month":
            day = day.replace(day=1)
        return day.isoformat()

    def row(self) -> dict[str, Any]:
        start, end = (datetime.fromtimestamp(second, UTC) for second in self.window)
        return {"from": start, "to": end, "tz": self.zone.key, "by": self.by}
