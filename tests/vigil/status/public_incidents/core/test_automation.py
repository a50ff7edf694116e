"""An automatic incident begins when its rule says so, covers one trouble once, and ends with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vigil.status.core.states import PublicImpact, RuleKind
from vigil.status.public_incidents.core.automation import (
    AutomationReason,
    ComponentFailure,
    DueRule,
    OpenAccount,
    PageState,
    next_step,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CHAT, CONSOLE = 1, 2


def rule(component: int = CHAT, minutes: int = 5, **more: Any) -> DueRule:
    made = DueRule(10 + component, component, RuleKind.OUTAGE, timedelta(minutes=minutes), PublicImpact.MAJOR)
    return replace(made, **more)


def failure(root: int = 100, component: int = CHAT, minutes: float = 6, **more: Any) -> ComponentFailure:
    made = ComponentFailure(root, frozenset({root}), component, RuleKind.OUTAGE, NOW - timedelta(minutes=minutes))
    return replace(made, **more)


def page(*failures: ComponentFailure, rules: tuple[DueRule, ...] = (rule(), rule(CONSOLE)), **more: Any) -> PageState:
    return PageState({(one.component, one.kind): one for one in rules}, failures, **more)


def test_a_failure_is_public_from_the_minute_of_its_rule_on() -> None:
    assert next_step(page(failure(minutes=4.9)), NOW) is None
    step = next_step(page(failure(minutes=5)), NOW)
    assert step is not None and (step.reason, step.incident, step.components) == (AutomationReason.DUE, 100, (CHAT,))
    assert (step.rule, step.impact) == (11, PublicImpact.MAJOR)


def test_without_a_rule_of_its_kind_or_in_maintenance_nothing_is_said() -> None:
    assert next_step(page(failure(kind=RuleKind.DEGRADED)), NOW) is None
    assert next_step(page(failure(), rules=()), NOW) is None
    assert next_step(page(failure(is_held=True)), NOW) is None


def test_what_one_incident_hits_is_one_public_incident_that_takes_in_what_comes_later() -> None:
    both = page(failure(), failure(component=CONSOLE, minutes=5.5))
    step = next_step(both, NOW)
    assert step is not None and step.components == (CHAT, CONSOLE)
    own = OpenAccount(7, True, frozenset({CHAT}), frozenset({100}), PublicImpact.MAJOR)
    later = next_step(replace(both, told=[own], known={100}), NOW)
    assert later is not None and (later.reason, later.told, later.components) == (
        AutomationReason.SPREAD, 7, (CONSOLE,),
    )  # fmt: skip
    whole = replace(own, components=frozenset({CHAT, CONSOLE}))
    assert next_step(replace(both, told=[whole], known={100}), NOW) is None


def test_a_worse_failure_raises_the_impact() -> None:
    worse = page(failure(), rules=(rule(impact=PublicImpact.CRITICAL),), known={100})
    own = OpenAccount(7, True, frozenset({CHAT}), frozenset({100}), PublicImpact.MINOR)
    step = next_step(replace(worse, told=[own]), NOW)
    assert step is not None and (step.reason, step.impact, step.rule) == (
        AutomationReason.SPREAD,
        PublicImpact.CRITICAL,
        11,
    )


def test_an_open_incident_about_a_component_covers_a_second_failure_of_it() -> None:
    for told in (
        OpenAccount(7, True, frozenset({CHAT}), frozenset({99}), PublicImpact.MAJOR),
        OpenAccount(7, False, frozenset({CHAT})),
        OpenAccount(7, False),
    ):
        lasting = failure(99) if told.is_automatic else failure(100)
        step = next_step(page(failure(100), lasting, told=[told], known={99}), NOW)
        assert step is not None and (step.reason, step.incident, step.told) == (AutomationReason.COVERED, 100, 7)
    apart = next_step(page(failure(100), told=[OpenAccount(7, False, frozenset({CONSOLE}))]), NOW)
    assert apart is not None and apart.reason is AutomationReason.DUE


def test_a_notice_without_impact_covers_no_failure() -> None:
    for about in (frozenset[int](), frozenset({CHAT})):
        step = next_step(page(failure(), told=[OpenAccount(7, False, about, impact=PublicImpact.NONE)]), NOW)
        assert step is not None and step.reason is AutomationReason.DUE
    # It says something of the incident itself: nothing is added, and nothing is marked again and again.
    own = OpenAccount(7, False, frozenset({CHAT}), frozenset({100}), PublicImpact.NONE)
    assert next_step(page(failure(200, ids=frozenset({100, 200})), told=[own]), NOW) is None


def test_what_was_dealt_with_is_never_said_again_also_when_it_was_deleted() -> None:
    assert next_step(page(failure(), known={100}), NOW) is None


def test_an_incident_that_becomes_part_of_another_stays_one() -> None:
    member = failure(200, ids=frozenset({100, 200}))
    own = OpenAccount(7, True, frozenset({CHAT}), frozenset({100}), PublicImpact.MAJOR)
    step = next_step(page(member, told=[own], known={100}), NOW)
    assert step is not None and (step.reason, step.told) == (AutomationReason.COVERED, 7)
    joined = replace(own, incidents=frozenset({100, 200}))
    assert next_step(page(member, told=[joined], known={100, 200}), NOW) is None


def test_it_ends_when_nothing_that_it_is_about_fails_and_only_while_no_person_writes_it() -> None:
    own = OpenAccount(7, True, frozenset({CHAT}), frozenset({100}))
    elsewhere = failure(100, CONSOLE, minutes=1)
    step = next_step(page(elsewhere, told=[own], known={100}), NOW)
    assert step is not None and (step.reason, step.told) == (AutomationReason.RECOVERED, 7)
    taken_over = replace(own, is_automatic=False)
    assert next_step(page(told=[taken_over], known={100}), NOW) is None
    # What is in maintenance by now fails still.
    assert next_step(page(failure(is_held=True), told=[own], known={100}), NOW) is None


@given(
    st.lists(
        st.tuples(st.integers(100, 103), st.sampled_from([CHAT, CONSOLE]), st.integers(0, 10)), max_size=6, unique=True
    )
)
def test_steps_come_to_an_end_and_no_component_is_told_twice(hits: list[tuple[int, int, int]]) -> None:
    state = page(*(failure(*one) for one in hits))
    told: dict[int, OpenAccount] = {}
    known: set[int] = set()
    for key in range(1, 40):
        step = next_step(replace(state, told=list(told.values()), known=known), NOW)
        if step is None:
            break
        known.add(step.incident)
        one = told.get(step.told) or OpenAccount(key, True, frozenset(), frozenset(), step.impact)
        one = replace(
            one, components=one.components.union(step.components), incidents=one.incidents | {step.incident},
            impact=max(one.impact, step.impact, key=list(PublicImpact).index),
        )  # fmt: skip
        told[one.key] = one
    assert step is None
    seen = [component for one in told.values() for component in one.components]
    assert len(seen) == len(set(seen))
    due = {component for _, component, minutes in hits if minutes >= 5}
    assert due <= set(seen)
