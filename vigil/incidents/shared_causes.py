"""Shared-cause grouping: incidents that open together get one `cause_key`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from probes.reasons import Status
from vigil.database.transaction_cache import read_once
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.core.self_suspicion import LATELY, Signs, look_at_ourselves
from vigil.incidents.core.shared_cause import MASS_MONITORS, TOGETHER_S, FailingMonitor, belongs, is_mass, shared_cause
from vigil.incidents.models import IS_FORETOLD, Incident, Transition
from vigil.monitors.models import Monitor, Region

_KINDS = (IncidentKind.OUTAGE, IncidentKind.DEGRADED)
#: Advisory lock of who names a mass event.
_NAMING_LOCK = 0x76_69_67_6D
#: Recent incidents compared one by one; with more it is a mass event, or none.
_LOOKED_AT = 50
#: Of these the votes are compared.
_LOOKED_INTO = 5


def group(incident: Incident, evidence: Mapping[str, Any]) -> str:
    """Give a new incident and those with its cause the same `cause_key`; call before its first step is sent.

    Returns a note for its text: in a mass event, whether Vigil itself is a suspect.
    """
    if incident.kind not in _KINDS or incident.monitor is None:
        return ""
    recent, rows = _recent(incident)
    if not rows:
        return ""
    failing = recent.count() + 1 if len(rows) + 1 >= MASS_MONITORS else 0
    mass = bool(failing) and is_mass(failing, _watched(incident))
    if mass and not any(row.cause_key.startswith("mass:") for row in rows):
        # It gets its name now: another shard may be about to name the same event.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NAMING_LOCK])
        recent, rows = _recent(incident)
    new, before = _failing(incident, evidence.get("votes")), {row.pk: _failing(row, None) for row in rows}
    cause = shared_cause(new, list(before.values()), mass)
    if not cause and new.addresses:
        # Not earlier: a mass event would read all votes for every incident.
        opened = Transition.objects.filter(incident__in=rows, seq=1).values_list("incident_id", "evidence__votes")
        votes = dict(opened)
        before = {row.pk: _failing(row, votes.get(row.pk)) for row in rows}
        cause = shared_cause(new, list(before.values()))
    if not cause:
        return ""
    joined = [key for key, one in before.items() if one.cause != cause and belongs(cause, one)]
    Incident.objects.filter(pk__in=joined).update(cause_key=cause)
    incident.cause_key = cause
    incident.save(update_fields=["cause_key"])
    if not cause.startswith("mass:"):
        return ""
    return look_at_ourselves(_signs([incident, *rows], failing or recent.count() + 1, evidence.get("votes")))


def _recent(incident: Incident) -> tuple[QuerySet[Incident], list[Incident]]:
    """The other incidents of its team that opened with it, and the first of them that are of monitors."""
    since = Now() - timedelta(seconds=TOGETHER_S)
    ours = Incident.objects.filter(kind__in=_KINDS, team=incident.team_id)
    # What is foretold of a key or of regions is no failure, and has no cause in common with one.
    recent = ours.filter(opened_at__gte=since).exclude(pk=incident.pk).exclude(IS_FORETOLD)
    return recent, list(recent.exclude(monitor=None).select_related("monitor").order_by("pk")[:_LOOKED_AT])


def _signs(incidents: Sequence[Incident], failing: int, votes: Any) -> Signs:
    against = [vote for vote in votes if vote.get("status") == Status.DOWN] if isinstance(votes, list) else []
    regions = {str(vote.get("region")) for vote in against}
    monitors = Monitor.objects.filter(pk__in=[one.monitor_id for one in incidents])
    first = [one.pk for one in incidents[1:_LOOKED_INTO]]
    opened = Transition.objects.filter(incident__in=first, seq=1).values_list("evidence__votes", flat=True)
    # The first of a mass event are the same for each that follows.
    sides = [_sides(votes), *read_once(("sides", *first), lambda: [_sides(found) for found in opened])]
    same = bool(first) and all(each == sides[0] for each in sides)
    return Signs(
        failing=failing,
        looked_at=len(incidents),
        changed=monitors.filter(updated_at__gte=Now() - LATELY).count(),
        reasons=frozenset(str(vote.get("reason")) for vote in against),
        domains=len({str(vote.get("domain")) for vote in against}),
        restarted=[slug for slug in _restarted() if slug in regions],
        same_regions=sorted(sides[0][0]) if same else (),
        seeing=sorted(sides[0][1]) if same else (),
    )


def _sides(votes: Any) -> tuple[frozenset[str], frozenset[str]]:
    """The regions that failed in the last look in which they voted, and those that passed."""
    told = votes if isinstance(votes, list) else []
    last = {
        str(vote.get("region")): vote.get("status") for vote in sorted(told, key=lambda vote: vote.get("look") or 1)
    }
    failing = frozenset(region for region, status in last.items() if status == Status.DOWN)
    return failing, frozenset(region for region, status in last.items() if status == Status.UP)


def _restarted() -> list[str]:
    lately = Region.objects.filter(enabled=True, worker_since__gte=Now() - LATELY).order_by("slug")
    return read_once("restarted", lambda: list(lately.values_list("slug", flat=True)))


def _watched(incident: Incident) -> int:
    watched = Monitor.objects.filter(team=incident.team_id, deleted_at=None, paused=False)
    return read_once(("watched", incident.team_id), watched.count)


def _failing(incident: Incident, votes: Any) -> FailingMonitor:
    assert incident.monitor is not None
    target = incident.monitor.target
    host = urlsplit(target).hostname if "://" in target else target.rpartition(":")[0]
    said = votes if isinstance(votes, list) else []
    addresses = frozenset(str(vote.get("address")) for vote in said if vote.get("address"))
    return FailingMonitor(incident.public_id, host or target, addresses, incident.cause_key)
