"""What holds back the alerts of a monitor whose parent is in trouble as well."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from vigil.alerts.decision import Hold, Withheld
from vigil.alerts.models import Delivery
from vigil.incidents.dependence import LONGEST, Trouble, holds_back
from vigil.incidents.lifecycle import IncidentKind
from vigil.incidents.models import Incident
from vigil.incidents.states import MAIN_KINDS


def held_by_parents(incident: Incident, now: datetime) -> Iterable[Hold]:
    """A hold for each incident of a parent that explains this one."""
    if incident.monitor_id is None:
        return
    child = _trouble(incident)
    recent = Q(resolved_at=None) | Q(resolved_at__gt=now - LONGEST)
    above = Incident.objects.filter(recent, monitor__dependents__child=incident.monitor_id, kind__in=MAIN_KINDS)
    # A parent that nobody is told of explains nothing to anybody.
    above = above.filter(Exists(Delivery.objects.filter(incident=OuterRef("pk"))))
    for parent in above.select_related("monitor").order_by("pk"):
        held, until = holds_back(child, _trouble(parent), now)
        if held:
            ended = " has just recovered from" if until else " is in"
            yield Hold(Withheld.HELD_BY_PARENT, f"{str(parent.monitor)[:70]}{ended} {parent.public_id}", until)


def _trouble(incident: Incident) -> Trouble:
    interval = timedelta(seconds=incident.monitor.interval_s if incident.monitor else 0)
    return Trouble(IncidentKind(incident.kind), incident.started_at, interval, incident.resolved_at)
