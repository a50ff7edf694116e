"""A message that kills its sender again and again kills nothing else in the end; neither it nor another is lost."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

import vigil.alerts.delivery.service
from tests.vigil.alerts.crashing import Crashed, live, nothing_due, stop_watching
from tests.vigil.alerts.on_call_rows import tell
from vigil.alerts.core.retry import ALONE_AFTER, GIVE_UP_AFTER, TOLD_AFTER, alone_again_s
from vigil.alerts.crashpoints import CrashPoint
from vigil.alerts.delivery.attempt import HeldMessage, attempt_together
from vigil.alerts.delivery.claim_rows import has_alone
from vigil.alerts.delivery.claims import LEASE
from vigil.alerts.delivery.outcomes import resend
from vigil.alerts.models import Channel, Delivery
from vigil.deadletters.actions import waiting
from vigil.incidents.models import Transition

pytestmark = pytest.mark.django_db(transaction=True)
#: As if the minutes between two lives had passed; what was tried more often is due later, as it is in those minutes.
_LATER = (
    "UPDATE alerts_delivery SET due_at = now() - interval '1 hour' + unfinished * interval '1 minute', "
    "lease_until = now() - interval '1 second' WHERE state = 'sending'"
)


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    yield
    stop_watching()


class Poison:
    """Ends the sender at each attempt of one channel's message; `with_it` is what else was being sent then."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._under_way = channel.pk, set[int]()
        self.with_it: list[set[int]] = []

    async def attempt(self, outbound: Any, held: Sequence[HeldMessage], wait_s: float, note: Any) -> Any:
        channel = held[0][0].destination.id
        if channel == self._channel:
            # The others that were claimed with it begin.
            await asyncio.sleep(0)
            self.with_it.append(set(self._under_way))
            self._under_way.clear()
            raise Crashed
        self._under_way.add(channel)
        results = await attempt_together(outbound, held, wait_s, note)
        self._under_way.discard(channel)
        return results


def lives(poison: Poison, before: Callable[[int], None]) -> None:
    """Live, die and live again until the poison has died often enough to be told of."""
    for number in range(30):
        before(number)
        assert not live(nothing_due), "nothing is due before the poison is sent"
        with connection.cursor() as cursor:
            cursor.execute(_LATER)
        if len(poison.with_it) > TOLD_AFTER:
            return
    raise AssertionError(f"only {len(poison.with_it)} deaths")


def test_one_that_kills_its_sender_is_sent_alone_and_told_of_and_sent_when_it_can_be(
    step: Callable[..., Transition],
    webhook: Callable[..., Channel],
    receiver: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, *good = [webhook(f"/{number}", gather=False) for number in range(5)]
    poison = Poison(bad)
    monkeypatch.setattr(vigil.alerts.delivery.service, "attempt_together", poison.attempt)
    tell(step())
    other = step(kind="degraded")

    def before(life: int) -> None:
        if life == ALONE_AFTER + 1:
            # News of another incident, which its own channels are told while the poison is there.
            Channel.objects.filter(pk=bad.pk).update(enabled=False)
            tell(other)
            Channel.objects.filter(pk=bad.pk).update(enabled=True)

    lives(poison, before)
    assert any(poison.with_it[:ALONE_AFTER]), "the others were in flight at first"
    assert poison.with_it[ALONE_AFTER:] == [set()] * (TOLD_AFTER + 1 - ALONE_AFTER)
    killer = Delivery.objects.get(channel=bad, transition__incident__kind="outage")
    assert killer.state == "sending", "its sender may have died of something else"
    told = Delivery.objects.filter(channel__in=good)
    assert told.count() == 8 and not told.exclude(state="sent").exists()
    letter = waiting().get()
    assert (letter.source, letter.step, letter.origin) == ("deliver", "send", str(killer.pk))
    assert f"its sender died {TOLD_AFTER} times" in letter.error

    # Once the fault is mended it is sent.
    monkeypatch.undo()
    assert live(nothing_due)
    killer.refresh_from_db()
    assert (killer.state, killer.unfinished) == ("sent", 0)
    assert not waiting().exists()


def test_one_that_kills_its_sender_for_a_day_is_given_up_and_can_be_sent_again(
    step: Callable[..., Transition], webhook: Callable[..., Channel], receiver: Any
) -> None:
    webhook("/bad", gather=False)
    tell(step())
    Delivery.objects.update(unfinished=TOLD_AFTER, attempts=TOLD_AFTER, created_at=Now() - GIVE_UP_AFTER)
    assert live(nothing_due)
    given_up = Delivery.objects.get()
    assert given_up.state == "dead" and given_up.last_error.startswith(f"its sender died {TOLD_AFTER} times")
    assert waiting().get().origin == str(given_up.pk) and receiver.at("/bad") == []
    assert resend(given_up)
    given_up.refresh_from_db()
    assert given_up.unfinished == ALONE_AFTER, "alone at first"
    assert live(nothing_due)
    given_up.refresh_from_db()
    assert (given_up.state, given_up.unfinished) == ("sent", 0)


def test_a_process_that_it_kills_outright_was_sending_nothing_else(
    step: Callable[..., Transition], webhook: Callable[..., Channel], receiver: Any
) -> None:
    bad, good = webhook("/bad", gather=False), webhook("/good", gather=False)
    tell(step())
    Delivery.objects.filter(channel=bad).update(state="sending", unfinished=ALONE_AFTER, attempts=ALONE_AFTER)
    with connection.cursor() as cursor:
        cursor.execute(_LATER)
    name = connection.settings_dict["NAME"]
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    ours = {"VIGIL_DATABASE_URL": url, "VIGIL_HEALTH_PORT": "0", "VIGIL_CRASH_AT": f"{CrashPoint.SEND_BEFORE}:2"}
    killed = subprocess.run([sys.executable, "-m", "vigil.cli", "deliver"], env={**os.environ, **ours}, timeout=90)
    assert killed.returncode == -9
    killer, other = Delivery.objects.get(channel=bad), Delivery.objects.get(channel=good)
    assert (killer.state, killer.unfinished) == ("sending", ALONE_AFTER + 1)
    assert other.state == "sent" and len(receiver.at("/good")) == 1, "the others come first"
    assert killer.lease_until is not None, "its wait begins with its lease"
    assert killer.lease_until - killer.due_at == LEASE - timedelta(seconds=alone_again_s(ALONE_AFTER))


def test_one_that_is_sent_by_another_sender_or_cannot_be_sent_now_is_not_waited_for(
    step: Callable[..., Transition], webhook: Callable[..., Channel]
) -> None:
    channel = webhook("/slow", gather=False)
    tell(step())
    a_minute = timedelta(minutes=1)
    Delivery.objects.update(unfinished=ALONE_AFTER, due_at=Now() - a_minute)
    assert has_alone() and not has_alone([channel.pk]), "no slot of its channel is free"
    # Its next attempt would be due, if this one did not end.
    Delivery.objects.update(state="sending", lease_until=Now() + a_minute)
    assert not has_alone()
    Delivery.objects.update(lease_until=Now() - a_minute)
    assert has_alone()
