"""Facts of the monitors on a page, read for all of them at once: incidents, evidence, spans, regions, last results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, JSONField, Max, OuterRef, Q, Subquery, TextField, When

from consensus.review.evidence import from_evidence, is_verdict
from consensus.verdicts import Verdict
from probes.wire import Result
from vigil.history.core.uptime import Span
from vigil.history.models import Unwatched
from vigil.history.reading.spans import DOWN_KINDS, UP_KINDS, SpanRows, spans_of, unwatched_rows
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.models import Incident, Transition
from vigil.monitors.live.results import Latest, latest_results, region_quarantines, region_statuses
from vigil.monitors.models import Monitor
from vigil.read_models.core.strips import DAY_S, DAYS, ShownSpans, last_slots
from vigil.read_models.team_silences import TeamSilences

#: Of the newest incidents; a page of a hundred monitors has far fewer in ninety days.
INCIDENTS_MOST = 20_000
WINDOW = timedelta(days=DAYS)


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
        self.incidents = list(_incidents([one.pk for one in monitors], now - WINDOW))
        self._unwatched = list(unwatched_rows([one.pk for one in monitors], self.window))
        self._spans = self._settle(monitors)
        self._open: dict[int, list[Incident]] = {}
        for incident in self.incidents:
            if incident.resolved_at is None:
                self._open.setdefault(incident.monitor_id or 0, []).append(incident)
        slugs = sorted({region.slug for each in self.regions.values() for region in each})
        self.latest: Latest = latest_results([one.public_id for one in monitors if one.pk in self.regions], slugs)
        self._voting: frozenset[str] | None = None

    @property
    def window(self) -> Span:
        """Ninety days, aligned to the first one."""
        end = int(self.now.timestamp())
        return end - end % DAY_S - (DAYS - 1) * DAY_S, end

    def spans(self, monitor: Monitor) -> ShownSpans:
        return self._spans[monitor.pk]

    def main_incident(self, monitor: Monitor) -> Incident | None:
        """Its open incident that says what its state is."""
        return next((one for one in self._open.get(monitor.pk, ()) if one.kind in DOWN_KINDS + UP_KINDS), None)

    def regional_incident(self, monitor: Monitor) -> Incident | None:
        return next((one for one in self._open.get(monitor.pk, ()) if one.kind == IncidentKind.REGIONAL), None)

    def open_incidents(self, monitor: Monitor) -> Sequence[Incident]:
        return self._open.get(monitor.pk, ())

    def since_unwatched(self, monitor: Monitor, why: Unwatched.Why) -> datetime | None:
        """Since when it is paused, or not seen."""
        started = (row.from_at for row in self._unwatched if row.monitor_id == monitor.pk and row.why == why
                   and row.to_at is None)  # fmt: skip
        return max(started, default=None)

    def results(self, monitor: Monitor) -> Mapping[str, Result]:
        """Its last results by region."""
        return self.latest.of(monitor.public_id)

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
        return frozenset(statuses.by_region.keys() - region_quarantines().keys())

    def _settle(self, monitors: Sequence[Monitor]) -> dict[int, ShownSpans]:
        counted = [one for one in self.incidents if one.kind in DOWN_KINDS + UP_KINDS]
        worsened = {one.pk: one.worsened for one in counted if one.worsened}  # type: ignore[attr-defined]
        start, end = (datetime.fromtimestamp(second, self.now.tzinfo) for second in self.window)
        rows = SpanRows(counted, worsened, self._unwatched, self.silences.maintained(monitors, start, end))
        begun: dict[int, list[int]] = {}
        for incident in counted:
            begun.setdefault(incident.monitor_id or 0, []).append(int(incident.started_at.timestamp()))
        return {
            key: ShownSpans(one.settled, one.unseen, tuple(begun.get(key, ())))
            for key, one in spans_of(monitors, self.window, rows).items()
        }


def verdict_of(incident: Incident | None) -> Verdict | None:
    """The newest verdict stored with an incident of `MonitorFacts`; None for other evidence."""
    evidence: Any = getattr(incident, "evidence", None)
    return from_evidence(evidence) if isinstance(evidence, dict) and is_verdict(evidence) else None


def _regions(monitors: Sequence[Monitor]) -> dict[int, list[PageRegion]]:
    watched = Monitor.regions.through.objects.filter(monitor_id__in=[one.pk for one in monitors], region__enabled=True)
    rows = watched.values_list("monitor_id", "region_id", "region__slug", "region__domain").order_by("region__slug")
    known: dict[int, PageRegion] = {}
    found: dict[int, list[PageRegion]] = {}
    for monitor, key, slug, domain in rows:
        found.setdefault(monitor, []).append(known.setdefault(key, PageRegion(key, slug, domain)))
    return found


def _incidents(monitors: Sequence[int], since: datetime) -> Sequence[Incident]:
    """Incidents since then, newest first: with `worsened`; of open ones with the last `evidence` and `told`."""
    steps = Transition.objects.filter(incident=OuterRef("pk"))
    worsened = steps.filter(step=Step.CHANGED).order_by().values("incident").annotate(at=Max("at")).values("at")
    votes = steps.filter(evidence__has_key="votes").order_by("-seq").values("evidence")[:1]
    said = steps.exclude(text="").order_by("-seq").values("text")[:1]
    recent = Q(resolved_at=None) | Q(resolved_at__gt=since)
    found = Incident.objects.filter(recent, monitor_id__in=monitors).exclude(kind=IncidentKind.SELF_TEST)
    found = found.select_related("pursuit").annotate(
        worsened=Subquery(worsened),
        evidence=Case(When(resolved_at=None, then=Subquery(votes)), output_field=JSONField()),
        said=Case(When(resolved_at=None, then=Subquery(said)), output_field=TextField()),
    )
    return list(found.order_by("-opened_at")[:INCIDENTS_MOST])
