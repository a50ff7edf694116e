"""Which routes match, and whom they name."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from vigil.alerts.core.decision import Concern, Why
from vigil.alerts.core.routes import NOTICE, Hours, Miss, RoutedSubject, RouteRule, Severity, route, severity_of
from vigil.incidents.core.model import IncidentKind

EVERYONE = frozenset({1, 2})
#: A Tuesday.
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def rule(*channels: int, **fields: Any) -> RouteRule:
    sets = {name: frozenset(value) for name, value in fields.items() if isinstance(value, (set, list))}
    return RouteRule(frozenset(channels), **{**fields, **sets})


def told(rules: list[RouteRule], subject: RoutedSubject, at: datetime = NOON) -> set[int]:
    return set(route(rules, subject, at, EVERYONE).concerned)


@pytest.mark.parametrize("kind", ["outage", "degraded", "account", "heartbeat"])
def test_without_routes_everyone_is_told_of_what_is_paged(kind: str) -> None:
    assert told([], RoutedSubject(kind)) == {1, 2}


@pytest.mark.parametrize("kind", ["regional", "blind"])
def test_without_routes_nobody_is_told_of_side_incidents(kind: str) -> None:
    assert told([], RoutedSubject(kind)) == set()


def test_the_first_route_that_matches_decides() -> None:
    rules = [rule(1, kinds={"degraded"}), rule(2), rule(3)]
    assert told(rules, RoutedSubject("outage")) == {2}
    assert told(rules, RoutedSubject("degraded")) == {1}


def test_a_route_that_goes_on_lets_the_next_match_too() -> None:
    rules = [rule(1, goes_on=True), rule(2, kinds={"degraded"}), rule(3), rule(4)]
    assert told(rules, RoutedSubject("outage")) == {1, 3}


def test_a_default_matches_only_when_no_other_did_wherever_it_stands() -> None:
    rules = [rule(9, default=True), rule(1, kinds={"degraded"}, goes_on=True)]
    assert told(rules, RoutedSubject("outage")) == {9}
    assert told(rules, RoutedSubject("degraded")) == {1}


def test_side_incidents_are_told_where_a_route_names_them() -> None:
    rules = [rule(2), rule(1, kinds={"regional"})]
    assert told(rules, RoutedSubject("regional")) == {1}


#: what a route asks, a subject that meets it, one that does not, and what it is missed by
ASKED: list[tuple[dict[str, Any], RoutedSubject, RoutedSubject, Miss]] = [
    ({"kinds": {"account"}}, RoutedSubject("account"), RoutedSubject("outage"), Miss.KIND),
    ({"tags": {"eu", "us"}}, RoutedSubject("outage", tags=frozenset({"us"})), RoutedSubject("outage"), Miss.TAGS),
    ({"monitor": 7}, RoutedSubject("outage", monitor=7), RoutedSubject("outage", monitor=8), Miss.MONITOR),
    ({"priorities": {"high"}}, RoutedSubject("outage", priority="high"), RoutedSubject("outage"), Miss.PRIORITY),
    ({"severities": {"critical"}}, RoutedSubject("outage"), RoutedSubject("degraded"), Miss.SEVERITY),
    (
        {"severities": {"critical"}},
        RoutedSubject("heartbeat", priority="high"),
        RoutedSubject("heartbeat"),
        Miss.SEVERITY,
    ),
]


@pytest.mark.parametrize(("asks", "meets", "misses", "miss"), ASKED)
def test_a_route_matches_what_it_asks_for_and_says_what_is_missed(
    asks: dict[str, Any], meets: RoutedSubject, misses: RoutedSubject, miss: Miss
) -> None:
    assert told([rule(1, **asks)], meets) == {1}
    routing = route([rule(1, **asks)], misses, NOON, EVERYONE)
    assert routing.concerned == {} and [each.miss for each in routing.considered] == [miss]


def test_what_comes_after_the_decision_says_so() -> None:
    routing = route([rule(1), rule(2), rule(3, default=True)], RoutedSubject("outage"), NOON, EVERYONE)
    assert [each.miss for each in routing.considered] == [None, Miss.DECIDED_BEFORE, Miss.DECIDED_BEFORE]
    rules = [rule(1, goes_on=True), rule(3, default=True)]
    assert route(rules, RoutedSubject("outage"), NOON, EVERYONE).considered[1].miss is Miss.NOT_NEEDED


def test_a_channel_of_two_routes_is_concerned_by_the_first() -> None:
    rules = [rule(1, name="a", goes_on=True), rule(1, 2, name="b")]
    concerned = route(rules, RoutedSubject("outage"), NOON, EVERYONE).concerned
    assert concerned == {1: Concern(Why.ROUTED, "a"), 2: Concern(Why.ROUTED, "b")}


def test_what_matching_routes_ask_for_is_put_together() -> None:
    rules = [
        rule(1, policy=5, remind_s=600, goes_on=True), rule(2, policy=5, notes=True, remind_s=300, goes_on=True),
        rule(3, policy=6),
    ]  # fmt: skip
    routing = route(rules, RoutedSubject("outage"), NOON, EVERYONE)
    assert (routing.policies, routing.remind_s, routing.noted) == ((5, 6), 300, frozenset({2}))


BERLIN_OFFICE = Hours(frozenset(range(5)), time(9), time(17), "Europe/Berlin")
NIGHT = Hours(frozenset({4}), time(22), time(6), "Europe/Berlin")


@pytest.mark.parametrize(
    ("hours", "at", "holds"),
    [
        (BERLIN_OFFICE, "2030-01-01 08:00", True),
        (BERLIN_OFFICE, "2030-01-01 07:59", False),
        (BERLIN_OFFICE, "2030-01-01 16:00", False),
        (BERLIN_OFFICE, "2030-07-02 07:00", True),
        (BERLIN_OFFICE, "2030-01-05 10:00", False),
        (NIGHT, "2030-01-04 21:30", True),
        (NIGHT, "2030-01-05 04:59", True),
        (NIGHT, "2030-01-05 05:00", False),
        (NIGHT, "2030-01-05 22:00", False),
        (NIGHT, "2030-01-04 02:00", False),
        (Hours(), "2030-01-05 03:00", True),
        (Hours(frozenset({5})), "2030-01-05 03:00", True),
        (Hours(frozenset({5})), "2030-01-06 03:00", False),
    ],
)
def test_a_time_window_goes_by_the_clock_of_its_zone_and_past_midnight(hours: Hours, at: str, holds: bool) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert hours.hold(moment) is holds
    assert (told([rule(1, hours=hours)], RoutedSubject("outage"), moment) == {1}) is holds


def test_priority_shifts_severity_and_no_further_than_the_ends() -> None:
    assert severity_of("heartbeat", "high") is Severity.CRITICAL
    assert severity_of("heartbeat", "low") is Severity.WARNING
    assert severity_of("outage", "high") is Severity.CRITICAL
    assert severity_of("blind", "low") is Severity.INFO
    assert all(severity_of(kind) in Severity for kind in IncidentKind)


@pytest.mark.parametrize(
    ("kinds", "severities", "priority", "matches"),
    [
        ([], [], "normal", True),
        ([], [], "high", True),
        (["notice"], [], "normal", True),
        (["outage"], [], "normal", False),
        ([], ["info"], "high", True),
        ([], ["critical", "error", "warning"], "high", False),
    ],
)
def test_a_notice_goes_where_a_route_names_no_kind_or_notices(
    kinds: list[str], severities: list[str], priority: str, matches: bool
) -> None:
    subject = RoutedSubject(NOTICE, priority=priority)
    assert told([rule(1, kinds=kinds, severities=severities)], subject) == ({1} if matches else set())
