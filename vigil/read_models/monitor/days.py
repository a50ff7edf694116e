"""Days of one monitor: its ninety days with their bands, and the checks of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from vigil.accounts.models import Team
from vigil.history.core import rollups
from vigil.history.core.rollups import Rollup
from vigil.history.reading import read
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.monitors.models import Monitor
from vigil.read_models.core.strips import DAY_S, StripDay, days, last_slots, strip
from vigil.read_models.monitor.page import Band, bands_of
from vigil.read_models.monitor_facts import WINDOW, MonitorFacts
from vigil.read_models.overview import team_monitors
from vigil.read_models.team_silences import TeamSilences

_DAY = "SELECT payload FROM history_rolledday WHERE monitor = %s AND day = %s"


@dataclass(frozen=True, slots=True)
class MonitorDays:
    """Ninety days, the oldest first, and the same as runs; incidents and maintenance, newest first."""

    monitor: Monitor
    region_keys: Sequence[int]
    days: Sequence[StripDay]
    strip: str
    bands: Sequence[Band]


def read_monitor_days(team: Team, public_id: str, now: datetime) -> MonitorDays | None:
    """Read them in five queries; None where the team has no such monitor."""
    silences = TeamSilences.read(team, now - WINDOW, now)
    monitor: Monitor | None = team_monitors(team, silences).filter(public_id=public_id).first()
    if monitor is None:
        return None
    facts, now_s = MonitorFacts([monitor], silences, now), int(now.timestamp())
    spans = facts.spans(monitor)
    return MonitorDays(
        monitor=monitor,
        region_keys=[region.key for region in facts.regions.get(monitor.pk, [])],
        days=days(spans, now_s),
        strip=strip(spans, last_slots(now_s, DAY_S, 90)),
        bands=bands_of(facts, monitor),
    )


def checks_of_day(found: MonitorDays, day: StripDay) -> Rollup:
    """Checks of a day (UTC), all regions together: rolled up, or as they came so far."""
    number, total = int(day.start.timestamp()) // DAY_S, Rollup()
    with connection.cursor() as cursor:
        cursor.execute(_DAY, [found.monitor.pk, number])
        row = cursor.fetchone()
    if row is not None:
        rollups.add_regions(row[0], total, frozenset(found.region_keys))
        return total
    begin = number * DAY_MS
    for steps in read.by_step(found.monitor.pk, found.region_keys, begin, begin + DAY_MS, DAY_MS).values():
        for one in steps.values():
            total.add(one)
    return total
