"""The stages of the notification pipeline as one function: what is read goes in, what is to be written comes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vigil.alerts.core.decision import Concern, Disposition, Hold, Why, Withheld
from vigil.alerts.core.escalation import EscalationPosition, PolicyFacts, PursuitFacts
from vigil.alerts.core.pipeline import DeliveryPlan, StepFacts, StepKeys, decide, hold, route
from vigil.alerts.core.routes import RoutedSubject, RouteRule
from vigil.incidents.core.model import Step

AT = datetime(2030, 1, 7, 12, tzinfo=UTC)
PAGER, CHAT, PHONE = 1, 2, 3
SHOP = RoutedSubject("outage", 7, frozenset({"shop"}))
RULE = RouteRule(frozenset({CHAT}), "chat", policy=5, remind_s=600, notes=True)
POLICY = PolicyFacts("primary", (0, 300), 0, frozenset({PHONE}))
MUTED = Hold(Withheld.SILENCED, "works")


def planned(step: Step, **facts: Any) -> DeliveryPlan:
    wanted = {"subjects": (SHOP,), "rules": (RULE,), "policies": {5: POLICY}, **facts}
    return decide(hold(route(StepFacts(StepKeys(1, 1, 1, AT), step, **wanted))))


def told(plan: DeliveryPlan) -> dict[int, tuple[str, str]]:
    return {choice.channel: (choice.outcome.value, choice.concern.why.value) for choice in plan.choices}


def test_a_beginning_goes_to_routes_and_to_the_first_step_of_their_policies() -> None:
    plan = planned(Step.OPENED)
    assert told(plan) == {CHAT: ("tell", "routed"), PHONE: ("tell", "on_call")}
    assert plan.pursuit is not None and plan.pursuit.remind_at == AT + timedelta(minutes=10)
    (begun,) = plan.pursuit.starts
    assert (begun.position, begun.due_at) == (EscalationPosition(1), AT + timedelta(minutes=5))


def test_the_next_step_of_a_policy_does_not_wait_for_one_that_reaches_nobody() -> None:
    plan = planned(Step.OPENED, policies={5: PolicyFacts("primary", (0, 300))})
    assert plan.pursuit is not None and plan.pursuit.starts[0].due_at == AT


def test_a_beginning_that_a_silence_holds_is_held_for_everyone() -> None:
    plan = planned(Step.OPENED, holds=(MUTED,))
    assert {choice.outcome for choice in plan.choices} == {Disposition.HOLD}
    assert {choice.hold for choice in plan.choices} == {MUTED}


@pytest.mark.parametrize("step", [Step.RESOLVED, Step.ACKNOWLEDGED, Step.SNOOZED])
def test_nothing_holds_back_the_end_from_who_knows_of_the_beginning(step: Step) -> None:
    plan = planned(step, holds=(MUTED,), told=frozenset({PAGER}))
    assert told(plan) == {PAGER: ("tell", "told_before")}


def test_the_channel_in_which_it_was_done_is_not_told() -> None:
    assert told(planned(Step.ACKNOWLEDGED, told=frozenset({PAGER, CHAT}), origin=CHAT)).keys() == {PAGER}


def test_whom_the_caller_names_is_told_whatever_the_routes_say() -> None:
    plan = planned(Step.ESCALATED, named={PAGER: Concern(Why.ON_CALL)})
    assert (told(plan), plan.pursuit) == ({PAGER: ("tell", "on_call")}, None)


def test_a_policy_under_way_goes_on_where_it_is_and_one_that_rested_begins_anew() -> None:
    running = planned(Step.CHANGED, pursuit=PursuitFacts(begun=frozenset({5})))
    rested = planned(Step.CHANGED, pursuit=PursuitFacts(acknowledged=True, begun=frozenset({5})))
    assert running.pursuit is not None and running.pursuit.starts == ()
    assert rested.pursuit is not None and [one.policy for one in rested.pursuit.starts] == [5]


def test_a_worse_kind_without_a_policy_only_ends_the_acknowledgement() -> None:
    bare = (RouteRule(frozenset({CHAT})),)
    assert planned(Step.OPENED, rules=bare).pursuit is None
    worse = planned(Step.CHANGED, rules=bare).pursuit
    assert worse is not None and not worse.wanted


def test_a_note_goes_where_routes_want_notes_and_begins_nothing() -> None:
    plan = planned(Step.NOTE, told=frozenset({CHAT, PAGER}))
    assert (told(plan), plan.newcomers, plan.pursuit) == ({CHAT: ("tell", "routed")}, (), None)


def test_by_a_note_of_a_provider_newcomers_hear_of_its_beginning() -> None:
    plan = planned(Step.NOTE, joint=True, told=frozenset({CHAT}))
    assert told(plan).keys() == {CHAT}
    assert [choice.channel for choice in plan.newcomers] == [PHONE]


def test_the_members_of_a_provider_are_routed_together() -> None:
    rules = tuple(RouteRule(frozenset({to}), tags=frozenset({tag})) for to, tag in ((PAGER, "shop"), (CHAT, "blog")))
    blog = RoutedSubject("outage", 8, frozenset({"blog"}))
    assert told(planned(Step.OPENED, joint=True, rules=rules, subjects=(SHOP, blog))).keys() == {PAGER, CHAT}
    assert told(planned(Step.OPENED, joint=True, rules=rules, subjects=())) == {}
