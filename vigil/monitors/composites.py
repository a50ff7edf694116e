"""Write path of composites: monitors over monitors, such as a provider with its fallbacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from vigil.accounts.models import Team
from vigil.monitors import changes
from vigil.monitors.core.composite_rules import RANKED, CompositeRule, depth, find_circle
from vigil.monitors.models import Composite, CompositeMember, DerivedKind, Monitor
from vigil.visible_text import is_visible_line

MEMBERS_MOST = 200
RANKS_MOST = 50
DEPTH_MOST = 10

OF_MONITOR = ("name", "tags", "paused")


@dataclass(frozen=True, slots=True)
class Member:
    """One monitor in a composite; only chains use rank and group."""

    monitor: Monitor
    rank: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class MemberLink:
    """One link of a chain: the group's name, and its monitors, of which one is enough."""

    group: str
    monitors: tuple[Monitor, ...]


def create_composite(team: Team, wanted: Mapping[str, Any]) -> Composite:
    """Create a composite from `OF_MONITOR`, rule, k and members; raises `ValidationError` keyed by field."""
    with transaction.atomic():
        _lock_composites(team.pk)
        named = {name: wanted[name] for name in OF_MONITOR if name in wanted}
        monitor = changes.create_derived(team, DerivedKind.COMPOSITE, named)
        composite = Composite(monitor=monitor, rule=wanted.get("rule", CompositeRule.ANY), k=wanted.get("k", 1))
        _write(composite, list(wanted.get("members", ())))
    return composite


def update_composite(composite: Composite, wanted: Mapping[str, Any]) -> bool:
    """Change the given fields; returns whether anything differed. Raises `ValidationError` keyed by field."""
    with transaction.atomic():
        _lock_composites(composite.monitor.team_id)
        monitor = Monitor.objects.select_for_update().get(pk=composite.monitor_id, deleted_at=None)
        revision = monitor.revision
        named = {name: wanted[name] for name in OF_MONITOR if name in wanted}
        monitor = changes.update_monitor(monitor, named) if named else monitor
        current = Composite.objects.select_related("monitor").get(pk=composite.pk)
        members = list(wanted["members"]) if "members" in wanted else members_of(current)
        rule, k = CompositeRule(wanted.get("rule", current.rule)), int(wanted.get("k", current.k))
        differs = (rule, k) != (current.rule, current.k) or _keys(members) != _keys(members_of(current))
        if differs:
            current.rule, current.k = rule, k
            _write(current, members)
            if monitor.revision == revision:
                # Watchers of the configuration learn of new members by the revision.
                monitor.revision += 1
                monitor.save(update_fields=["revision", "updated_at"])
    return monitor.revision != revision


def write_chain(
    team: Team, name: str, links: Sequence[MemberLink], rule: CompositeRule = CompositeRule.CHAIN
) -> tuple[Composite, bool]:
    """Create or change the fallback chain of that name: the first link serves, the others are fallbacks in order.

    `rule` is one of `RANKED`. Returns it and whether anything was written. Raises `ValidationError` for a monitor of
    another team.
    """
    members = [Member(monitor, rank, link.group) for rank, link in enumerate(links) for monitor in link.monitors]
    monitor = Monitor.objects.filter(team=team, name=name[:200], deleted_at=None).first()
    if monitor is None:
        return create_composite(team, {"name": name[:200], "rule": rule, "members": members}), True
    composite = Composite.objects.filter(monitor=monitor).first()
    if composite is None:
        raise ValidationError({"name": [f"{name} exists but is not a chain: rename it."]})
    return composite, update_composite(composite, {"rule": rule, "members": members})


def members_of(composite: Composite) -> list[Member]:
    """Stored members in order."""
    rows = composite.members.select_related("monitor").order_by("rank", "id")
    return [Member(row.monitor, row.rank, row.group) for row in rows]


def _lock_composites(team: int) -> None:
    """Lock a team's composites: two writers that each add half of a cycle would both find none."""
    Team.objects.select_for_update(no_key=True).get(pk=team)


def _write(composite: Composite, members: Sequence[Member]) -> None:
    chain = composite.rule in RANKED
    rows = [member if chain else Member(member.monitor) for member in members]
    composite.k = composite.k if composite.rule == CompositeRule.AT_LEAST else 1
    problems = _problems(composite, rows)
    if problems:
        raise ValidationError(problems)  # type: ignore[arg-type]
    composite.save()
    composite.members.all().delete()
    CompositeMember.objects.bulk_create(
        CompositeMember(composite=composite, monitor=row.monitor, rank=row.rank, group=row.group[:200]) for row in rows
    )


def _problems(composite: Composite, members: Sequence[Member]) -> dict[str, list[str]]:
    if composite.rule not in set(CompositeRule):
        return {"rule": [f"Must be one of {', '.join(CompositeRule)}."]}
    if not 1 <= len(members) <= MEMBERS_MOST:
        return {"members": [f"A composite has 1 to {MEMBERS_MOST} members."]}
    if any(member.monitor.team_id != composite.monitor.team_id for member in members):
        return {"members": ["A composite can only contain monitors of the same team."]}
    gone = next((member.monitor for member in members if member.monitor.deleted_at is not None), None)
    if gone is not None:
        return {"members": [f"{gone.name} was deleted."]}
    if any(member.group and not is_visible_line(member.group) for member in members):
        return {"members": ["The name of a group is one line of visible text."]}
    if len(set(_keys(members))) < len(members):
        return {"members": ["A monitor is named twice."]}
    if any(not 0 <= member.rank < RANKS_MOST for member in members):
        return {"members": [f"Ranks go from 0 (primary) to {RANKS_MOST - 1}."]}
    if composite.rule == CompositeRule.AT_LEAST and not 1 <= composite.k <= len(members):
        return {"k": [f"At least 1 and at most all {len(members)} members can be required."]}
    return _nesting_problem(composite, members)


def _nesting_problem(composite: Composite, members: Sequence[Member]) -> dict[str, list[str]]:
    below: dict[int, list[int]] = {}
    others = CompositeMember.objects.filter(composite__monitor__team_id=composite.monitor.team_id)
    for whole, part in others.exclude(composite=composite.pk).values_list("composite__monitor_id", "monitor_id"):
        below.setdefault(whole, []).append(part)
    below[composite.monitor_id] = [member.monitor.pk for member in members]
    circle = find_circle(below, composite.monitor_id)
    if circle:
        names = dict(Monitor.objects.filter(pk__in=circle).values_list("pk", "name"))
        way = " contains ".join(names[key] for key in circle)
        return {"members": [f"This would create a cycle: {way}."]}
    tops = [key for key in below if depth(below, key) > DEPTH_MOST]
    return {"members": [f"Composites nest at most {DEPTH_MOST} deep."]} if tops else {}


def _keys(members: Sequence[Member]) -> list[tuple[int, str, int]]:
    return sorted((member.rank, member.group, member.monitor.pk) for member in members)
