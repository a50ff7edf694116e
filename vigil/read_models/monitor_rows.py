"""Rows of monitors as lists show them: state, word, why-line, region shapes, strip, uptime and open incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from probes.reasons import Status
from probes.wire import Result
from vigil.heartbeats.models import Heartbeat
from vigil.heartbeats.rows import schedule_of
from vigil.history.core.uptime import account
from vigil.history.models import Unwatched
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.shown_status import state_of
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor
from vigil.read_models.core.figures import length
from vigil.read_models.core.shown_states import TROUBLE, ShownState, Variant, word
from vigil.read_models.core.strips import DAY_S, ShownSpans, StripDay, days, last_slots, strip
from vigil.read_models.core.why_lines import Differing, JobFacts, WhyFacts, says_how_long, why_line
from vigil.read_models.monitor_facts import MonitorFacts, verdict_of
from vigil.read_models.region_shapes import RegionShape, region_shapes
from vigil.read_models.row_incidents import PageIncident
from vigil.read_models.states import TROUBLE_ORDER, heartbeat_of, state_shown, variant_of

UPTIME_DAYS = 30


@dataclass(frozen=True, slots=True)
class RowIncident:
    """The open incident of a row, and whether a person has it."""

    id: str
    kind: str
    title: str
    started_at: datetime
    opened_at: datetime
    acknowledged_by: str
    acknowledged_at: datetime | None
    snoozed_until: datetime | None

    @property
    def is_acknowledged(self) -> bool:
        return self.acknowledged_at is not None


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """One monitor of a list. `strip` are 48 half hours as runs; `uptime` is of 30 days, from 0 to 1; times are UTC."""

    id: str
    name: str
    target: str
    kind: str
    tags: tuple[str, ...]
    provider: str
    group: str
    state: ShownState
    variant: Variant
    #: Whether it needs attention.
    is_trouble: bool
    word: str
    why: str
    #: Whether the why-line names how long its state has lasted.
    why_says_how_long: bool
    since: datetime | None
    last_look: datetime | None
    regions: tuple[RegionShape, ...]
    strip: str
    uptime: float | None
    p95_ms: float | None
    incident: RowIncident | None
    silenced_until: datetime | None
    spans: ShownSpans
    now_s: int

    @property
    def days(self) -> list[StripDay]:
        """The ninety-day strip, a day each, the oldest first."""
        return days(self.spans, self.now_s)

    @property
    def days_strip(self) -> str:
        return strip(self.spans, last_slots(self.now_s, DAY_S, 90))


def monitor_row(monitor: Monitor, facts: MonitorFacts, p95: Mapping[int, float]) -> MonitorRow:
    """The row of a monitor loaded with its state (`states.with_states`); no query."""
    state = state_shown(monitor.shown)  # type: ignore[attr-defined]
    variant = variant_of(monitor, state)
    shapes = region_shapes(monitor, facts)
    reasons = why_facts(monitor, state, variant, facts)
    incident = facts.main_incident(monitor) or facts.regional_incident(monitor)
    spans, now_s = facts.spans(monitor), int(facts.now.timestamp())
    silences = facts.silences.covering(monitor)
    uptime = account(spans.settled, (now_s - UPTIME_DAYS * DAY_S, now_s))
    return MonitorRow(
        id=monitor.public_id,
        name=monitor.name,
        target=monitor.target,
        kind=monitor.kind,
        tags=tuple(monitor.tags),
        provider=monitor.provider,
        group=getattr(monitor, "group_key", "") or "",
        state=state,
        variant=variant,
        is_trouble=monitor.shown in TROUBLE_ORDER,  # type: ignore[attr-defined]
        word=word(state, variant, len(reasons.differing)),
        why=why_line(reasons, facts.now),
        why_says_how_long=says_how_long(reasons),
        since=reasons.since,
        last_look=reasons.last_look,
        regions=shapes,
        strip=strip(spans, facts.slots),
        uptime=uptime.ratio,
        p95_ms=p95.get(monitor.pk),
        incident=_row_incident(incident),
        silenced_until=silences[0].until if silences else None,
        spans=spans,
        now_s=now_s,
    )


def why_facts(monitor: Monitor, state: ShownState, variant: Variant, facts: MonitorFacts) -> WhyFacts:
    """What the why-line of a monitor rests on."""
    believed, incident = state_of(monitor), facts.main_incident(monitor)
    regions = facts.regions.get(monitor.pk, [])
    silences = facts.silences.covering(monitor)
    seeks_votes = state in (ShownState.UNKNOWN, ShownState.NEW)
    job = heartbeat_of(monitor)
    return WhyFacts(
        state=state,
        variant=variant,
        since=_since(monitor, state, incident, facts),
        regions=len(regions),
        can_vote=facts.voting(monitor) if seeks_votes else None,
        last_look=_last_look(facts.results(monitor)),
        verified_at=facts.since_unwatched(monitor, Unwatched.Why.UNSEEN) if believed and believed.since else None,
        verdict=verdict_of(incident),
        text=incident.said if incident else "",
        differing=tuple(_differing(monitor, state, facts)),
        flips=len(believed.flips_ms) if believed else 0,
        paused_why=monitor.paused_why,
        paused_by=getattr(monitor, "paused_by", None) or "",
        until=next((one.until for one in silences if one.is_maintenance), None),
        unchecked=any(one.silence.pauses for one in silences),
        first_look_s=-(-monitor.interval_s // max(1, len(regions))),
        job=_job_facts(job, getattr(monitor, "took_ms", None)) if job is not None else None,
        canary=facts.canaries[monitor.pk].words if monitor.pk in facts.canaries else "",
        was=believed.status if believed and believed.status != Status.UNKNOWN else "up",
    )


def _differing(monitor: Monitor, state: ShownState, facts: MonitorFacts) -> list[Differing]:
    """Regions that contradict a monitor that is up: only what repeated, since a single look proves nothing."""
    believed = state_of(monitor)
    if state is not ShownState.UP or believed is None or not believed.dissent:
        return []
    incident, results = facts.regional_incident(monitor), facts.results(monitor)
    since = incident.started_at if incident else None
    verdict = verdict_of(incident)
    ailing = [vote for vote in verdict.votes if vote.status is not Status.UP] if verdict else []
    reasons = {vote.region: vote.reason.value for vote in ailing}
    found = []
    for region in sorted(believed.dissent):
        result = results.get(region)
        seen = result.reason.value if result is not None and result.status is not Status.UP else ""
        found.append(Differing(region, reasons.get(region) or seen, since))
    return found


def _since(monitor: Monitor, state: ShownState, incident: PageIncident | None, facts: MonitorFacts) -> datetime | None:
    if state is ShownState.PAUSED:
        return facts.since_unwatched(monitor, Unwatched.Why.PAUSED)
    if state is ShownState.UNKNOWN:
        return facts.since_unwatched(monitor, Unwatched.Why.UNSEEN)
    if incident is not None and incident.kind != IncidentKind.REGIONAL and state in TROUBLE:
        return incident.started_at
    job, believed = heartbeat_of(monitor), state_of(monitor)
    if job is not None:
        return job.since
    return believed.since if believed is not None else None


def _last_look(results: Mapping[str, Result]) -> datetime | None:
    newest = max((result.started_ms or result.at_ms for result in results.values()), default=0)
    return instant(newest) if newest else None


def _row_incident(incident: PageIncident | None) -> RowIncident | None:
    if incident is None:
        return None
    return RowIncident(
        incident.public_id,
        incident.kind,
        incident.title,
        incident.started_at,
        incident.opened_at,
        incident.acknowledged_by,
        incident.acknowledged_at,
        incident.snoozed_until,
    )


def _job_facts(job: Heartbeat, took_ms: int | None) -> JobFacts:
    schedule = f"{schedule_of(job).in_words()}, {length(timedelta(seconds=job.grace_s))} grace"
    took = timedelta(milliseconds=took_ms) if took_ms is not None else None
    return JobFacts(job.status, schedule, job.expected_at, job.due_at, job.last_ping_at, took)
