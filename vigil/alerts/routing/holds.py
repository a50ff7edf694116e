"""Holds: silences, inhibition by a parent, and grouping under a provider's incident."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now

from vigil.alerts.core.decision import Event, Hold, Withheld
from vigil.alerts.models import Delivery, DeliveryState
from vigil.database.transaction_cache import read_once
from vigil.incidents.core.dependency import LONGEST, ParentTrouble, holds_back, waits_until
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import IS_FORETOLD, Incident
from vigil.incidents.state_rows import MAIN_KINDS, failing_regions
from vigil.monitors.models import Dependency, Monitor
from vigil.silences.covering import Cover, has_silences, muted_by

Finder = Callable[[Incident, datetime], Iterable[Hold]]

#: How long a hold counts before it is checked again: with a known end, and without a certain one. Code that ends one
#: calls `look_again`.
TRUST, TRUST_WITHOUT_END = timedelta(minutes=5), timedelta(seconds=30)


def holds_on(incident: Incident, now: datetime) -> tuple[Hold, ...]:
    """All current holds of an incident's alerts."""
    return tuple(hold for find in FINDERS for hold in find(incident, now))


def is_silent(member: Incident, now: datetime) -> bool:
    """Whether a silence or a parent holds a member of a provider's incident."""
    return any(hold for find in OWN_FINDERS for hold in find(member, now))


def held_by_silences(incident: Incident, at: datetime) -> Iterable[Hold]:
    """Holds by silences and maintenance windows of the monitor."""
    if incident.monitor is None:
        return []
    team = incident.monitor.team_id
    if not read_once(("silences", team), lambda: has_silences(team, at)):
        return []
    regional = incident.kind == IncidentKind.REGIONAL
    failing = failing_regions(incident.monitor.pk) if regional else frozenset()
    return [_silenced(cover) for cover in muted_by(incident.monitor, at, failing)]


def held_by_parents(incident: Incident, now: datetime) -> Iterable[Hold]:
    """Holds by parents: one whose incident explains this one, or whose verdict is pending."""
    if incident.monitor_id is None or not read_once("dependencies", Dependency.objects.exists):
        return
    parents = Monitor.objects.filter(dependents__child=incident.monitor_id, deleted_at=None, paused=False)
    watched = {parent.pk: parent for parent in parents.annotate(eyes=Count("regions")).order_by("pk")}
    if not watched:
        return
    child = _trouble(incident)
    recent = Q(resolved_at=None) | Q(resolved_at__gt=now - LONGEST)
    above = Incident.objects.filter(recent, monitor__in=watched, kind__in=MAIN_KINDS).exclude(IS_FORETOLD)
    told = Exists(Delivery.objects.filter(incident=OuterRef("pk")))
    for parent in above.annotate(told=told).select_related("monitor").order_by("pk"):
        held, until = holds_back(child, _trouble(parent), now)
        if parent.resolved_at is None or held:
            watched.pop(parent.monitor_id or 0, None)
        # A parent that alerts no channel explains nothing.
        if held and parent.told:
            ended = " has just recovered from" if until else " is in"
            yield Hold(Withheld.HELD_BY_PARENT, f"{str(parent.monitor)[:70]}{ended} {parent.public_id}", until)
    for one in watched.values():
        awaited = waits_until(child, incident.opened_at, timedelta(seconds=one.interval_s), one.eyes)
        if awaited is not None and now < awaited:
            # Its state is unknown yet, and it may be failing at the same moment.
            yield Hold(Withheld.HELD_BY_PARENT, f"{one.name[:70]}: its verdict is pending", awaited)


def held_by_provider(incident: Incident, now: datetime) -> Iterable[Hold]:
    """Hold by the provider's incident, if it reaches every channel that this one would alert."""
    if incident.part_of_id is None:
        return
    whole = Incident.objects.filter(pk=incident.part_of_id, resolved_at=None).first()
    if whole is None:
        return
    told = Delivery.objects.filter(incident=whole, event=Event.TRIGGER, channel__enabled=True)
    reached = set(told.exclude(state=DeliveryState.WITHHELD).values_list("channel_id", flat=True))
    waiting = Delivery.objects.filter(incident=incident, state=DeliveryState.HELD)
    if reached and reached.issuperset(waiting.values_list("channel_id", flat=True)):
        yield Hold(Withheld.TOLD_TOGETHER, f"{whole.title[:80]} ({whole.public_id})")


#: Hold finders, one line each. A finder reads and locks nothing.
OWN_FINDERS: tuple[Finder, ...] = (held_by_silences, held_by_parents)
FINDERS: tuple[Finder, ...] = (*OWN_FINDERS, held_by_provider)


def look_again(incidents: Iterable[int]) -> int:
    """Check these incidents' held alerts within a second: their hold may be over."""
    held = Delivery.objects.filter(incident_id__in=list(incidents), state=DeliveryState.HELD)
    return held.update(recheck_at=Now())


def look_again_in(team: int) -> int:
    """Check a team's alerts held by silences within a second: a silence has changed."""
    held = Delivery.objects.filter(team_id=team, state=DeliveryState.HELD, withheld=Withheld.SILENCED)
    return held.update(recheck_at=Now())


def hold_fields(hold: Hold, now: datetime) -> dict[str, object]:
    """Columns of a held delivery."""
    known = hold.until and not hold.may_end_before
    latest = now + (TRUST if known else TRUST_WITHOUT_END)
    return {
        "withheld": hold.reason.value,
        "held_by": hold.by[:120],
        "held_until": hold.until,
        "recheck_at": min(hold.until, latest) if hold.until else latest,
    }


def _silenced(cover: Cover) -> Hold:
    """Hold by a silence. One of regions ends early where a region fails that it does not name."""
    if not cover.regions:
        return Hold(Withheld.SILENCED, cover.name, cover.until)
    return Hold(Withheld.SILENCED, f"{cover.name[:80]}: {', '.join(sorted(cover.regions))}", cover.until, True)


def _trouble(incident: Incident) -> ParentTrouble:
    interval = timedelta(seconds=incident.monitor.interval_s if incident.monitor else 0)
    return ParentTrouble(IncidentKind(incident.kind), incident.started_at, interval, incident.resolved_at)
