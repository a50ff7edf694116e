"""Turning rows into the alert that a channel is given: incident, transition and the verdict kept as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vigil.alerts.acknowledging import acknowledge_link
from vigil.alerts.alert import Alert, Evidence, ExcludedLine, Subject, VoteLine
from vigil.alerts.models import Delivery, DeliveryState, Event
from vigil.configuration import configuration
from vigil.incidents.models import Transition


def alert_of(delivery: Delivery) -> Alert:
    """The alert of a delivery; reads its incident, transition, monitor and team, and the triggers before it."""
    incident, step = delivery.incident, delivery.transition
    monitor = incident.monitor
    subject = None
    if monitor is not None:
        subject = Subject(monitor.public_id, monitor.name, monitor.target, monitor.kind, tuple(monitor.tags))
    return Alert(
        delivery=delivery.public_id,
        event=delivery.event,
        dedup_key=incident.public_id,
        kind=incident.kind,
        title=incident.title,
        failure=incident.failure,
        reason=step.reason,
        started_at=incident.started_at,
        opened_at=incident.opened_at,
        at=step.at,
        resolved_at=step.at if delivery.event == Event.RESOLVE else None,
        link=f"{configuration().base_url}/incidents/{incident.public_id}",
        team=delivery.team.name,
        subject=subject,
        evidence=evidence_of(step.evidence or _last_evidence(delivery)),
        note=step.text,
        missed=_missed(delivery),
        acknowledge_link=acknowledge_link(delivery) if delivery.event == Event.TRIGGER else "",
    )


def _last_evidence(delivery: Delivery) -> Any:
    """For what is told again, or to somebody else, by the clock: what the regions saw last."""
    if delivery.event != Event.TRIGGER:
        return {}
    before = Transition.objects.filter(incident_id=delivery.incident_id, seq__lt=delivery.transition.seq)
    return before.exclude(evidence={}).order_by("-seq").values_list("evidence", flat=True).first() or {}


def evidence_of(stored: Any) -> Evidence:
    """The evidence as stored with a transition: the verdict's fields by name. Nothing stored is no evidence."""
    if not isinstance(stored, Mapping) or not stored:
        return Evidence()
    votes = stored.get("votes") or []
    looks = max((int(vote.get("look") or 1) for vote in votes), default=1)
    decided = int(stored.get("decided_ms") or 0)
    excluded = [lost for lost in stored.get("excluded") or [] if int(lost.get("look") or 0) in (0, looks)]
    without_vote = {lost.get("region") for lost in excluded}
    # A look is decided before everybody has voted in it: who had not is shown as in the look before.
    last = {vote.get("region"): vote for vote in sorted(votes, key=lambda vote: int(vote.get("look") or 1))}
    shown = [vote for region, vote in last.items() if region not in without_vote]
    return Evidence(
        n=int(stored.get("n") or 0),
        m=int(stored.get("m") or 0),
        k=int(stored.get("k") or 0),
        domains=int(stored.get("domains") or 0),
        votes=tuple(sorted((_vote(vote, decided) for vote in shown), key=_order)),
        excluded=tuple(
            ExcludedLine(str(lost.get("region")), str(lost.get("domain")), str(lost.get("why"))) for lost in excluded
        ),
        looks=looks,
        explanation=str(stored.get("explanation") or ""),
        rule=int(stored.get("rule") or 0),
    )


def _vote(vote: Mapping[str, Any], decided_ms: int) -> VoteLine:
    return VoteLine(
        region=str(vote.get("region")),
        domain=str(vote.get("domain")),
        status=str(vote.get("status")),
        reason=str(vote.get("reason")),
        detail=str(vote.get("detail") or ""),
        age_s=round(max(0, decided_ms - int(vote.get("at_ms") or 0)) / 1000, 1),
        attempts=int(vote.get("attempts") or 1),
        code=int(vote.get("code") or 0),
        total_ms=round(int((vote.get("phases") or {}).get("total_us") or 0) / 1000, 1),
    )


def _order(vote: VoteLine) -> tuple[bool, str]:
    return vote.passed, vote.region


def _missed(delivery: Delivery) -> str:
    if delivery.event == Event.TRIGGER:
        return ""
    triggers = Delivery.objects.filter(
        incident_id=delivery.incident_id, channel_id=delivery.channel_id, event=Event.TRIGGER, pk__lt=delivery.pk
    )
    last = triggers.order_by("-pk").first()
    if last is None or last.state != DeliveryState.DEAD or triggers.filter(state=DeliveryState.SENT).exists():
        return ""
    return last.last_error or "it could not be delivered"
