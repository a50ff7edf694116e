"""Query ranges of the history API: range, steps, time zone; all bounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.exceptions import ValidationError

from vigil.clock import database_now, is_zone
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.uptime import Span, midnight
from vigil.history.storage.daily_rollup import DAY_MS

Query = Mapping[str, Any]

DAYS_MOST = 3_660
HOURS_MOST = 744
POINTS_MOST = 1_500
MIN_STEP_S = 10
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
        day = parse_date(text)
        if day is not None:
            return datetime.fromtimestamp(midnight(day, zone), UTC)
        moment = parse_datetime(text.replace(" ", "+"))
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not 1970 <= moment.year <= 9000:
        raise ValidationError({name: ["A date such as 2030-01-31, or a date and time such as 2030-01-31T12:00:00Z."]})
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


@dataclass(frozen=True, slots=True)
class UptimeRange:
    """A window in whole seconds, ending no later than now, and the zone of its days."""

    window: Span
    zone: ZoneInfo

    @classmethod
    def of(cls, query: Query, days: int = 90) -> UptimeRange:
        name = str(query.get("tz") or "UTC")
        if len(name) > 64 or not is_zone(name):
            raise ValidationError({"tz": ["A time zone such as Europe/Berlin."]})
        zone = ZoneInfo(name)
        now = database_now()
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
        start, end = (datetime.fromtimestamp(second, self.zone) for second in self.window)
        return {"from": start, "to": end, "tz": self.zone.key}


@dataclass(frozen=True, slots=True)
class ChartRange:
    """The last hours in steps; the first starts at a multiple of the step."""

    start_ms: int
    end_ms: int
    step_ms: int
    regions: str

    @classmethod
    def of(cls, query: Query, hours: int = 24, most_hours: int = HOURS_MOST) -> ChartRange:
        length_ms = _number(query, "hours", hours, most_hours) * HOUR_MS
        wanted_s = length_ms // 1000 // 96
        usual_s = next((step for step in _STEPS_S if step >= wanted_s), _STEPS_S[-1])
        step_ms = _number(query, "step_s", usual_s, 86_400, MIN_STEP_S) * 1000
        if length_ms // step_ms > POINTS_MOST:
            raise ValidationError({"step_s": [f"That would be more than {POINTS_MOST} steps."]})
        end_ms = int(database_now().timestamp() * 1000) + 1
        start_ms = end_ms - length_ms
        return cls(start_ms - start_ms % step_ms, end_ms, step_ms, str(query.get("regions") or ""))

    def row(self) -> dict[str, Any]:
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (self.start_ms, self.end_ms))
        return {"from": start, "to": end, "step_s": self.step_ms // 1000}


@dataclass(frozen=True, slots=True)
class PercentileRange:
    """A range to the second, and its grouping: `all`, or by whole days of UTC."""

    window: Span
    by: str
    regions: str

    @classmethod
    def of(cls, query: Query) -> PercentileRange:
        by = str(query.get("by") or "day")
        if by not in ("day", "week", "month", "all"):
            raise ValidationError({"by": ["One of day, week, month, all."]})
        asked = UptimeRange.of(query if by == "all" else {**query, "tz": "UTC"}, days=365)
        return cls(asked.window, by, str(query.get("regions") or ""))

    @property
    def first_day(self) -> int:
        return self.window[0] * 1000 // DAY_MS

    @property
    def last_day(self) -> int:
        return (self.window[1] - 1) * 1000 // DAY_MS

    def step_of(self, day: int) -> str:
        """First day of a day's step."""
        at = _EPOCH + timedelta(days=day)
        if self.by == "week":
            at -= timedelta(days=at.weekday())
        elif self.by == "month":
            at = at.replace(day=1)
        return at.isoformat()

    def row(self) -> dict[str, Any]:
        start, end = (datetime.fromtimestamp(second, UTC) for second in self.window)
        return {"from": start, "to": end, "by": self.by}
