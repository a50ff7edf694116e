"""Receivers that answer anything: what is kept of it can be stored, and no answer stops another channel's alerts."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.vigil.alerts.delivery.test_storms import Place, open_incidents, place
from tests.vigil.alerts.told import alert
from tests.vigil.alerts.wording.test_golden import CONFIGS
from vigil.alerts.channels import CHANNELS, ChannelError, ChannelSettingsError, check_channel, email, parse_config
from vigil.alerts.channels.kind import Accepted, ReceiverAnswer, ReceiverCall
from vigil.alerts.core.retry import MAX_RETRY_AFTER_S
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.wording.message import message_of
from vigil.demo.alert_receivers import ReceiverReply

__all__ = ["place"]

ODD = ["\x00", "a\x00b", "\ud83d", "x" * 5_000, "\u202e\u0007", "²", "-1", "", "1" * 400, "../../x", "a b"]
WAITS = [86_400, 0, -1, 10**400, 1e308, math.nan, math.inf, "86400", "\x00", True, [], {"a": 1}, None]
SECRETS = {
    "slack": {"token": "xoxb-fake"},
    "telegram": {"token": "123:" + "A" * 35},
    "discord": {"url": "https://discord.test/api/webhooks/1/x"},
    "teams": {"url": "https://teams.test/x"},
    "google_chat": {"url": "https://chat.test/v1/spaces/x/messages?key=k&token=t"},
    "pagerduty": {"routing_key": "f" * 32},
    "webhook": {"secret": "whsec_" + "A" * 32},
    "ntfy": {"topic": "fake-topic"},
    "jsm": {"api_key": "k"},
    "opsgenie": {"api_key": "k"},
    "sms": {"token": "t"},
}


class Hostile:
    """A way out whose receiver answers what a test says."""

    def __init__(self, answer: ReceiverAnswer) -> None:
        self._answer = answer

    def now(self) -> float:
        return 1_900_000_000.0

    async def call(self, call: ReceiverCall) -> ReceiverAnswer:
        return self._answer


async def kept(kind: str, answer: ReceiverAnswer) -> Accepted | ChannelError:
    """What one attempt keeps of an answer; anything else than these two fails the test."""
    found = CHANNELS[kind]
    config = parse_config(kind, CONFIGS.get(kind, {}))
    message = message_of(alert("outage"))
    try:
        return await found.send(Hostile(answer), config, SECRETS[kind], found.render(message, config))
    except ChannelError as refused:
        return refused


def assert_storable(found: Accepted | ChannelError) -> None:
    words = (found.answer, found.reference) if isinstance(found, Accepted) else (str(found),)
    for text in words:
        assert text.isprintable() and len(text) <= 300
        text.encode()
    if isinstance(found, ChannelError):
        wait = found.retry_after_s
        assert wait is None or (type(wait) is float and 0 <= wait < math.inf)


def document(word: Any, wait: Any) -> str:
    parts = {"ok": True, "ts": word, "channel": word, "id": word, "message": word, "name": word, "sid": word}
    more = {"error": word, "errors": [word], "status": word, "result": {"message_id": word}, "retry_after": wait}
    return json.dumps(parts | more | {"parameters": {"retry_after": wait, "migrate_to_chat_id": word}})


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_s06_what_is_kept_of_any_answer_can_be_stored(kind: str) -> None:
    async def ask() -> None:
        for code in (200, 401, 429, 503):
            for word, wait in [*((odd, 1) for odd in ODD), *(("x", wait) for wait in WAITS)]:
                for text in (document(word, wait), document(word, wait).replace('"ok": true', '"ok": false'), word):
                    for after in ("86400", word[:50]):
                        assert_storable(await kept(kind, ReceiverAnswer(code, {"retry-after": after}, text)))

    asyncio.run(ask())


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_s06_an_answer_nested_deeply_is_an_answer_that_says_nothing(kind: str) -> None:
    assert_storable(asyncio.run(kept(kind, ReceiverAnswer(200, {}, "[" * 200_000))))
    assert_storable(asyncio.run(kept(kind, ReceiverAnswer(429, {}, '{"a":' * 20_000))))


@given(answer=some.text(), reference=some.text(), error=some.text())
def test_s06_no_text_survives_that_a_database_refuses(answer: str, reference: str, error: str) -> None:
    assert_storable(Accepted(answer, reference))
    assert_storable(ChannelError(error, retry_after_s=86_400))


def channel(place: Place, kind: str, config: dict[str, Any], secrets: dict[str, str]) -> Channel:
    return place.channel(kind, name=f"{kind} {json.dumps(config)[-40:]}", config=config, secrets=secrets)


@pytest.mark.django_db(transaction=True)
def test_s06_hostile_words_cost_no_other_delivery_its_outcome(place: Place) -> None:
    good = place.channel("webhook")
    slack = place.channel("slack")
    telegram = channel(place, "telegram", {"chat": "1", "url": f"{place.url}/telegram"}, SECRETS["telegram"])
    path = f"/telegram/bot{SECRETS['telegram']['token']}/sendMessage"
    place.receiver.script["/slack/api/chat.postMessage"].append(
        ReceiverReply(200, {"ok": True, "ts": "1\x00", "channel": "\ud83d"})
    )
    place.receiver.script[path].append(ReceiverReply(200, {"ok": True, "result": {"message_id": "\x00"}}))
    open_incidents(1, [good, slack, telegram])
    place.settle()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert len(place.bodies("webhook")) == 1


@pytest.mark.django_db(transaction=True)
def test_s06_a_receiver_that_asks_for_a_day_is_tried_again_within_the_longest_wait(place: Place) -> None:
    good, slow = place.channel("pagerduty"), place.channel("webhook")
    place.receiver.script["/webhook/x"].append(ReceiverReply(503, headers={"Retry-After": "86400"}))
    place.receiver.script["/webhook/x"].append(ReceiverReply(200))
    open_incidents(1, [good, slow])
    place.settle()
    assert len(place.bodies("pagerduty")) == 1
    waiting = Delivery.objects.get(channel=slow)
    assert waiting.state in ("pending", "sent")
    assert waiting.due_at is None or (waiting.due_at - waiting.created_at).total_seconds() <= MAX_RETRY_AFTER_S + 60


ODD_ADDRESSES = [
    "a..b@example.com", ".a@example.com", "a.@example.com", "ä@example.com", "a@x..com", "a@.com", "a(b)@x.com",
    "a[b]@x.com", "\ud800@x.com", "a\x85@x.com", "a@x.com\x00", "@x.com", "a@",
]  # fmt: skip


@pytest.mark.parametrize("address", ODD_ADDRESSES)
def test_s06_an_address_that_no_letter_can_be_written_to_is_refused_before_it_is_saved(address: str) -> None:
    with pytest.raises(ChannelSettingsError):
        check_channel("email", {"to": [address]}, {})
    with pytest.raises(ValueError):
        email.address_of(address)


@pytest.mark.parametrize("options", ["?a=1;verify=no", "?%76erify=no", "?+verify=no", "?VERIFY=no", "?a&-verify=no"])
def test_s22_an_option_of_apprise_is_refused_however_it_is_written(options: str) -> None:
    url = "pover://" + "u" * 30 + "@" + "t" * 30 + options
    with pytest.raises(ChannelSettingsError, match="verify"):
        check_channel("apprise", {}, {"url": url})
