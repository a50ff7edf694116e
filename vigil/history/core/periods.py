"""Report periods: calendar weeks and months of a time zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from vigil.history.core.uptime import Span, midnight

#: A report waits this long after its period, for late results.
SETTLED_AFTER = timedelta(hours=1)


class Frequency(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole calendar days: from `first`, included, to `after`, excluded."""

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
    """The last finished week (from Monday) or month."""
    today = now.astimezone(zone).date()
    if frequency is Frequency.WEEKLY:
        after = today - timedelta(days=today.weekday())
        return Period(after - timedelta(days=7), after, zone)
    after = today.replace(day=1)
    return Period((after - timedelta(days=1)).replace(day=1), after, zone)


def before(period: Period, frequency: Frequency) -> Period:
    """The period before one, for comparison."""
    if frequency is Frequency.WEEKLY:
        return Period(period.first - timedelta(days=7), period.first, period.zone)
    return Period((period.first - timedelta(days=1)).replace(day=1), period.first, period.zone)


def due(frequency: Frequency, zone: ZoneInfo, now: datetime, told_until: datetime) -> Period | None:
    """The last finished and settled period, if not yet reported. After an outage one mail is enough."""
    period = last_over(frequency, zone, now - SETTLED_AFTER)
    return period if period.ends > told_until else None
