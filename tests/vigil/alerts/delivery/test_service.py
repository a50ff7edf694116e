"""Deliveries reach a real receiver, in order, at least once, whatever else hangs or fails."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from vigil.alerts.channels.webhook import sign
from vigil.alerts.core.pacing import AT_FIRST
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import enqueue
from vigil.incidents.models import Transition

pytestmark = pytest.mark.django_db(transaction=True)
Step = Callable[..., Transition]
Webhook = Callable[..., Channel]
Until = Callable[..., None]


def tell(opened: Transition) -> None:
    with transaction.atomic():
        enqueue(opened)


def of(channel: Channel, event: str = "trigger") -> Delivery:
    return Delivery.objects.get(channel=channel, event=event)


def was_put_back(channel: Channel) -> bool:
    return Delivery.objects.filter(channel=channel, state="pending", attempts=1).exists()


def make_due() -> None:
    Delivery.objects.filter(state="pending").update(due_at=Now())


def test_a_delivery_arrives_signed(step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until) -> None:
    channel = webhook("/a")
    opened = step()
    tell(opened)
    until(lambda: of(channel).state == "sent")
    (post,) = receiver.at("/a")
    headers = post["headers"]
    signed = sign(channel.secrets["secret"], headers["webhook-id"], int(headers["webhook-timestamp"]), post["raw"])
    assert headers["webhook-signature"] == signed
    assert headers["webhook-id"] == of(channel).public_id
    assert post["body"]["type"] == "incident.triggered"
    assert post["body"]["dedup_key"] == opened.incident.public_id
    assert [vote["region"] for vote in post["body"]["votes"]] == ["eu", "us"]


def test_a_resolve_waits_for_its_trigger(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    channel = webhook("/a")
    receiver.answers["/a"] = [500, 200]
    opened = step()
    tell(opened)
    until(lambda: was_put_back(channel))
    Delivery.objects.update(due_at=Now() + timedelta(hours=1))
    tell(step("resolved", opened.incident))
    until(lambda: of(channel, "resolve").due_at is not None)
    assert of(channel, "resolve").attempts == 0
    Delivery.objects.filter(event="trigger").update(due_at=Now())
    until(lambda: of(channel, "resolve").state == "sent")
    assert [post["body"]["type"] for post in receiver.at("/a")] == [
        "incident.triggered", "incident.triggered", "incident.resolved",
    ]  # fmt: skip
    assert {post["body"]["dedup_key"] for post in receiver.posts} == {opened.incident.public_id}


def test_the_wish_of_a_busy_receiver_is_honoured(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    channel = webhook("/a")
    receiver.answers["/a"] = [(429, {"retry-after": "300"}), 200]
    tell(step())
    until(lambda: was_put_back(channel))
    assert of(channel).due_at - of(channel).created_at >= timedelta(seconds=299)
    assert "429" in of(channel).last_error


def test_a_refusal_for_good_is_dead_and_passed_on_at_once(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    channel, fallback = webhook("/a"), webhook("/fallback", fallback=True)
    receiver.answers["/a"] = [400]
    opened = step()
    tell(opened)
    until(lambda: Delivery.objects.filter(channel=fallback, state="sent").exists())
    assert (of(channel).state, of(channel).attempts) == ("dead", 1)
    assert receiver.at("/fallback")[0]["body"]["dedup_key"] == opened.incident.public_id


def test_b2_24_a_setting_that_a_receiver_replaced_is_remembered(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    channel = webhook("/a")
    channel.kind, channel.secrets = "telegram", {"token": "123456:" + "A" * 35}
    channel.config = {"chat": "-55", "topic": 3, "url": channel.config["url"]}
    channel.save()
    place = f"/a/bot123456:{'A' * 35}/sendMessage"
    moved = {"ok": False, "description": "upgraded", "parameters": {"migrate_to_chat_id": -1001557912345}}
    receiver.answers[place] = [(400, {}, moved), (200, {}, {"ok": True, "result": {"message_id": 5}})]
    tell(step())
    until(lambda: of(channel).state == "sent")
    assert [post["body"]["chat_id"] for post in receiver.at(place)] == ["-55", "-1001557912345"]
    channel.refresh_from_db()
    assert (channel.config["chat"], channel.config["topic"]) == ("-1001557912345", 0)


def test_a_resolve_after_a_dead_trigger_says_so(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    channel = webhook("/a")
    receiver.answers["/a"] = [400, 200]
    opened = step()
    tell(opened)
    until(lambda: of(channel).state == "dead")
    tell(step("resolved", opened.incident))
    until(lambda: of(channel, "resolve").state == "sent")
    assert "did not reach this channel" in receiver.at("/a")[1]["body"]["text"]


def test_a_page_that_nobody_accepts_for_two_minutes_is_passed_on(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    webhook("/a"), webhook("/fallback", fallback=True)
    receiver.answers["/a"] = [503]
    tell(step())
    until(lambda: receiver.at("/a"))
    assert not receiver.at("/fallback")
    Delivery.objects.update(created_at=Now() - timedelta(seconds=121))
    until(lambda: receiver.at("/fallback"))


def test_a_page_that_one_channel_accepted_is_not_passed_on(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    webhook("/a"), webhook("/fallback", fallback=True)
    good = webhook("/b")
    receiver.answers["/a"] = [400]
    tell(step())
    until(lambda: of(good).state == "sent" and Delivery.objects.filter(state="dead").exists())
    Delivery.objects.update(created_at=Now() - timedelta(seconds=121))
    second = step()
    tell(second)
    until(lambda: Delivery.objects.filter(incident=second.incident, state__in=["sent", "dead"]).count() == 2)
    assert not receiver.at("/fallback")


def test_a_channel_that_hangs_delays_no_other(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    hanging, good = webhook("/hang", gather=False), webhook("/a", gather=False)
    receiver.answers["/hang"] = ["hang"]
    for _ in range(12):
        tell(step())
    until(lambda: Delivery.objects.filter(channel=good, state="sent").count() == 12, within_s=5)
    assert Delivery.objects.filter(channel=hanging, state="sending").count() == AT_FIRST
    until(lambda: len(receiver.at("/hang")) == AT_FIRST)


def test_settings_that_no_longer_fit_kill_a_delivery_and_nothing_else(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    broken, good = webhook("/broken"), webhook("/a")
    Channel.objects.filter(pk=broken.pk).update(config={"nonsense": 1})
    tell(step())
    until(lambda: of(good).state == "sent" and of(broken).state == "dead")
    assert "settings" in of(broken).last_error


def test_a_receiver_that_is_not_there_is_tried_again(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    channel = webhook("/a")
    Channel.objects.filter(pk=channel.pk).update(config={"url": "http://127.0.0.1:1/"})
    tell(step())
    until(lambda: was_put_back(channel))
    Channel.objects.filter(pk=channel.pk).update(config={"url": receiver.url("/a")})
    make_due()
    until(lambda: of(channel).state == "sent")


def test_a_database_that_drops_its_connections_is_met_again(
    step: Step, webhook: Webhook, receiver: Any, sender: None, until: Until
) -> None:
    channel = webhook("/a")
    with connection.cursor() as cursor:
        until(lambda: backends_ended(cursor))
    tell(step())
    until(lambda: of(channel).state == "sent")


def backends_ended(cursor: Any) -> bool:
    cursor.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return bool(cursor.fetchone()[0])


def test_a_sender_killed_while_it_sends_loses_nothing(
    step: Step, webhook: Webhook, receiver: Any, process: Callable[[], subprocess.Popen[bytes]], until: Until
) -> None:
    channel = webhook("/a")
    receiver.answers["/a"] = ["hang", 200]
    opened = step()
    tell(opened)
    first = process()
    until(lambda: receiver.at("/a"), within_s=20)
    first.kill()
    first.wait(10)
    assert of(channel).state == "sending"
    tell(step("resolved", opened.incident))
    # Stands for the half minute until the lease runs out.
    Delivery.objects.filter(state="sending").update(lease_until=Now())
    second = process()
    until(lambda: of(channel, "resolve").state == "sent", within_s=20)
    types = [post["body"]["type"] for post in receiver.at("/a")]
    assert types == ["incident.triggered", "incident.triggered", "incident.resolved"]
    triggers = receiver.at("/a")[:2]
    assert triggers[0]["headers"]["webhook-id"] == triggers[1]["headers"]["webhook-id"]
    assert {post["body"]["dedup_key"] for post in receiver.posts} == {opened.incident.public_id}
    second.send_signal(signal.SIGTERM)
    assert second.wait(15) == 0


def test_two_senders_send_each_delivery_once(
    step: Step, webhook: Webhook, receiver: Any, process: Callable[[], subprocess.Popen[bytes]], until: Until
) -> None:
    webhook("/a", gather=False), webhook("/b", gather=False)
    for _ in range(20):
        tell(step())
    process(), process()
    until(lambda: Delivery.objects.filter(state="sent").count() == 40, within_s=30)
    ids = [post["headers"]["webhook-id"] for post in receiver.posts]
    assert len(ids) == len(set(ids)) == 40
