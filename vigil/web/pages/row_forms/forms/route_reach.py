"""What a route would take: for each kind of incident the monitors whose alerts it decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vigil.alerts.core.routes import PAGED_KINDS, RoutedSubject, route
from vigil.alerts.models import Route
from vigil.alerts.routing.rules import load_rules, subject
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import DerivedKind, Monitor
from vigil.web.pages.row_forms.picking import monitors_of

#: Monitors that are looked at, and the hours in which a time is sought when the route holds.
MONITORS_MOST, HOURS = 5_000, 8 * 24
#: Kinds of incidents that have no monitor.
WITHOUT_MONITOR = frozenset({IncidentKind.CHANNEL, IncidentKind.BLIND, IncidentKind.SELF_TEST, IncidentKind.EXTERNAL})


@dataclass(frozen=True, slots=True)
class RouteReach:
    """Of one kind of incident: the monitors that a route takes, of how many; None for an incident without one."""

    kind: IncidentKind
    names: Sequence[str]
    of: int | None


def reach_of(saved: Route, now: datetime) -> tuple[datetime | None, list[RouteReach]]:
    """When a route holds, now if it does, and what it takes then: three queries. None and nothing if it never holds."""
    at = next(
        (now + timedelta(hours=one) for one in range(HOURS) if saved.hours.hold(now + timedelta(hours=one))), None
    )
    rules, everyone = load_rules(saved.team_id)
    order = Route.objects.filter(team_id=saved.team_id, enabled=True).order_by("position", "id")
    keys = list(order.values_list("pk", flat=True))
    if at is None or saved.pk not in keys:
        return None, []
    mine = rules[keys.index(saved.pk)]
    monitors = list(monitors_of(saved.team).order_by("name")[:MONITORS_MOST])

    named, known = {rule.monitor for rule in rules}, dict[RoutedSubject, bool]()

    def takes(of: RoutedSubject) -> bool:
        # Of thousands of monitors that no route names, those with the same tags and priority are routed alike.
        alike = of if of.monitor in named else replace(of, monitor=None)
        if alike not in known:
            known[alike] = mine.miss(of, at) is None and any(
                each.rule is mine and each.miss is None for each in route(rules, of, at, everyone).considered
            )
        return known[alike]

    kinds = [kind for kind in IncidentKind if (kind in saved.kinds if saved.kinds else kind in PAGED_KINDS)]
    return at, [_reach(kind, monitors, takes) for kind in kinds]


def _reach(kind: IncidentKind, monitors: Sequence[Monitor], takes: Callable[[RoutedSubject], bool]) -> RouteReach:
    if kind in WITHOUT_MONITOR:
        return RouteReach(kind, ["any"] if takes(subject(kind, None)) else [], None)
    # Jobs miss pings; everything else fails looks.
    about = [one for one in monitors if (one.kind == DerivedKind.HEARTBEAT) is (kind is IncidentKind.HEARTBEAT)]
    return RouteReach(kind, [one.name for one in about if takes(subject(kind, one))], len(about))
