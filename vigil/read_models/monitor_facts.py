"""Facts of the monitors on a page, read for all of them at once: incidents, evidence, spans, regions, last results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from consensus.review.evidence import from_evidence, is_verdict
from consensus.verdicts import Verdict
from probes.wire import Fact, Result
from vigil.canaries.reading import canary_reports
from vigil.history.core.uptime import Span
from vigil.history.models import Unwatched
from vigil.history.reading.spans import DOWN_KINDS, UP_KINDS, SpanRows, spans_of, unwatched_rows
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.live.results import Latest, latest_results, region_quarantines, region_statuses
from vigil.monitors.models import Monitor
from vigil.read_models.core.strips import DAY_S, DAYS, ShownSpans, last_slots
from vigil.read_models.row_incidents import PageIncident, read_incidents
from vigil.read_models.team_silences import TeamSilences

WINDOW = timedelta(days=DAYS)

# A row a region: monitors share the same few.
_REGIONS = """
SELECT r.id, r.slug, r.domain, array_agg(w.monitor_id)
FROM monitors_region r JOIN monitors_monitor_regions w ON w.region_id = r.id
WHERE r.enabled AND w.monitor_id = ANY(%s) GROUP BY r.id ORDER BY r.slug
"""


@dataclass(frozen=True, slots=True)
class PageRegion:
    """A region that checks a monitor."""

    key: int
    slug: str
    domain: str


class MonitorFacts:
    """Facts of some monitors at `now`; `now` is the end of every window."""

    def __init__(self, monitors: Sequence[Monitor], silences: TeamSilences, now: datetime) -> None:
        self.now = now
        self.slots = last_slots(int(now.timestamp()))
        self.silences = silences
        self.regions = _regions(monitors)
        self.incidents = read_incidents([one.pk for one in monitors], now - WINDOW)
        self._unwatched = list(unwatched_rows([one.pk for one in monitors], self.window))
        self._spans = self._settle(monitors)
        self._open: dict[int, list[PageIncident]] = {}
        for incident in self.incidents:
            if incident.resolved_at is None:
                self._open.setdefault(incident.monitor_id, []).append(incident)
        slugs = sorted({region.slug for each in self.regions.values() for region in each})
        self.latest: Latest = latest_results([one.public_id for one in monitors if one.pk in self.regions], slugs)
        self.canaries = canary_reports(monitors, now)
        self._voting: frozenset[str] | None = None
        self._held: Collection[str] | None = None

    @property
    def window(self) -> Span:
        """Ninety days, aligned to the first one."""
        end = int(self.now.timestamp())
        return end - end % DAY_S - (DAYS - 1) * DAY_S, end

    def spans(self, monitor: Monitor) -> ShownSpans:
        return self._spans[monitor.pk]

    def main_incident(self, monitor: Monitor) -> PageIncident | None:
        """Its open incident that says what its state is."""
        return next((one for one in self._open.get(monitor.pk, ()) if one.kind in DOWN_KINDS + UP_KINDS), None)

    def regional_incident(self, monitor: Monitor) -> PageIncident | None:
        return next((one for one in self._open.get(monitor.pk, ()) if one.kind == IncidentKind.REGIONAL), None)

    def open_incidents(self, monitor: Monitor) -> Sequence[PageIncident]:
        return self._open.get(monitor.pk, ())

    def since_unwatched(self, monitor: Monitor, why: Unwatched.Why) -> datetime | None:
        """Since when it is paused, or not seen."""
        started = (row.from_at for row in self._unwatched if row.monitor_id == monitor.pk and row.why == why
                   and row.to_at is None)  # fmt: skip
        return max(started, default=None)

    def results(self, monitor: Monitor) -> Mapping[str, Result]:
        """Its last results by region."""
        return self.latest.of(monitor.public_id)

    def counted(self, monitor: Monitor) -> list[Mapping[str, Fact]]:
        """The facts of its last results, but for those of regions in quarantine."""
        results = self.results(monitor)
        held = self._quarantined() if results else ()
        return [result.facts for region, result in results.items() if region not in held]

    def _quarantined(self) -> Collection[str]:
        """Regions in quarantine, asked once for a page."""
        if self._held is None:
            self._held = region_quarantines().keys()
        return self._held

    def voting(self, monitor: Monitor) -> int | None:
        """How many of its regions can vote now: they report, and are in no quarantine. None while that is not known."""
        if self._voting is None:
            self._voting = self._read_voting()
        if not self.latest.available:
            return None
        return sum(region.slug in self._voting for region in self.regions.get(monitor.pk, ()))

    def _read_voting(self) -> frozenset[str]:
        slugs = sorted({region.slug for each in self.regions.values() for region in each})
        statuses = region_statuses(slugs) if self.latest.available else None
        if statuses is None or not statuses.available:
            # Asked once: each question to a Redis that is away takes its whole deadline.
            self.latest = Latest(False, self.latest.results)
            return frozenset()
        return frozenset(statuses.by_region.keys() - set(self._quarantined()))

    def _settle(self, monitors: Sequence[Monitor]) -> dict[int, ShownSpans]:
        counted = [one for one in self.incidents if one.kind in DOWN_KINDS + UP_KINDS and not one.is_foretold]
        worsened = {one.pk: one.worsened for one in counted if one.worsened}
        start, end = (datetime.fromtimestamp(second, self.now.tzinfo) for second in self.window)
        rows = SpanRows(counted, worsened, self._unwatched, self.silences.maintained(monitors, start, end))
        begun: dict[int, list[int]] = {}
        for incident in counted:
            begun.setdefault(incident.monitor_id, []).append(int(incident.started_at.timestamp()))
        return {
            key: ShownSpans(one.settled, one.unseen, tuple(begun.get(key, ())))
            for key, one in spans_of(monitors, self.window, rows).items()
        }


def verdict_of(incident: PageIncident | None) -> Verdict | None:
    """The newest verdict stored with an incident of `MonitorFacts`; None for other evidence."""
    evidence = incident.evidence if incident is not None else None
    return from_evidence(evidence) if evidence and is_verdict(evidence) else None


def _regions(monitors: Sequence[Monitor]) -> dict[int, list[PageRegion]]:
    with connection.cursor() as cursor:
        cursor.execute(_REGIONS, [[one.pk for one in monitors]])
        rows = cursor.fetchall()
    found: dict[int, list[PageRegion]] = {}
    for key, slug, domain, watched in rows:
        region = PageRegion(key, slug, domain)
        for monitor in watched:
            found.setdefault(monitor, []).append(region)
    return found
