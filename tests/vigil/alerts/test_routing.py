"""Which channels are told."""

from __future__ import annotations

import pytest

from vigil.alerts.routing import Rule, Subject, pick

EVERYONE = frozenset({1, 2})


def channels(rules: list[Rule], subject: Subject) -> set[int]:
    found = pick(rules, subject, EVERYONE)
    return set(found.channels) if found else set()


@pytest.mark.parametrize("kind", ["outage", "degraded", "account"])
def test_without_rules_everyone_is_told_of_what_is_paged(kind: str) -> None:
    assert channels([], Subject(kind)) == {1, 2}


@pytest.mark.parametrize("kind", ["regional", "blind"])
def test_without_rules_nobody_is_told_of_side_incidents(kind: str) -> None:
    assert channels([], Subject(kind)) == set()


def test_the_first_rule_that_matches_decides() -> None:
    rules = [Rule(frozenset({1}), kinds=frozenset({"degraded"})), Rule(frozenset({2})), Rule(frozenset({3}))]
    assert channels(rules, Subject("outage")) == {2}
    assert channels(rules, Subject("degraded")) == {1}


def test_side_incidents_are_told_where_a_rule_names_them() -> None:
    rules = [Rule(frozenset({2})), Rule(frozenset({1}), kinds=frozenset({"regional"}))]
    assert channels(rules, Subject("regional")) == {1}


def test_a_rule_with_tags_wants_one_of_them() -> None:
    rules = [Rule(frozenset({1}), tags=frozenset({"eu", "us"}))]
    assert channels(rules, Subject("outage", tags=frozenset({"us", "x"}))) == {1}
    assert channels(rules, Subject("outage", tags=frozenset({"x"}))) == set()
    assert channels(rules, Subject("outage")) == set()


def test_a_rule_for_one_monitor_is_not_for_others() -> None:
    rules = [Rule(frozenset({1}), monitor=7)]
    assert channels(rules, Subject("outage", monitor=7)) == {1}
    assert channels(rules, Subject("outage", monitor=8)) == set()
    assert channels(rules, Subject("outage")) == set()
