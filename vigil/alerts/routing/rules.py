"""Routing rules of a team, loaded for the pure decision."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from vigil.alerts.core.routes import RoutedSubject, RouteRule
from vigil.alerts.core.selftest import LOOPBACK
from vigil.alerts.models import Channel, Person, Route
from vigil.alerts.routing.roster import Roster
from vigil.database.transaction_cache import read_once
from vigil.incidents.installation.quarantines import LOST_WAY
from vigil.monitors.models import Monitor


def load_rules(team: int) -> tuple[list[RouteRule], frozenset[int]]:
    """Load a team's rules, and the channels used without rules: no fallbacks or personal ones, if there are others."""
    return read_once(("rules", team), lambda: _load_rules(team))


def _load_rules(team: int) -> tuple[list[RouteRule], frozenset[int]]:
    usable = Channel.objects.filter(team_id=team, enabled=True).exclude(kind=LOOPBACK)
    fallback = dict(usable.values_list("pk", "fallback"))
    own = set(Person.channels.through.objects.filter(person__team_id=team).values_list("channel_id", flat=True))
    routes = Route.objects.filter(team_id=team, enabled=True).order_by("position", "id").prefetch_related("channels")
    return _rules(routes, fallback, own)


def rules_in(roster: Roster) -> tuple[list[RouteRule], frozenset[int]]:
    """What `load_rules` finds, of a team that is read."""
    usable = [one for one in roster.channels.values() if one.enabled and one.kind != LOOPBACK]
    own = {channel.pk for person in roster.people.values() for channel in person.channels.all()}
    return _rules(roster.routes, {one.pk: one.fallback for one in usable}, own)


def _rules(
    routes: Iterable[Route], fallback: Mapping[int, bool], own: Collection[int]
) -> tuple[list[RouteRule], frozenset[int]]:
    """`fallback` says of each usable channel whether it is one; `own` are those of people."""
    everyone = frozenset(key for key, kept_back in fallback.items() if not kept_back and key not in own)
    rules = [_rule(route, frozenset(fallback)) for route in routes]
    return rules, everyone or frozenset(fallback)


def subject(kind: str, monitor: Monitor | None, cause: str = "") -> RoutedSubject:
    """Subject of an incident of this kind and cause, for routes."""
    if monitor is None:
        return RoutedSubject(kind, lost_way=cause == LOST_WAY)
    tags = frozenset(tag for tag in monitor.tags if isinstance(tag, str))
    return RoutedSubject(kind, monitor.pk, tags, monitor.priority)


def _rule(route: Route, usable: frozenset[int]) -> RouteRule:
    return RouteRule(
        channels=frozenset(channel.pk for channel in route.channels.all()) & usable,
        name=route.name,
        kinds=frozenset(route.kinds),
        severities=frozenset(route.severities),
        priorities=frozenset(route.priorities),
        tags=frozenset(route.tags),
        monitor=route.monitor_id,
        hours=route.hours,
        goes_on=route.goes_on,
        default=route.default,
        notes=route.notes,
        policy=route.policy_id,
        remind_s=route.remind_s or 0,
    )
