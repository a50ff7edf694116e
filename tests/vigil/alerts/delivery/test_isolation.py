"""Deliver with a fault planted at each step: the other channels are told, nothing is told again without end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import pytest
from django.db import transaction

import vigil.alerts.delivery.isolated
import vigil.alerts.delivery.recording
import vigil.alerts.delivery.service
from probes.process.health import Health
from tests.planting import NoException, plant, plant_poison
from tests.waiting import until
from vigil.alerts.delivery import clockwork
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.alerts.delivery.listen import listen
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import enqueue
from vigil.configuration import AlertEgress
from vigil.deadletters.actions import waiting
from vigil.incidents.models import Transition

pytestmark = pytest.mark.django_db(transaction=True)
Step = Callable[..., Transition]
Webhook = Callable[..., Channel]
DELAY_S = 5.0
SERVICE, ISOLATED = vigil.alerts.delivery.service, vigil.alerts.delivery.isolated


def tell(opened: Transition) -> None:
    with transaction.atomic():
        enqueue(opened)


def is_sent(channel: Channel) -> bool:
    return Delivery.objects.filter(channel=channel, state="sent").exists()


def sent_after_s(channel: Channel) -> float:
    """How long after it was written a channel's first message was sent, by the database's clock."""
    sent = Delivery.objects.filter(channel=channel).order_by("pk").first()
    assert sent is not None and sent.sent_at is not None
    return (sent.sent_at - sent.created_at).total_seconds()


@pytest.mark.parametrize(
    ("place", "name", "times"),
    [
        (SERVICE, "claimed", 3),
        (ISOLATED, "claim", 5),
        (ISOLATED, "messages_of", 1),
        (vigil.alerts.delivery.recording, "record_each", 3),
        (ISOLATED, "record", 1),
        (SERVICE.claims, "seconds_to_next", None),
        (clockwork, "escalate_unaccepted", None),
        (clockwork, "run_due", None),
        (clockwork, "sync_switched_off", None),
        (clockwork.group_rows, "forget", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_s05_a_fault_at_a_step_ends_no_delivery(
    step: Step,
    webhook: Webhook,
    receiver: Any,
    place: Any,
    name: str,
    times: int | None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    channel = webhook("/a")
    fault = plant(monkeypatch, place, name, times)
    request.getfixturevalue("senders")
    tell(step())
    until(lambda: fault.raised >= 1, "the fault")
    until(lambda: is_sent(channel), "the alert")
    later = webhook("/b")
    tell(step())
    until(lambda: is_sent(later), "the next alert")
    assert max(sent_after_s(channel), sent_after_s(later)) < DELAY_S


def test_s06_an_answer_that_cannot_be_stored_costs_itself(
    step: Step, webhook: Webhook, receiver: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    channels = [webhook(f"/{number}") for number in range(6)]
    bad = channels[2]

    def is_poison(outcomes: Iterable[Any]) -> bool:
        return any(one.claim.destination.id == bad.pk and "200" in one.words for one in outcomes)

    plant_poison(monkeypatch, ISOLATED, "record", is_poison)
    tell(step())
    request.getfixturevalue("senders")
    until(lambda: all(is_sent(channel) for channel in channels), "all of them")
    assert max(map(sent_after_s, channels)) < DELAY_S
    assert [len(receiver.at(f"/{number}")) for number in range(6)] == [1] * 6
    assert Delivery.objects.get(channel=bad).answer == "the receiver's answer could not be stored"
    assert waiting().get().step == "record"


@pytest.mark.parametrize("where", ["claim", "messages_of"])
def test_s05_a_channel_or_message_that_cannot_be_claimed_stops_no_other(
    step: Step,
    webhook: Webhook,
    receiver: Any,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    channels = [webhook(f"/{number}") for number in range(4)]
    bad = channels[1].pk

    def is_poison(*args: Any) -> bool:
        if where == "messages_of":
            return any(claim.destination.id == bad for claim in args[0])
        return bad not in args[2]

    plant_poison(monkeypatch, ISOLATED, where, is_poison)
    tell(step())
    request.getfixturevalue("senders")
    others = [channel for channel in channels if channel.pk != bad]
    until(lambda: all(is_sent(channel) for channel in others), "the others")
    assert max(map(sent_after_s, others)) < DELAY_S
    until(lambda: waiting().exists(), "the letter")
    monkeypatch.undo()
    Delivery.objects.filter(state="pending").update(due_at=step().at)
    until(lambda: is_sent(channels[1]), "the bad one after the fix")


def test_s05_a_fault_while_sending_is_tried_again(
    step: Step, webhook: Webhook, receiver: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    channel = webhook("/a")
    plant(monkeypatch, SERVICE, "attempt_together", times=1)
    tell(step())
    request.getfixturevalue("senders")
    until(lambda: Delivery.objects.filter(channel=channel, last_error="fault: Fault").exists(), "the fault")
    Delivery.objects.filter(state="pending").update(due_at=step().at)
    until(lambda: is_sent(channel), "the second attempt")


def test_s05_a_task_beside_delivery_that_ends_is_not_missed() -> None:
    """The listener or the sending of reports: what ends one ends the process, which is started again."""

    async def run() -> None:
        outbound = GuardedOutbound(AlertEgress.PRIVATE)
        sender = SERVICE.Sender(outbound, Health("deliver", 30))

        async def ends() -> None:
            raise NoException

        running, beside = asyncio.create_task(sender.run()), asyncio.create_task(ends())
        beside.add_done_callback(sender.note_end)
        try:
            with pytest.raises(NoException):
                await asyncio.wait_for(running, 10)
        finally:
            await outbound.close()

    asyncio.run(run())


@pytest.mark.parametrize("fault", [psycopg.InterfaceError, psycopg.ProgrammingError, OSError])
def test_s05_a_listener_that_is_refused_tries_again(fault: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    woken = asyncio.Event()

    async def refused(*_: object, **__: object) -> None:
        tried.append(1)
        if len(tried) == 2:
            woken.set()
        raise fault

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", refused)

    async def run() -> None:
        listening = asyncio.create_task(listen(lambda: None))
        await asyncio.wait_for(woken.wait(), 10)
        assert not listening.done()
        listening.cancel()

    asyncio.run(run())
