"""Page of one incident: votes over time, evidence, who was told and who not, timeline, and similar incidents before.

Five queries, whatever its length: the incident, its steps, deliveries, members and similar incidents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from consensus.review.evidence import from_evidence, is_verdict
from consensus.review.vote_table import VoteRow, vote_rows
from consensus.verdicts import Verdict
from vigil.accounts.models import Team
from vigil.alerts.core.decision import Event
from vigil.alerts.models import UNTOLD_STATES, Delivery, DeliveryState, Pursuit
from vigil.alerts.wording.alert import DOWN_KINDS
from vigil.alerts.wording.vocabulary import foretold_template, job_template, look_of, meaning_of
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.models import Incident, Transition
from vigil.monitors.live.results import instant
from vigil.read_models.core.figures import length
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.core.verdict_words import law_in_words, verdict_sentences
from vigil.read_models.core.why_lines import fit

#: Bounds of one page; the newest are shown.
STEPS_MOST, DELIVERIES_MOST, MEMBERS_MOST, SIMILAR_MOST = 500, 1_000, 100, 10
#: Similar incidents are looked for so far back.
SIMILAR_WITHIN = timedelta(days=180)
LEAD_LIMIT = 300
#: What a delivery told its channel.
_ABOUT = {
    Event.TRIGGER: "told of it",
    Event.RESOLVE: "told that it is over",
    Event.NOTE: "told a note",
    Event.ACKNOWLEDGE: "told who took it",
}


@dataclass(frozen=True, slots=True)
class VotesAt:
    """The votes of one step: when they were counted, the law in words, and a row a region and look."""

    seq: int
    at: datetime
    law: str
    rows: Sequence[VoteRow]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ToldChannel:
    """One delivery: its channel, what became of it, the receiver's answer, and the delay from its step."""

    id: str
    channel: str
    channel_kind: str
    about: str
    state: str
    why: str
    because: str
    at: datetime | None
    delay: timedelta | None
    answer: str
    error: str
    attempts: int


@dataclass(frozen=True, slots=True)
class UntoldChannel:
    """A channel that was not told, or not yet, and why: the hold, its name and its end."""

    id: str
    channel: str
    reason: str
    held_by: str
    held_until: datetime | None
    waits: bool


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One step. `id` is its place on the page, `told` counts the channels that it reached."""

    id: str
    seq: int
    step: str
    reason: str
    at: datetime
    text: str
    actor: str
    told: int


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Everything of the page. `lead` is what the regions saw, `meaning` and `look` what it means and what to do."""

    incident: Incident
    state: ShownState
    lasted: timedelta
    lead: str
    meaning: str
    look: str
    pursuit: Pursuit | None
    votes: Sequence[VotesAt]
    told: Sequence[ToldChannel]
    not_told: Sequence[UntoldChannel]
    timeline: Sequence[TimelineStep]
    members: Sequence[Incident]
    similar: Sequence[Incident]

    @property
    def shown_votes(self) -> VotesAt | None:
        """The newest votes; of an incident that is over those that confirmed it, not those that ended it."""
        ended = {step.seq for step in self.timeline if step.step == Step.RESOLVED}
        return next((at for at in self.votes if at.seq not in ended), next(iter(self.votes), None))

    @property
    def is_open(self) -> bool:
        return self.incident.resolved_at is None

    @property
    def headline(self) -> str:
        """`Down for 12 min`, `Over after 18 min`."""
        if not self.is_open:
            return f"Over after {length(self.lasted)}"
        return f"{self.state.value.capitalize()} for {length(self.lasted)}"


def read_incident_page(team: Team, public_id: str, now: datetime) -> IncidentPage | None:
    """Read the page; None where the team has no such incident."""
    return _page(Incident.objects.filter(team=team, public_id=public_id), now)


def read_linked_incident(incident: Incident, now: datetime) -> IncidentPage:
    """The page of an incident whose alert's link has been read: the link is the permission."""
    page = _page(Incident.objects.filter(pk=incident.pk), now)
    assert page is not None
    return page


def _page(found: QuerySet[Incident], now: datetime) -> IncidentPage | None:
    incident = found.select_related("monitor", "team", "pursuit", "part_of", "postmortem").first()
    if incident is None:
        return None
    steps = list(incident.transitions.order_by("-seq")[:STEPS_MOST])
    sent = Delivery.objects.filter(incident=incident).select_related("channel", "transition")
    deliveries = list(sent.order_by("-pk")[:DELIVERIES_MOST])
    votes = [_votes(step) for step in steps if is_verdict(step.evidence)]
    template = foretold_template(incident.kind, incident.cause_key) or incident.kind
    if incident.kind == IncidentKind.HEARTBEAT:
        template = job_template(incident.failure)
    return IncidentPage(
        incident=incident,
        state=_state(incident),
        lasted=(incident.resolved_at or now) - incident.started_at,
        lead=_lead(steps),
        meaning=meaning_of(template, incident.failure),
        look=look_of(template, incident.failure),
        pursuit=getattr(incident, "pursuit", None),
        votes=votes,
        told=[_told(one) for one in deliveries if one.state not in UNTOLD_STATES],
        not_told=[_not_told(one) for one in deliveries if one.state in UNTOLD_STATES],
        timeline=_timeline(steps, deliveries),
        members=list(incident.members.select_related("monitor").order_by("-opened_at")[:MEMBERS_MOST]),
        similar=list(_similar(incident)),
    )


def _state(incident: Incident) -> ShownState:
    if incident.kind == IncidentKind.BLIND:
        return ShownState.UNKNOWN
    return ShownState.DOWN if incident.kind in DOWN_KINDS else ShownState.DEGRADED


def _votes(step: Transition) -> VotesAt:
    verdict = from_evidence(step.evidence)
    return VotesAt(step.seq, instant(verdict.decided_ms), law_in_words(verdict), vote_rows(verdict), verdict)


def _lead(steps: Sequence[Transition]) -> str:
    """What the regions saw when it was last confirmed."""
    return next((_said(step) for step in steps if step.step in (Step.OPENED, Step.CHANGED)), "")


def _said(step: Transition) -> str:
    """What the regions saw, by the votes of a step; of a step without votes its text."""
    return fit(verdict_sentences(from_evidence(step.evidence)), LEAD_LIMIT) if is_verdict(step.evidence) else step.text


def _told(delivery: Delivery) -> ToldChannel:
    at = delivery.sent_at
    return ToldChannel(
        id=delivery.public_id,
        channel=delivery.channel.name,
        channel_kind=delivery.channel.kind,
        about=_ABOUT[Event(delivery.event)],
        state=delivery.state,
        why=delivery.why,
        because=delivery.because,
        at=at,
        delay=at - delivery.step.at if at else None,
        answer=delivery.answer,
        error=delivery.last_error,
        attempts=delivery.attempts,
    )


def _not_told(delivery: Delivery) -> UntoldChannel:
    return UntoldChannel(
        id=delivery.public_id,
        channel=delivery.channel.name,
        reason=delivery.withheld or delivery.why,
        held_by=delivery.held_by,
        held_until=delivery.held_until,
        waits=delivery.state == DeliveryState.HELD,
    )


def _timeline(steps: Sequence[Transition], deliveries: Sequence[Delivery]) -> list[TimelineStep]:
    told: dict[int, int] = {}
    for one in deliveries:
        if one.state == DeliveryState.SENT:
            told[one.step.pk] = told.get(one.step.pk, 0) + 1
    return [
        TimelineStep(f"t-{one.seq}", one.seq, one.step, one.reason, one.at, _said(one), one.actor, told.get(one.pk, 0))
        for one in steps
    ]


def _similar(incident: Incident) -> QuerySet[Incident]:
    """Earlier incidents of the same monitor, or of the same cause, of the same kind; the newest first."""
    before = Incident.objects.filter(
        team=incident.team,
        kind=incident.kind,
        opened_at__lt=incident.opened_at,
        opened_at__gt=incident.opened_at - SIMILAR_WITHIN,
    )
    if incident.monitor_id is not None:
        before = before.filter(monitor_id=incident.monitor_id)
    elif incident.cause_key:
        before = before.filter(cause_key=incident.cause_key)
    else:
        before = before.none()
    return before.select_related("monitor").order_by("-opened_at")[:SIMILAR_MOST]
