"""Composite updates (level-triggered, idempotent): in the transaction of a member's step, or by a sweep."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from graphlib import TopologicalSorter

from django.db import connection, transaction
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Now

from vigil.access.models import KeyHeadroom
from vigil.incidents.core.composite import (
    MemberSeen,
    Whole,
    derive,
    evidence_of_members,
    explain,
    title_of,
    told_anew,
)
from vigil.incidents.core.model import BelievedState, IncidentKind
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.incidents.state_rows import MAIN_KINDS, load, state_of, store
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import Ground, apply_effect
from vigil.monitors.core.composite_rules import CompositeRule
from vigil.monitors.core.readiness import Value
from vigil.monitors.models import Composite, CompositeMember, Monitor

#: Headroom counts for readiness alone.
_OF_READINESS = Q(monitor__composite_memberships__composite__rule=CompositeRule.READINESS)
#: Advisory lock that serialises writers of composites, to avoid deadlock.
_LOCK = 0x76_69_67_63


def follow(moved: Collection[int], enqueue: EnqueueDeliveries) -> frozenset[str]:
    """Update composites over these monitors (keys), in their transaction; returns changed ones (public ids)."""
    reached: set[int] = set()
    front = set(moved)
    while front:
        above = CompositeMember.objects.filter(monitor_id__in=front)
        front = set(above.values_list("composite__monitor_id", flat=True)) - reached
        reached |= front
    return _bring_in_step(reached, enqueue) if reached else frozenset()


def sweep_composites(enqueue: EnqueueDeliveries) -> frozenset[str]:
    """Update every composite that differs from its members; returns those that changed (public ids)."""
    behind = _behind()
    if not behind:
        return frozenset()
    with transaction.atomic():
        return _bring_in_step(behind, enqueue)


def _bring_in_step(monitors: Collection[int], enqueue: EnqueueDeliveries) -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    changed: set[str] = set()
    for key in _bottom_up(monitors):
        row = _locked(key)
        if row is None:
            continue
        subject = load(row)
        whole = whole_of(row.monitor)
        effect = derive(subject.state, whole.bounds, _now_ms(), whole.began_ms)
        if effect is None and whole.rule is CompositeRule.READINESS:
            effect = told_anew(subject.state, whole, _told([key]).get(key, ""))
        if effect is None:
            continue
        failures = [member.failure for member in whole.lost if member.failure]
        ground = Ground(
            text=explain(whole),
            evidence=evidence_of_members(whole),
            failure=failures[0] if failures else "",
            title=title_of(whole, effect.state.status),
        )
        apply_effect(subject, effect, enqueue, ground)
        store(subject)
        changed.add(row.monitor.public_id)
    return frozenset(changed)


def _locked(monitor: int) -> MonitorState | None:
    rows = MonitorState.objects.select_for_update(of=("self",)).select_related("monitor")
    return rows.filter(monitor_id=monitor, monitor__deleted_at=None, monitor__paused=False).first()


def whole_of(monitor: Monitor) -> Whole:
    """A composite and its watched members as they are now."""
    return wholes_of([monitor.pk])[0]


def wholes_of(monitors: Collection[int]) -> list[Whole]:
    """Composites (keys of their monitors) and their watched members as they are now, in a few queries."""
    seen = _members_seen(monitors)
    composites = Composite.objects.filter(monitor__in=monitors).select_related("monitor").order_by("monitor_id")
    return [
        Whole(one.monitor.name, CompositeRule(one.rule), one.k, tuple(seen.get(one.monitor_id, ())))
        for one in composites
    ]


def _members_seen(composites: Collection[int]) -> dict[int, list[MemberSeen]]:
    """Watched members of these composites (keys of monitors), with their states.

    One that is paused is no member. Of readiness it is one of which nothing is known, while another one may serve: a
    fallback that nobody looks at is no fallback that is gone. One that has two ranks counts with its first: it cannot
    take over from itself.
    """
    rows = CompositeMember.objects.filter(
        Q(monitor__paused=False) | Q(composite__rule=CompositeRule.READINESS),
        composite__monitor_id__in=composites,
        monitor__deleted_at=None,
    )
    members = list(rows.select_related("monitor__believed", "composite").order_by("composite_id", "rank", "id"))
    troubles = _troubles({member.monitor_id for member in members})
    short = set(KeyHeadroom.objects.filter(_OF_READINESS, short=True).values_list("monitor_id", flat=True))
    seen: dict[int, list[MemberSeen]] = {}
    first: set[tuple[int, int]] = set()
    for member in members:
        if (member.composite_id, member.monitor_id) in first:
            continue
        first.add((member.composite_id, member.monitor_id))
        state = getattr(member.monitor, "believed", None)
        trouble = troubles.get(member.monitor_id)
        seen.setdefault(member.composite.monitor_id, []).append(
            MemberSeen(
                id=member.monitor.public_id,
                name=member.monitor.name,
                rank=member.rank,
                group=member.group,
                state=state_of(state) if state and not member.monitor.paused else BelievedState(),
                open=IncidentKind(trouble.kind) if trouble else None,
                failure=trouble.failure if trouble else "",
                since_ms=round(trouble.started_at.timestamp() * 1000) if trouble else 0,
                short=member.monitor_id in short,
            )
        )
    paused = {member.monitor.public_id for member in members if member.monitor.paused}
    return {key: _counted(mine, paused) for key, mine in seen.items()}


def _counted(members: list[MemberSeen], paused: Collection[str]) -> list[MemberSeen]:
    watched = [one for one in members if one.id not in paused]
    return members if any(one.bounds.best > Value.DOWN for one in watched) else watched


def _troubles(monitors: Collection[int]) -> dict[int | None, Incident]:
    found = Incident.objects.filter(monitor_id__in=monitors, kind__in=MAIN_KINDS, resolved_at=None)
    return {incident.monitor_id: incident for incident in found}


def _told(monitors: Collection[int]) -> dict[int, str]:
    """The reason of readiness that was told last of the open incidents of these composites (keys of monitors)."""
    if not monitors:
        return {}
    steps = Transition.objects.filter(incident=OuterRef("pk"), evidence__has_key="readiness").order_by("-seq")
    degraded = Incident.objects.filter(monitor_id__in=monitors, kind=IncidentKind.DEGRADED, resolved_at=None)
    found = degraded.annotate(told=Subquery(steps.values("evidence__readiness")[:1]))
    return {key: str(told) for key, told in found.values_list("monitor_id", "told") if key is not None and told}


def _behind() -> list[int]:
    """Composites that differ from their members, read without a lock; with those over them."""
    composites = Composite.objects.filter(
        monitor__deleted_at=None, monitor__paused=False, monitor__believed__isnull=False
    )
    by_monitor = {one.monitor_id: one for one in composites.select_related("monitor__believed")}
    seen = _members_seen(by_monitor)
    told = _told([key for key, one in by_monitor.items() if one.rule == CompositeRule.READINESS])
    settled: dict[str, BelievedState] = {}
    behind: list[int] = []
    for key in _bottom_up(by_monitor):
        composite = by_monitor[key]
        members = tuple(
            replace(member, state=settled[member.id]) if member.id in settled else member
            for member in seen.get(key, ())
        )
        whole = Whole(composite.monitor.name, CompositeRule(composite.rule), composite.k, members)
        state = state_of(composite.monitor.believed)
        effect = derive(state, whole.bounds, 1)
        if effect is None and key in told:
            effect = told_anew(replace(state, open=IncidentKind.DEGRADED), whole, told[key])
        if effect is not None:
            behind.append(key)
            settled[composite.monitor.public_id] = effect.state
    return behind


def _bottom_up(monitors: Iterable[int]) -> list[int]:
    """These composites in topological order, members first."""
    among = sorted(set(monitors))
    below: dict[int, set[int]] = {key: set() for key in among}
    rows = CompositeMember.objects.filter(composite__monitor_id__in=among, monitor_id__in=among)
    for whole, part in rows.values_list("composite__monitor_id", "monitor_id"):
        below[whole].add(part)
    return list(TopologicalSorter(below).static_order())


def _now_ms() -> int:
    now = MonitorState.objects.values_list(Now(), flat=True).first()
    assert now is not None, "a composite has a state"
    return round(now.timestamp() * 1000)
