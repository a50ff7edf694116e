"""What people do to an incident, once, from wherever they do it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests.vigil.alerts.on_call_rows import Step, Webhook, opened, policy, route, steps, told
from vigil.alerts.models import Pursuit
from vigil.alerts.oncall.responses import Actor, ResponseKind, acknowledge, note, snooze, take_back
from vigil.alerts.outbox import enqueue
from vigil.clock import database_now

pytestmark = pytest.mark.django_db
ANN = Actor("ann", "API")


def test_an_acknowledgement_is_a_step_that_everybody_who_knows_is_told_of(step: Step, webhook: Webhook) -> None:
    webhook("/a"), webhook("/b")
    incident = opened(step)
    assert acknowledge(incident.pk, ANN) is ResponseKind.DONE
    assert told(incident, "acknowledged") == [("/a", "acknowledge", "pending"), ("/b", "acknowledge", "pending")]
    line = incident.transitions.get(step="acknowledged")
    assert (line.actor, line.text) == ("ann (API)", "Acknowledged by ann (API).")
    assert Pursuit.objects.get(pk=incident.pk).acknowledged_by == "ann (API)"


def test_the_channel_in_which_it_was_done_need_not_be_told(step: Step, webhook: Webhook) -> None:
    pager = webhook("/pager")
    webhook("/chat")
    incident = opened(step)
    acknowledge(incident.pk, Actor("ann", "PagerDuty", origin=pager.pk))
    assert told(incident, "acknowledged") == [("/chat", "acknowledge", "pending")]


def test_acknowledging_twice_changes_nothing(step: Step, webhook: Webhook) -> None:
    webhook("/a")
    incident = opened(step)
    assert [acknowledge(incident.pk, ANN) for _ in range(2)] == [ResponseKind.DONE, ResponseKind.ALREADY]
    assert [name for name, _ in steps(incident)] == ["opened", "acknowledged"]


def test_what_is_over_cannot_be_acknowledged_or_snoozed_but_noted(step: Step, webhook: Webhook) -> None:
    webhook("/a")
    incident = opened(step)
    enqueue(step("resolved", incident))
    incident.resolved_at = database_now()
    incident.save()
    later = database_now() + timedelta(hours=1)
    assert {acknowledge(incident.pk, ANN), snooze(incident.pk, ANN, later)} == {ResponseKind.OVER}
    assert note(incident.pk, ANN, "It was the certificate.") is ResponseKind.DONE
    assert incident.transitions.latest("seq").text == "It was the certificate."
    assert told(incident, "note") == []


@pytest.mark.parametrize(("minutes", "answer"), [(0, "refused"), (30, "done"), (60 * 24 * 8, "refused")])
def test_a_snooze_lasts_from_a_minute_to_a_week(step: Step, webhook: Webhook, minutes: int, answer: str) -> None:
    webhook("/a")
    incident = opened(step)
    assert snooze(incident.pk, ANN, database_now() + timedelta(minutes=minutes)) == answer


def test_a_snooze_can_be_made_an_acknowledgement(step: Step, webhook: Webhook) -> None:
    webhook("/a")
    incident = opened(step)
    snooze(incident.pk, ANN, database_now() + timedelta(hours=1))
    assert acknowledge(incident.pk, Actor("bob", "link")) is ResponseKind.DONE
    pursuit = Pursuit.objects.get(pk=incident.pk)
    assert (pursuit.snoozed_until, pursuit.acknowledged_by) == (None, "bob (link)")


def test_what_is_taken_back_is_told_again_from_the_beginning(step: Step, webhook: Webhook) -> None:
    route(policy=policy((0, [webhook("/a")]), (60, [webhook("/b")])))
    incident = opened(step)
    assert take_back(incident.pk, ANN) is ResponseKind.ALREADY
    acknowledge(incident.pk, ANN)
    assert take_back(incident.pk, ANN) is ResponseKind.DONE
    assert told(incident, "reminded") == [("/a", "trigger", "pending")]
    assert steps(incident)[-1] == ("reminded", "taken_back")


@pytest.mark.parametrize(("text", "answer"), [("  ", "refused"), ("x" * 2001, "refused"), ("looking", "done")])
def test_a_note_has_a_length(step: Step, webhook: Webhook, text: str, answer: str) -> None:
    route(webhook("/a"), notes=True)
    incident = opened(step)
    assert note(incident.pk, ANN, text) == answer
    assert told(incident, "note") == ([("/a", "note", "pending")] if answer == "done" else [])


@pytest.mark.django_db(transaction=True)
def test_of_many_who_acknowledge_at_the_same_time_one_has_done_it(step: Step, webhook: Webhook) -> None:
    webhook("/a")
    incident = opened(step)
    start, answers = threading.Barrier(5), []

    def person(name: str) -> None:
        start.wait(10)
        answers.append(acknowledge(incident.pk, Actor(name, "API")))
        connection.close()

    threads = [threading.Thread(target=person, args=(f"p{number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == ["already"] * 4 + ["done"]
    assert list(incident.transitions.order_by("seq").values_list("seq", flat=True)) == [1, 2]
