"""Each kind against its provider's stand-in: the request as the provider documents it, and every answer understood."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.vigil.alerts.told import alert, digest
from vigil.alerts.channels import CHANNELS, ChannelError, parse_config
from vigil.alerts.channels.kind import Accepted
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.alerts.wording.message import Message, message_of, message_of_digest
from vigil.configuration import AlertEgress
from vigil.demo.alert_receivers import AlertReceiver, ReceivedRequest, ReceiverReply

ACCOUNT = "AC" + "0" * 32
#: Settings by kind, with the stand-in's address where the provider's would be.
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "webhook": ({"url": "{base}/hook"}, {"secret": "whsec_" + "A" * 32}),
    "pagerduty": ({"url": "{base}/pagerduty/v2/enqueue"}, {"routing_key": "f" * 32}),
    "slack": ({"channel": "C01", "api": "{base}/slack/api"}, {"token": "xoxb-fake"}),
    "jsm": ({"url": "{base}/jsm/v2/alerts"}, {"api_key": "fake-key"}),
    "discord": ({}, {"url": "{base}/discord/webhooks/1/fake"}),
    "teams": ({}, {"url": "{base}/teams/flow"}),
    "telegram": ({"chat": "-1001", "url": "{base}/telegram"}, {"token": "123:" + "A" * 35}),
    "google_chat": ({}, {"url": "{base}/google/v1/spaces/A/messages?key=k&token=t"}),
    "ntfy": ({"url": "{base}/ntfy"}, {"topic": "ops", "token": "tk_fake"}),
    "sms": (
        {"to": "+15550000001", "sender": "+15550000002", "account": ACCOUNT, "url": "{base}/twilio"},
        {"token": "fake"},
    ),
}
PATHS = {
    "webhook": "/hook",
    "pagerduty": "/pagerduty/v2/enqueue",
    "slack": "/slack/api/chat.postMessage",
    "jsm": "/jsm/v2/alerts",
    "discord": "/discord/webhooks/1/fake",
    "teams": "/teams/flow",
    "telegram": "/telegram/bot123:" + "A" * 35 + "/sendMessage",
    "google_chat": "/google/v1/spaces/A/messages",
    "ntfy": "/ntfy",
    "sms": f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
}


@dataclass
class Talk:
    """What was sent and what came of it."""

    took: list[ReceivedRequest]
    accepted: list[Accepted]
    refused: ChannelError | None = None


def talk(kind: str, *messages: Message, script: Mapping[str, list[ReceiverReply]] | None = None) -> Talk:
    """Send messages to the stand-in, one after another; each is told what the first was called."""

    async def go() -> Talk:
        receiver, outbound = AlertReceiver(), GuardedOutbound(AlertEgress.PRIVATE)
        base = f"http://127.0.0.1:{await receiver.start()}"
        for path, answers in (script or {}).items():
            receiver.script[path].extend(answers)
        config, secrets = json.loads(json.dumps(SETTINGS[kind]).replace("{base}", base))
        channel, parsed = CHANNELS[kind], parse_config(kind, config)
        channel.check(parsed, secrets)
        done = Talk(receiver.took, [])
        try:
            for message in messages:
                done.accepted.append(await channel.send(outbound, parsed, secrets, channel.render(message, parsed)))
        except ChannelError as refused:
            done.refused = refused
        finally:
            await outbound.close()
            receiver.stop()
        return done

    return asyncio.run(go())


TRIGGER = message_of(alert())


def after(event: str, reference: str) -> Message:
    told = alert("outage", event)
    return message_of(type(told)(**{**{name: getattr(told, name) for name in told.__slots__}, "reference": reference}))


@pytest.mark.parametrize("kind", sorted(SETTINGS))
def test_an_alert_is_accepted_and_the_answer_is_the_providers_own(kind: str) -> None:
    done = talk(kind, TRIGGER)
    assert done.refused is None
    assert [took.path for took in done.took] == [PATHS[kind]]
    assert done.accepted[0].answer.startswith("20")


@pytest.mark.parametrize("kind", sorted(SETTINGS))
@pytest.mark.parametrize(
    ("code", "permanent"),
    [(400, True), (401, True), (404, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_every_answer_of_a_provider_has_its_fate(kind: str, code: int, permanent: bool) -> None:
    done = talk(kind, TRIGGER, script={PATHS[kind]: [ReceiverReply(code, {"message": "no"}, {"retry-after": "17"})]})
    assert done.refused is not None
    assert done.refused.permanent is permanent
    assert str(code) in str(done.refused)
    if not permanent:
        assert done.refused.retry_after_s == 17


@pytest.mark.parametrize(
    ("kind", "body", "wait"),
    [
        ("discord", {"message": "You are being rate limited.", "retry_after": 0.65, "global": False}, 0.65),
        (
            "telegram",
            {"ok": False, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": 35}},
            35,
        ),
    ],
)
def test_a_wish_in_the_body_goes_before_the_header(kind: str, body: dict[str, Any], wait: float) -> None:
    done = talk(kind, TRIGGER, script={PATHS[kind]: [ReceiverReply(429, body, {"retry-after": "99"})]})
    assert done.refused is not None and not done.refused.permanent
    assert done.refused.retry_after_s == wait


def test_pagerduty_is_told_of_beginning_acknowledgement_and_end_under_one_key() -> None:
    done = talk(
        "pagerduty", TRIGGER, message_of(alert("outage", "acknowledge")), message_of(alert("outage", "resolve"))
    )
    bodies = [took.body for took in done.took]
    assert [body["event_action"] for body in bodies] == ["trigger", "acknowledge", "resolve"]
    assert {body["dedup_key"] for body in bodies} == {"inc_1"}
    assert bodies[0]["routing_key"] == "f" * 32
    assert done.accepted[0].answer == "202: Event processed"


def test_what_is_wrong_with_a_pagerduty_event_is_shown() -> None:
    said = {"status": "invalid event", "message": "Event object is invalid", "errors": ["'routing_key' is unknown"]}
    done = talk("pagerduty", TRIGGER, script={PATHS["pagerduty"]: [ReceiverReply(400, said)]})
    assert "'routing_key' is unknown" in str(done.refused)


def test_jira_service_management_is_told_by_alias() -> None:
    done = talk(
        "jsm", TRIGGER, message_of(alert("outage", "acknowledge")), message_of(alert("outage", "note")),
        message_of(alert("outage", "resolve")),
    )  # fmt: skip
    assert [took.path.removeprefix("/jsm/v2/alerts") for took in done.took] == [
        "", "/inc_1/acknowledge", "/inc_1/notes", "/inc_1/close",
    ]  # fmt: skip
    assert {took.headers["authorization"] for took in done.took} == {"GenieKey fake-key"}
    assert [took.query for took in done.took[1:]] == [{"identifierType": "alias"}] * 3
    assert done.took[0].body["alias"] == "inc_1" and done.took[0].body["priority"] == "P1"


def test_a_slack_message_is_updated_in_place_and_its_thread_has_the_timeline() -> None:
    first = talk("slack", TRIGGER)
    reference = first.accepted[0].reference
    assert reference.startswith("C01:17000.")
    done = talk("slack", after("acknowledge", reference), after("note", reference), after("resolve", reference))
    assert [took.path.rsplit("/", 1)[1] for took in done.took] == [
        "chat.update", "chat.postMessage", "chat.postMessage", "chat.update", "chat.postMessage",
    ]  # fmt: skip
    ts = reference.partition(":")[2]
    assert done.took[0].body["ts"] == ts and done.took[0].body["channel"] == "C01"
    assert all(took.body["thread_ts"] == ts for took in done.took if took.path.endswith("postMessage"))
    assert "RESOLVED" in done.took[3].body["text"]
    assert done.took[0].headers["authorization"] == "Bearer xoxb-fake"


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message"])
def test_a_slack_message_that_was_deleted_is_told_anew(error: str) -> None:
    script = {"/slack/api/chat.update": [ReceiverReply(200, {"ok": False, "error": error})]}
    done = talk("slack", after("resolve", "C01:17.1"), script=script)
    assert done.refused is None
    assert "thread_ts" not in done.took[-1].body and "RESOLVED" in done.took[-1].body["text"]


@pytest.mark.parametrize(
    ("error", "permanent"),
    [("invalid_auth", True), ("channel_not_found", True), ("not_in_channel", True), ("is_archived", True),
     ("ratelimited", False), ("internal_error", False), ("service_unavailable", False)],
)  # fmt: skip
def test_slacks_refusals_come_with_status_200(error: str, permanent: bool) -> None:
    done = talk("slack", TRIGGER, script={PATHS["slack"]: [ReceiverReply(200, {"ok": False, "error": error})]})
    assert done.refused is not None and error in str(done.refused)
    assert done.refused.permanent is permanent


def test_a_discord_message_is_edited_and_answered() -> None:
    number = talk("discord", TRIGGER).accepted[0].reference
    done = talk("discord", after("resolve", number))
    assert [(took.method, took.path.rpartition("/")[0].endswith("messages")) for took in done.took] == [
        ("PATCH", True), ("POST", False),
    ]  # fmt: skip
    assert done.took[1].query == {"wait": "true"}


def test_telegram_replies_to_its_first_message() -> None:
    number = talk("telegram", TRIGGER).accepted[0].reference
    done = talk("telegram", after("resolve", number))
    assert done.took[0].body["reply_parameters"]["message_id"] == int(number)


def test_a_telegram_group_that_moved_says_where_to() -> None:
    said = {
        "ok": False,
        "error_code": 400,
        "description": "group upgraded",
        "parameters": {"migrate_to_chat_id": -1009},
    }
    done = talk("telegram", TRIGGER, script={PATHS["telegram"]: [ReceiverReply(400, said)]})
    assert done.refused is not None and done.refused.permanent and "-1009" in str(done.refused)


def test_google_chat_is_given_one_request_id_for_every_attempt() -> None:
    done = talk("google_chat", TRIGGER, TRIGGER)
    assert {took.query["requestId"] for took in done.took} == {"dlv-1"}
    assert done.took[0].query["key"] == "k" and done.took[0].body["thread"] == {"threadKey": "inc_1"}


def test_twilio_is_sent_a_form_with_the_accounts_credentials() -> None:
    done = talk("sms", TRIGGER)
    took = done.took[0]
    assert took.body["To"] == "+15550000001" and took.body["From"] == "+15550000002"
    assert took.headers["authorization"] == "Basic " + base64.b64encode(f"{ACCOUNT}:fake".encode()).decode()
    assert "not a network problem of one region" in took.body["Body"]
    assert done.accepted[0].answer.startswith("201: queued SM")


def test_why_twilio_refuses_is_shown() -> None:
    said = {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}
    done = talk("sms", TRIGGER, script={PATHS["sms"]: [ReceiverReply(400, said)]})
    assert str(done.refused) == "Twilio answered 400: 21211 Invalid 'To' Phone Number"


@pytest.mark.parametrize("kind", ["telegram", "discord"])
def test_the_names_of_a_digest_go_along_as_a_file(kind: str) -> None:
    done = talk(kind, message_of_digest(digest(2000)))
    raw = done.took[0].raw.decode()
    assert done.took[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert 'filename="incidents.txt"' in raw
    assert all(f"\nshop {number}\n" in raw.replace("\r", "\n") for number in range(2000))


@pytest.mark.parametrize("files", [True, False])
def test_ntfy_takes_the_names_as_a_file_where_it_takes_files(files: bool) -> None:
    script = {} if files else {"/ntfy/ops": [ReceiverReply(400, {"code": 40014, "error": "attachments not allowed"})]}
    done = talk("ntfy", message_of_digest(digest(500)), script=script)
    assert done.refused is None
    assert [took.method for took in done.took] == (["PUT"] if files else ["PUT", "POST"])
    assert "shop 499" in done.took[0].raw.decode()


def test_the_rest_of_a_digests_alert_is_told_under_its_key() -> None:
    begun, ended = message_of_digest(digest(3)), message_of_digest(digest(3, "resolve"))
    done = talk("pagerduty", begun, message_of(alert("outage", "resolve"), key="dlv_d0", closes=False), ended)
    assert [took.body["event_action"] for took in done.took] == ["trigger", "trigger", "resolve"]
    assert {took.body["dedup_key"] for took in done.took} == {"dlv_d0"}


def test_a_body_is_never_repeated_for_a_webhook() -> None:
    done = talk(
        "webhook", TRIGGER, script={"/hook": [ReceiverReply(403, {"message": "intranet page", "error": "intranet"})]}
    )
    assert str(done.refused) == "the webhook's receiver answered 403"


def test_connections_are_kept_and_a_dead_one_is_replaced() -> None:
    async def go() -> tuple[int, int]:
        receiver, outbound = AlertReceiver(), GuardedOutbound(AlertEgress.PRIVATE)
        base = f"http://127.0.0.1:{await receiver.start()}"
        from vigil.alerts.channels.kind import ReceiverCall

        for _ in range(5):
            await outbound.call(ReceiverCall(f"{base}/hook", b"{}"))
        kept = len(receiver._open)
        # Closed by the other side between two calls, as servers do.
        receiver.script["/cut"].extend([ReceiverReply(cut=True), ReceiverReply(204)])
        answer = await outbound.call(ReceiverCall(f"{base}/cut", b"{}"))
        await outbound.close()
        receiver.stop()
        return kept, answer.code

    assert asyncio.run(go()) == (1, 204)
