"""Addresses of receivers are edited as URLs, chats are followed, and tests are mild."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.vigil.alerts.told import OUTAGE as ALERT
from vigil.alerts.channels import CHANNELS, ChannelError, parse_config
from vigil.alerts.channels.addresses import below, with_query, without_query
from vigil.alerts.channels.kind import Accepted, ReceiverAnswer, ReceiverCall
from vigil.alerts.wording.message import message_of

HOOK = "http://127.0.0.1:9/api/webhooks/1/t"
TOKEN = "123456:" + "A" * 35
ACCOUNT = "AC" + "0" * 32


class Written:
    """A client that writes calls down, and answers each as it is told."""

    def __init__(self, *answers: tuple[int, Mapping[str, Any]]) -> None:
        self.calls: list[ReceiverCall] = []
        self._answers = list(answers) or [(200, {})]

    def now(self) -> float:
        return 0.0

    async def call(self, call: ReceiverCall) -> ReceiverAnswer:
        self.calls.append(call)
        code, body = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return ReceiverAnswer(code, {}, json.dumps(body))

    @property
    def urls(self) -> list[str]:
        return [call.url for call in self.calls]

    def body(self, number: int) -> Any:
        return json.loads(self.calls[number].body)


def send(client: Written, kind: str, config: Mapping[str, Any], secrets: Mapping[str, str], **alert: Any) -> Accepted:
    parsed = parse_config(kind, config)
    payload = CHANNELS[kind].render(message_of(replace(ALERT, **alert)), parsed)

    async def once() -> Accepted:
        return await CHANNELS[kind].send(client, parsed, secrets, payload)

    return asyncio.run(once())


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://h/p", "https://h/p/a/b?x=1"),
        ("https://h/p/", "https://h/p/a/b?x=1"),
        ("https://h/p?k=v", "https://h/p/a/b?k=v&x=1"),
        ("https://h/p?x=0&k=v#f", "https://h/p/a/b?k=v&x=1"),
        ("https://h", "https://h/a/b?x=1"),
    ],
)
def test_b2_23_an_address_keeps_its_own_parameters(address: str, found: str) -> None:
    assert with_query(below(address, "a", "b"), x="1") == found


def test_a_parameter_is_taken_out_of_an_address() -> None:
    assert without_query("https://h/p?a=1&b=x%20y#f", "b") == ("https://h/p?a=1", "x y")
    assert without_query("https://h/p", "b") == ("https://h/p", "")


@pytest.mark.parametrize(
    ("url", "posted", "edited"),
    [
        (f"{HOOK}?thread_id=42", f"{HOOK}?thread_id=42&wait=true", f"{HOOK}/messages/77?thread_id=42"),
        (f"{HOOK}?thread_id=42#x", f"{HOOK}?thread_id=42&wait=true", f"{HOOK}/messages/77?thread_id=42"),
        (f"{HOOK}/", f"{HOOK}?wait=true", f"{HOOK}/messages/77"),
        (HOOK, f"{HOOK}?wait=true", f"{HOOK}/messages/77"),
    ],
)
def test_b2_23_a_thread_of_discord_is_written_to_and_edited(url: str, posted: str, edited: str) -> None:
    client = Written((200, {"id": "77"}))
    assert send(client, "discord", {}, {"url": url}).reference == "77"
    send(client, "discord", {}, {"url": url}, reference="77", event="resolve")
    assert client.urls == [posted, edited, posted]


def test_b2_23_a_forum_gets_a_thread_for_each_incident() -> None:
    refusal = {"message": "Webhooks posted to forum channels must have a thread_name or thread_id", "code": 220001}
    client = Written((400, refusal), (200, {"id": "77", "channel_id": "42"}))
    reference = send(client, "discord", {}, {"url": HOOK}).reference
    assert reference == "77:42"
    assert client.urls == [f"{HOOK}?wait=true"] * 2
    assert client.body(1)["thread_name"].startswith("DOWN")
    send(client, "discord", {}, {"url": HOOK}, reference=reference, event="resolve")
    assert client.urls[2:] == [f"{HOOK}/messages/77?thread_id=42", f"{HOOK}?thread_id=42&wait=true"]
    assert "thread_name" not in client.body(3)


MOVED = {
    "ok": False,
    "error_code": 400,
    "description": "group chat was upgraded to a supergroup chat",
    "parameters": {"migrate_to_chat_id": -1001557912345},
}


def test_b2_24_a_chat_of_telegram_is_followed_at_once() -> None:
    client = Written((400, MOVED), (200, {"ok": True, "result": {"message_id": 5}}))
    config = {"chat": "-55", "topic": 3, "url": "http://127.0.0.1:9/api/?x=1"}
    accepted = send(client, "telegram", config, {"token": TOKEN}, reference="4", event="resolve")
    assert (accepted.reference, dict(accepted.settings)) == ("5", {"chat": "-1001557912345", "topic": 0})
    assert [client.body(number)["chat_id"] for number in (0, 1)] == ["-55", "-1001557912345"]
    # Messages and topics of the old chat are not there.
    gone = {"reply_parameters", "message_thread_id"}
    assert gone <= set(client.body(0))
    assert not gone & set(client.body(1))
    assert client.urls == [f"http://127.0.0.1:9/api/bot{TOKEN}/sendMessage?x=1"] * 2


def test_b2_24_a_chat_that_moves_for_ever_is_an_error() -> None:
    with pytest.raises(ChannelError, match="upgraded to a supergroup"):
        send(Written((400, MOVED)), "telegram", {"chat": "-55"}, {"token": TOKEN})


@pytest.mark.parametrize(
    ("kind", "config", "secrets", "alert", "url"),
    [
        ("opsgenie", {"url": "https://og.test/v2/alerts/?a=1"}, {"api_key": "k"}, {"event": "resolve"},
         f"https://og.test/v2/alerts/{ALERT.dedup_key}/close?a=1&identifierType=alias"),
        ("opsgenie", {"url": "https://og.test/v2/alerts/"}, {"api_key": "k"}, {}, "https://og.test/v2/alerts"),
        ("ntfy", {"url": "https://n.test/below/?auth=x"}, {"topic": "t1"}, {}, "https://n.test/below?auth=x"),
        ("ntfy", {"url": "https://n.test/t1"}, {"topic": "t1"}, {}, "https://n.test"),
        ("slack", {"channel": "C1", "api": "https://s.test/api/?p=1"}, {"token": "xoxb-1"}, {},
         "https://s.test/api/chat.postMessage?p=1"),
        ("sms", {"to": "+15550000001", "sender": "+15550000002", "account": ACCOUNT, "url": "https://t.test/?p=1"},
         {"token": "t"}, {}, f"https://t.test/2010-04-01/Accounts/{ACCOUNT}/Messages.json?p=1"),
        ("google_chat", {}, {"url": "https://c.test/v1/spaces/x/messages?key=k&token=t&requestId=old#f"}, {},
         "https://c.test/v1/spaces/x/messages?key=k&token=t&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
         f"&requestId={ALERT.delivery.replace('_', '-')}"),
    ],
)  # fmt: skip
def test_b2_23_every_channel_edits_its_address_as_a_url(
    kind: str, config: dict[str, Any], secrets: dict[str, str], alert: dict[str, Any], url: str
) -> None:
    client = Written((200, {"ok": True, "ts": "1", "channel": "C1"}))
    send(client, kind, config, secrets, **alert)
    assert client.urls == [url]


def test_f15_a_test_is_mild() -> None:
    client = Written((202, {}))
    send(client, "pagerduty", {}, {"routing_key": "a" * 32}, test=True)
    send(client, "opsgenie", {}, {"api_key": "k"}, test=True)
    assert client.body(0)["payload"]["severity"] == "info"
    assert client.body(1)["priority"] == "P5"
