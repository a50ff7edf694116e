"""Taking of reports: a firing group opens an incident and keeps it open; a resolved one, or silence, ends it."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from django.db import transaction
from django.db.models.functions import Now

from probes.process.isolation import Each, plainly
from vigil.external.core.alertmanager import ReportedTrouble
from vigil.external.models import ExternalReport
from vigil.incidents.core.model import IncidentKind, Step, StepReason
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries, TimelineEntry, add_step

#: Open external incidents of one team.
OPEN_MOST = 200
#: Ended at once at most.
ENDED_MOST = 500
_OPEN = {"kind": IncidentKind.EXTERNAL, "resolved_at": None}


class ReportOutcome(StrEnum):
    """What a report did."""

    OPENED = "opened"
    KEPT = "kept"
    RESOLVED = "resolved"
    NOTHING_OPEN = "nothing_open"
    TOO_MANY = "too_many"
    OUR_OWN = "our_own"


def take(team: int, trouble: ReportedTrouble | None, enqueue: EnqueueDeliveries) -> ReportOutcome:
    """Open, keep or resolve the incident of a report. Idempotent: a report that comes twice does nothing more."""
    if trouble is None:
        return ReportOutcome.OUR_OWN
    cause = _cause(team, trouble.key)
    with transaction.atomic():
        incident = Incident.objects.select_for_update(of=("self",)).filter(cause_key=cause, **_OPEN).first()
        if not trouble.is_firing:
            if incident is None:
                return ReportOutcome.NOTHING_OPEN
            add_step(incident, TimelineEntry(Step.RESOLVED, StepReason.EXTERNAL_RESOLVED, _ENDED), enqueue)
            return ReportOutcome.RESOLVED
        if incident is None and Incident.objects.filter(team_id=team, **_OPEN).count() >= OPEN_MOST:
            return ReportOutcome.TOO_MANY
        return _fire(team, cause, trouble, enqueue)


def end_unvouched(enqueue: EnqueueDeliveries, each: Each = plainly) -> int:
    """Resolve the incidents of which nothing was heard for as long as their last report said; returns how many."""
    over = ExternalReport.objects.filter(ends_at__lte=Now(), incident__resolved_at=None).order_by("ends_at")
    return sum(each("external", over.values_list("pk", flat=True)[:ENDED_MOST], lambda key: _end(key, enqueue), 0))


_ENDED = "The system that reported it says that it is over."
_UNHEARD = "Nothing more was heard of it: the system that reported it may have forgotten it."


def _fire(team: int, cause: str, trouble: ReportedTrouble, enqueue: EnqueueDeliveries) -> ReportOutcome:
    incident, is_new = Incident.objects.get_or_create(
        cause_key=cause,
        monitor=None,
        **_OPEN,
        defaults={
            "team_id": team, "title": trouble.title, "started_at": trouble.started_at, "opened_at": Now(),
        },
    )  # fmt: skip
    ExternalReport.objects.update_or_create(incident=incident, defaults={"heard_at": Now(), "ends_at": trouble.ends_at})
    if is_new:
        incident.refresh_from_db()
        add_step(incident, TimelineEntry(Step.OPENED, StepReason.EXTERNAL_FIRING, trouble.text), enqueue)
        return ReportOutcome.OPENED
    if incident.title != trouble.title:
        incident.title = trouble.title
        incident.save(update_fields=["title"])
    return ReportOutcome.KEPT


def _end(key: int, enqueue: EnqueueDeliveries) -> int:
    with transaction.atomic():
        incident = Incident.objects.select_for_update(of=("self",)).filter(pk=key, **_OPEN).first()
        over = ExternalReport.objects.filter(pk=key, ends_at__lte=Now())
        if incident is None or not over.exists():
            return 0
        add_step(incident, TimelineEntry(Step.RESOLVED, StepReason.EXTERNAL_UNHEARD, _UNHEARD), enqueue)
        return 1


def _cause(team: int, key: str) -> str:
    """One key for a group of a team: two teams may have groups of one name."""
    return "external:" + hashlib.sha256(f"{team}/{key}".encode()).hexdigest()[:40]
