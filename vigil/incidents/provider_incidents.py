"""Provider incidents: one incident for monitors of a provider that fail together.

It opens before the step that caused it is sent, so that its alert replaces that one. Later failures join; it is
resolved with the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from vigil.clock import database_now
from vigil.feeds.core.detection_lead import told_in_words
from vigil.feeds.witnesses import statement_on
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.core.provider_outage import (
    JOINT_KINDS,
    FailingProviderMonitor,
    cause_of,
    evidence_of_joint,
    failing_in_words,
    is_together,
    title_of,
    worst,
)
from vigil.incidents.models import Incident
from vigil.incidents.providers.detection_leads import settle_one
from vigil.incidents.timeline import EnqueueDeliveries, TimelineEntry, add_step
from vigil.monitors.core.providers import name_of

#: A resolution names at most this many monitors.
NAMED_AT_END = 50


def join(incident: Incident, enqueue: EnqueueDeliveries) -> None:
    """Join an incident to its provider's, opened by the second one; call before the step is sent."""
    if not incident.provider or incident.kind not in JOINT_KINDS or incident.monitor_id is None:
        return
    incident.refresh_from_db(fields=["started_at", "part_of"])
    cause = cause_of(incident.team_id or 0, incident.provider)
    whole = Incident.objects.select_for_update().filter(cause_key=cause, monitor=None, resolved_at=None).first()
    if whole is None:
        others = [one for one in _alone(incident) if is_together(one.started_at, incident.started_at)]
        if others:
            _open(cause, [*others, incident], enqueue)
        return
    known = incident.part_of_id is not None
    if not known:
        incident.part_of = whole
        incident.save(update_fields=["part_of"])
    worse = whole.kind != IncidentKind.OUTAGE and incident.kind == IncidentKind.OUTAGE
    if worse or not known:
        _add(whole, incident, enqueue, "Worse now" if known else "Failing as well")


def leave(incident: Incident, enqueue: EnqueueDeliveries) -> None:
    """Resolve the provider's incident when its last monitor has recovered; call after that is written."""
    if incident.part_of_id is None:
        return
    whole = Incident.objects.select_for_update().filter(pk=incident.part_of_id, resolved_at=None).first()
    if whole is not None and not whole.members.filter(resolved_at=None).exists():
        _resolve(whole, enqueue)


def settle_providers(enqueue: EnqueueDeliveries) -> int:
    """Resolve provider incidents without open members; returns their number. Repairs a missed `leave`."""
    open_members = Incident.objects.filter(part_of=OuterRef("pk"), resolved_at=None)
    over = Incident.objects.filter(cause_key__startswith="provider:", monitor=None, resolved_at=None)
    settled = 0
    for key in list(over.filter(~Exists(open_members)).values_list("pk", flat=True)):
        with transaction.atomic():
            whole = Incident.objects.select_for_update().filter(pk=key, resolved_at=None).first()
            if whole is not None:
                _resolve(whole, enqueue)
                settled += 1
    return settled


def with_witness(incident: Incident, step: Step, text: str, evidence: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Add the provider's status page to a step's text and evidence; unchanged where none is read."""
    said = _said(incident, step)
    return (f"{text} {said}".strip(), {**evidence, "witness": said}) if said else (text, dict(evidence))


def _said(incident: Incident, step: Step) -> str:
    if step not in (Step.OPENED, Step.RESOLVED) or incident.kind not in JOINT_KINDS or not incident.provider:
        return ""
    now = database_now()
    if step is Step.OPENED:
        return statement_on(incident.provider, now, now)
    lead = settle_one(incident, now) if incident.part_of_id is None else None
    if lead is not None and lead.figures is not None:
        return told_in_words(name_of(incident.provider), lead.title, lead.figures)
    return statement_on(incident.provider, incident.opened_at, now, over=True)


def _alone(incident: Incident) -> list[Incident]:
    others = Incident.objects.filter(
        team=incident.team_id, provider=incident.provider, kind__in=JOINT_KINDS, resolved_at=None, part_of=None
    )
    return list(others.exclude(monitor=None).exclude(pk=incident.pk).select_related("monitor").order_by("pk"))


def _open(cause: str, members: list[Incident], enqueue: EnqueueDeliveries) -> None:
    last = members[-1]
    failing = _failing(members)
    whole = Incident(
        team_id=last.team_id,
        kind=worst([one.kind for one in members]),
        cause_key=cause,
        provider=last.provider,
        title=title_of(name_of(last.provider), len(members)),
        failure=last.failure,
        started_at=min(one.started_at for one in members),
        opened_at=Now(),
    )
    whole.save()
    for one in members:
        one.part_of = whole
        one.save(update_fields=["part_of"])
    explanation = f"Failing together: {failing_in_words(failing)}."
    evidence = evidence_of_joint(last.provider, failing, explanation)
    text, evidence = with_witness(whole, Step.OPENED, explanation, evidence)
    add_step(whole, TimelineEntry(Step.OPENED, StepReason.FAILING_TOGETHER, text, evidence=evidence), enqueue)


def _add(whole: Incident, incident: Incident, enqueue: EnqueueDeliveries, how: str) -> None:
    whole.title = title_of(name_of(whole.provider), whole.members.count())
    worse = whole.kind != IncidentKind.OUTAGE and incident.kind == IncidentKind.OUTAGE
    whole.kind = worst([whole.kind, incident.kind])
    whole.save(update_fields=["title", "kind"])
    failing = _failing([incident])
    explanation = f"{how}: {failing_in_words(failing)}."
    line = TimelineEntry(
        Step.CHANGED if worse else Step.NOTE,
        StepReason.WORSENED if worse else StepReason.ALSO_FAILING,
        explanation,
        evidence=evidence_of_joint(whole.provider, failing, explanation),
    )
    add_step(whole, line, enqueue)


def _resolve(whole: Incident, enqueue: EnqueueDeliveries) -> None:
    names = whole.members.order_by("pk").values_list("monitor__name", flat=True)
    explanation = f"All {len(names)} are over: {', '.join(str(name) for name in names[:NAMED_AT_END])}."
    text, evidence = with_witness(whole, Step.RESOLVED, explanation, {"explanation": explanation})
    add_step(whole, TimelineEntry(Step.RESOLVED, StepReason.RECOVERED, text, evidence=evidence), enqueue)


def _failing(incidents: Iterable[Incident]) -> list[FailingProviderMonitor]:
    return [
        FailingProviderMonitor(
            incident=one.public_id,
            monitor=one.monitor.public_id,
            name=one.monitor.name,
            kind=one.kind,
            failure=one.failure,
            started=one.started_at,
        )
        for one in incidents
        if one.monitor is not None
    ]
