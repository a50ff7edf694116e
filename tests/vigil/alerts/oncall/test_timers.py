"""Escalations, reminders, snoozes and held alerts move by the clock: each once, in whichever process."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests.vigil.alerts.on_call_rows import (
    Step,
    Webhook,
    opened,
    pass_time,
    person,
    policy,
    rotation,
    route,
    steps,
    tell,
    told,
)  # fmt: skip
from vigil.accounts.teams import default_team
from vigil.alerts.models import Delivery, Pursuit
from vigil.alerts.oncall.responses import Actor, acknowledge, snooze
from vigil.alerts.oncall.timers import run_due
from vigil.alerts.outbox import enqueue
from vigil.alerts.routing.holds import look_again_in
from vigil.clock import database_now
from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor
from vigil.silences.changes import create_silence, delete_silence
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db
ANN = Actor("ann", "API")
TRIGGER, PENDING, HELD, WITHHELD = "trigger", "pending", "held", "withheld"


def silence(monitor: Monitor, **wanted: Any) -> Silence:
    now = database_now()
    times = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=1)}
    return create_silence(Silence(team=default_team()), {"name": "upgrade", **times, **wanted}, [monitor])


def lift(night: Silence) -> None:
    """Delete it as the API and the admin do."""
    delete_silence(night)
    look_again_in(night.team_id)


def test_a_policy_is_climbed_until_its_end_and_each_step_is_on_the_timeline(step: Step, webhook: Webhook) -> None:
    ann, ops = person("ann", webhook("/ann")), webhook("/ops")
    route(policy=policy((0, [rotation(ann)]), (300, [ops])))
    incident = opened(step)
    assert told(incident) == [("/ann", TRIGGER, PENDING)]
    assert Delivery.objects.get().why == "on_call" and Delivery.objects.get().because == "primary"
    pass_time(incident, 299)
    assert run_due() == 0
    pass_time(incident, 1)
    assert (run_due(), run_due()) == (1, 0)
    assert told(incident, "escalated") == [("/ops", TRIGGER, PENDING)]
    assert "Step 2 of 2 of primary: /ops." in incident.transitions.get(step="escalated").text
    pass_time(incident, 100_000)
    assert run_due() == 0


def test_a_policy_repeats_as_often_as_it_says(step: Step, webhook: Webhook) -> None:
    route(policy=policy((0, [webhook("/a")]), (60, [webhook("/b")]), repeats=2))
    incident = opened(step)
    for _ in range(8):
        pass_time(incident, 60)
        run_due()
    names = [name for name, _, _ in told(incident)]
    assert names == ["/a", "/b"] * 3


def test_a_step_that_reaches_nobody_is_said_and_not_waited_for(step: Step, webhook: Webhook) -> None:
    route(policy=policy((0, [webhook("/a")]), (60, [rotation(), person("bob")]), (900, [webhook("/boss")])))
    incident = opened(step)
    pass_time(incident, 60)
    run_due()
    text = incident.transitions.get(step="escalated").text
    assert "web: no one is on call" in text and "bob: no enabled channel" in text
    run_due()
    assert told(incident, "escalated") == [("/boss", TRIGGER, PENDING)]


def test_a_first_step_that_reaches_nobody_lets_the_next_come_at_once(step: Step, webhook: Webhook) -> None:
    route(policy=policy((0, [rotation()]), (900, [webhook("/boss")])))
    incident = opened(step)
    assert told(incident) == []
    run_due()
    assert told(incident) == [("/boss", TRIGGER, PENDING)]


def test_nobody_is_called_any_more_once_it_is_acknowledged_or_over(step: Step, webhook: Webhook) -> None:
    route(policy=policy((0, [webhook("/a")]), (60, [webhook("/b")])), remind_s=60)
    taken, over = opened(step), opened(step)
    acknowledge(taken.pk, ANN)
    enqueue(step("resolved", over))
    for incident in (taken, over):
        pass_time(incident, 10_000)
    assert run_due() == 0


def test_reminders_come_until_somebody_acknowledges(step: Step, webhook: Webhook) -> None:
    route(webhook("/a"), remind_s=600)
    incident = opened(step)
    for _ in range(2):
        pass_time(incident, 600)
        assert (run_due(), run_due()) == (1, 0)
    assert told(incident, "reminded") == [("/a", TRIGGER, PENDING)] * 2
    acknowledge(incident.pk, ANN)
    pass_time(incident, 6_000)
    assert run_due() == 0


def test_a_snooze_that_is_over_tells_again_and_begins_the_policy_again(step: Step, webhook: Webhook) -> None:
    route(webhook("/chat"), policy=policy((0, [webhook("/a")]), (60, [webhook("/b")])), remind_s=3600)
    incident = opened(step)
    snooze(incident.pk, ANN, database_now() + timedelta(minutes=30))
    pass_time(incident, 1_799)
    assert run_due() == 0
    pass_time(incident, 1)
    assert (run_due(), run_due()) == (1, 0)
    assert steps(incident)[-1] == ("reminded", "snooze_over")
    assert sorted(told(incident, "reminded")) == [("/a", TRIGGER, PENDING), ("/chat", TRIGGER, PENDING)]
    pass_time(incident, 60)
    run_due()
    assert told(incident, "escalated") == [("/b", TRIGGER, PENDING)]


def test_what_a_silence_holds_is_seen_and_sent_when_it_ends_with_the_target_still_down(
    step: Step, webhook: Webhook
) -> None:
    route(webhook("/a"), policy=policy((300, [webhook("/b")])))
    first = step()
    assert first.incident.monitor is not None
    night = silence(first.incident.monitor)
    enqueue(first)
    held = Delivery.objects.get()
    assert (held.state, held.withheld, held.held_by, held.held_until) == (HELD, "silenced", "upgrade", night.ends_at)
    pass_time(first.incident, 10_000)
    assert run_due() == 0
    assert told(first.incident) == [("/a", TRIGGER, HELD)]
    lift(night)
    pass_time(first.incident, 60)
    assert (run_due(), run_due()) == (1, 0)
    assert told(first.incident) == [("/a", TRIGGER, PENDING)]
    held.refresh_from_db()
    assert held.created_at > first.at and held.withheld == "silenced"
    # The delays of the policy count from when it was told.
    pass_time(first.incident, 299)
    assert run_due() == 0
    pass_time(first.incident, 1)
    assert run_due() == 1


def test_of_what_a_channel_waited_for_only_the_newest_is_sent(step: Step, webhook: Webhook) -> None:
    route(webhook("/a"))
    first = step(kind="degraded")
    assert first.incident.monitor is not None
    night = silence(first.incident.monitor)
    enqueue(first)
    first.incident.kind = "outage"
    enqueue(step("changed", first.incident))
    lift(night)
    pass_time(first.incident, 60)
    assert run_due() == 1
    assert told(first.incident) == [("/a", TRIGGER, WITHHELD), ("/a", TRIGGER, PENDING)]
    assert Delivery.objects.earliest("id").withheld == "superseded"


def test_what_ends_within_a_silence_is_never_told_and_stays_to_be_seen(step: Step, webhook: Webhook) -> None:
    route(webhook("/a"))
    first = step()
    assert first.incident.monitor is not None
    night = silence(first.incident.monitor)
    enqueue(first)
    enqueue(step("resolved", first.incident))
    lift(night)
    pass_time(first.incident, 100)
    assert run_due() == 0
    assert told(first.incident) == [("/a", TRIGGER, WITHHELD)]


def test_an_end_is_told_within_a_silence_to_whoever_knows_of_the_beginning(step: Step, webhook: Webhook) -> None:
    route(webhook("/a"))
    incident = opened(step)
    assert incident.monitor is not None
    silence(incident.monitor)
    enqueue(step("resolved", incident))
    assert told(incident) == [("/a", TRIGGER, PENDING), ("/a", "resolve", PENDING)]


def test_while_a_silence_holds_nobody_is_called_or_reminded(step: Step, webhook: Webhook) -> None:
    route(webhook("/a"), policy=policy((60, [webhook("/b")])), remind_s=60)
    incident = opened(step)
    assert incident.monitor is not None
    night = silence(incident.monitor)
    pass_time(incident, 60)
    assert run_due() == 0
    assert told(incident) == [("/a", TRIGGER, PENDING)]
    lift(night)
    pass_time(incident, 60)
    assert run_due() == 2
    assert told(incident, "escalated") == [("/b", TRIGGER, PENDING)]


def test_what_got_worse_is_told_although_it_was_acknowledged_and_needs_a_new_one(step: Step, webhook: Webhook) -> None:
    route(webhook("/a"), remind_s=60)
    incident = opened(step, kind="degraded")
    acknowledge(incident.pk, ANN)
    incident.refresh_from_db()
    incident.kind = "outage"
    enqueue(step("changed", incident))
    assert told(incident, "changed") == [("/a", TRIGGER, PENDING)]
    assert Pursuit.objects.get(pk=incident.pk).acknowledged_at is None
    pass_time(incident, 60)
    assert run_due() == 1


@pytest.mark.django_db(transaction=True)
def test_two_processes_move_everything_once(step: Step, webhook: Webhook) -> None:
    channel = webhook("/a")
    route(channel, policy=policy((60, [webhook("/b")])))
    route(channel, remind_s=60, tags=["chat"], position=1)
    incidents, chatty = [opened(step) for _ in range(6)], [opened(step, tags=["chat"]) for _ in range(6)]
    held = step()
    assert held.incident.monitor is not None
    night = silence(held.incident.monitor)
    tell(held)
    lift(night)
    for incident in [*incidents, *chatty, held.incident]:
        pass_time(incident, 40 if incident == held.incident else 60)
    start = threading.Barrier(3)

    def process() -> None:
        start.wait(10)
        # A turn has a budget, and leaves what another holds: it takes as many turns as it takes.
        idle = 0
        while idle < 3:
            idle = 0 if run_due() else idle + 1
        connection.close()

    threads = [threading.Thread(target=process) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for incident in incidents:
        assert told(incident) == [("/a", TRIGGER, PENDING), ("/b", TRIGGER, PENDING)]
    for incident in chatty:
        assert told(incident) == [("/a", TRIGGER, PENDING)] * 2
    assert told(held.incident) == [("/a", TRIGGER, PENDING)]


def escalating(step: Step, webhook: Webhook) -> Incident:
    route(webhook("/a"), policy=policy((60, [webhook("/b")])))
    incident = opened(step)
    pass_time(incident, 60)
    return incident


def reminding(step: Step, webhook: Webhook) -> Incident:
    route(webhook("/a"), remind_s=60)
    incident = opened(step)
    pass_time(incident, 60)
    return incident


def waking(step: Step, webhook: Webhook) -> Incident:
    route(webhook("/a"))
    incident = opened(step)
    snooze(incident.pk, ANN, database_now() + timedelta(minutes=30))
    pass_time(incident, 1_800)
    return incident


def releasing(step: Step, webhook: Webhook) -> Incident:
    route(webhook("/a"), policy=policy((60, [webhook("/b")])))
    first = step()
    assert first.incident.monitor is not None
    night = silence(first.incident.monitor)
    tell(first)
    lift(night)
    pass_time(first.incident, 40)
    return first.incident


#: What is due, and which channel is told in the end, step by step.
MOVES = {
    "escalating": (escalating, [("opened", "/a"), ("escalated", "/b")]),
    "reminding": (reminding, [("opened", "/a"), ("reminded", "/a")]),
    "waking": (waking, [("opened", "/a"), ("snoozed", "/a"), ("reminded", "/a")]),
    "releasing": (releasing, [("opened", "/a")]),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", MOVES)
def test_killed_anywhere_within_a_move_nothing_is_lost_or_done_twice(step: Step, webhook: Webhook, name: str) -> None:
    """Each statement of the move is the last one before the connection is gone, in turn."""
    prepare, expected = MOVES[name]
    incident = prepare(step, webhook)

    def sent() -> list[tuple[str, str]]:
        rows = Delivery.objects.filter(incident=incident, state="pending").order_by("id")
        return list(rows.values_list("transition__step", "channel__name"))

    before = sent()
    statements = 0
    while _dies_after(statements):
        assert sent() in (before, expected)
        statements += 1
    assert statements >= 8 and before != expected
    assert sent() == expected
    seqs = list(incident.transitions.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1)) and Incident.objects.get(pk=incident.pk).steps == len(seqs)


def _dies_after(left: int) -> bool:
    """Run what is due, and lose the connection after so many statements; False if there were not so many."""

    def dies(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left
        if left == 0:
            connection.close()
            raise ConnectionAbortedError
        left -= 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(dies):
        try:
            run_due()
        except ConnectionAbortedError:
            return True
    return False
