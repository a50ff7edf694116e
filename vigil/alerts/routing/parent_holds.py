"""What holds back the alerts of a monitor whose parent is in trouble as well, or may be about to be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q

from vigil.alerts.core.decision import Hold, Withheld
from vigil.alerts.models import Delivery
from vigil.incidents.core.dependency import LONGEST, ParentTrouble, holds_back, waits_until
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.incidents.state_rows import MAIN_KINDS
from vigil.monitors.models import Dependency, Monitor
from vigil.transaction_cache import read_once


def held_by_parents(incident: Incident, now: datetime) -> Iterable[Hold]:
    """A hold for each parent whose incident explains this one, or whose verdict is still to be awaited."""
    if incident.monitor_id is None or not read_once("dependencies", Dependency.objects.exists):
        return
    parents = Monitor.objects.filter(dependents__child=incident.monitor_id, deleted_at=None, paused=False)
    watched = {parent.pk: parent for parent in parents.annotate(eyes=Count("regions")).order_by("pk")}
    if not watched:
        return
    child = _trouble(incident)
    recent = Q(resolved_at=None) | Q(resolved_at__gt=now - LONGEST)
    above = Incident.objects.filter(recent, monitor__in=watched, kind__in=MAIN_KINDS)
    told = Exists(Delivery.objects.filter(incident=OuterRef("pk")))
    for parent in above.annotate(told=told).select_related("monitor").order_by("pk"):
        held, until = holds_back(child, _trouble(parent), now)
        if parent.resolved_at is None or held:
            watched.pop(parent.monitor_id or 0, None)
        # A parent that nobody is told of explains nothing to anybody.
        if held and parent.told:
            ended = " has just recovered from" if until else " is in"
            yield Hold(Withheld.HELD_BY_PARENT, f"{str(parent.monitor)[:70]}{ended} {parent.public_id}", until)
    for one in watched.values():
        awaited = waits_until(child, incident.opened_at, timedelta(seconds=one.interval_s), one.eyes)
        if awaited is not None and now < awaited:
            # Nothing is known of it yet, and it may fail at the same moment.
            yield Hold(Withheld.HELD_BY_PARENT, f"{one.name[:70]}: whether it fails as well", awaited)


def _trouble(incident: Incident) -> ParentTrouble:
    interval = timedelta(seconds=incident.monitor.interval_s if incident.monitor else 0)
    return ParentTrouble(IncidentKind(incident.kind), incident.started_at, interval, incident.resolved_at)
