"""The weeks and months that reports are about, by the calendar of a time zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from vigil.history.core.uptime import Span, midnight

#: A report is written once its period has been over for so long: late results have come by then.
SETTLED_AFTER = timedelta(hours=1)


class Frequency(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a calendar: from `first`, included, to `after`, excluded."""

    first: date
    after: date
    zone: ZoneInfo

    @property
    def window(self) -> Span:
        return midnight(self.first, self.zone), midnight(self.after, self.zone)

    @property
    def ends(self) -> datetime:
        return datetime.fromtimestamp(self.window[1], UTC)

    @property
    def last(self) -> date:
        return self.after - timedelta(days=1)


def last_over(frequency: Frequency, zone: ZoneInfo, now: datetime) -> Period:
    """The last week (from Monday) or month that is over."""
    today = now.astimezone(zone).date()
    if frequency is Frequency.WEEKLY:
        after = today - timedelta(days=today.weekday())
        return Period(after - timedelta(days=7), after, zone)
    after = today.replace(day=1)
    return Period((after - timedelta(days=1)).replace(day=1), after, zone)


def before(period: Period, frequency: Frequency) -> Period:
    """The period before one, to compare it with."""
    if frequency is Frequency.WEEKLY:
        return Period(period.first - timedelta(days=7), period.first, period.zone)
    return Period((period.first - timedelta(days=1)).replace(day=1), period.first, period.zone)


def due(frequency: Frequency, zone: ZoneInfo, now: datetime, told_until: datetime) -> Period | None:
    """The period to report now: the last that is over and settled, if it ends after what was told. Only the last:
    after a long silence nobody wants a mail for every week of it."""
    period = last_over(frequency, zone, now - SETTLED_AFTER)
    return period if period.ends > told_until else None
