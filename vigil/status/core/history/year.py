"""A year of a status page: state and time of each of its components on each day. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from vigil.history.core.uptime import Settled, Uptime
from vigil.read_models.core.strips import (
    DEGRADED,
    DOWN,
    MAINTENANCE,
    PAUSED,
    UNKNOWN,
    UP,
    ShownSpans,
    days,
)
from vigil.status.core.facts import ComponentFacts, PublicIncidentFacts

YEAR_DAYS = 365
WORST_FIRST = (DOWN, DEGRADED, UNKNOWN, UP, MAINTENANCE, PAUSED)


@dataclass(frozen=True, slots=True)
class ComponentDay:
    """A day of a component: the letter of its state, and its seconds, of all its monitors together."""

    state: str
    uptime: Uptime

    @property
    def is_quiet(self) -> bool:
        """Whether it was up all day, as far as it was measured."""
        return self.state == UP and not self.uptime.maintenance_s


@dataclass(frozen=True, slots=True)
class PageYear:
    """Days of each component by its id, the oldest first; the last is `end`, up to `at`. Incidents are by day."""

    at: datetime
    components: Mapping[str, Sequence[ComponentDay]]
    incidents: Mapping[date, Sequence[PublicIncidentFacts]]
    #: Response times of components that show them, by their ids: p95 of each of ninety days in ms, the oldest first.
    latency: Mapping[str, Sequence[float | None]] = field(default_factory=dict)

    @property
    def end(self) -> date:
        return self.at.astimezone(UTC).date()

    @property
    def days(self) -> list[date]:
        """The oldest first."""
        return [self.end - timedelta(days=back) for back in range(YEAR_DAYS - 1, -1, -1)]

    @property
    def months(self) -> list[str]:
        """Its months, such as 2026-11, the newest first."""
        return list(dict.fromkeys(f"{day:%Y-%m}" for day in reversed(self.days)))

    def on(self, component: str, day: date) -> ComponentDay | None:
        """A day of a component; None for one that is not of this year, or for a component that came later."""
        found, back = self.components.get(component, ()), (self.end - day).days
        return found[len(found) - 1 - back] if 0 <= back < len(found) else None


def year_of(components: Sequence[ComponentFacts], incidents: Sequence[PublicIncidentFacts], now: datetime) -> PageYear:
    """The year of components whose spans reach as far back."""
    by_day = incidents_by_day(incidents, now, YEAR_DAYS)
    return PageYear(now, {one.id: component_days(one.spans, now) for one in components}, by_day)


def incidents_by_day(
    incidents: Sequence[PublicIncidentFacts], now: datetime, count: int
) -> dict[date, list[PublicIncidentFacts]]:
    """Those that were open on each of the newest days, or ended on it; days without any are left out."""
    found: dict[date, list[PublicIncidentFacts]] = {}
    last = now.astimezone(UTC).date()
    first = last - timedelta(days=count - 1)
    for one in incidents:
        day = max(first, one.started_at.astimezone(UTC).date())
        end = last if one.resolved_at is None else min(last, one.resolved_at.astimezone(UTC).date())
        while day <= end:
            found.setdefault(day, []).append(one)
            day += timedelta(days=1)
    return found


def touching(incidents: Sequence[PublicIncidentFacts], component: str) -> list[PublicIncidentFacts]:
    """Those that name a component, or none."""
    return [one for one in incidents if component in one.components or not one.components]


def component_days(spans: Sequence[Settled], now: datetime, count: int = YEAR_DAYS) -> list[ComponentDay]:
    """The newest days (UTC), the oldest first; of several monitors the worst state, and the sum of their times."""
    if not spans:
        return [ComponentDay(PAUSED, Uptime())] * count
    each = [days(ShownSpans(one), int(now.timestamp()), count) for one in spans]
    return [
        ComponentDay(
            min((day.state for day in same), key=WORST_FIRST.index), sum((day.uptime for day in same), Uptime())
        )
        for same in zip(*each, strict=True)
    ]
