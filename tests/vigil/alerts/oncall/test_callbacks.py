"""Calls from PagerDuty and Slack are believed only with their signature, in time, and read as what a person wants."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.vigil.alerts.told import alert
from vigil.alerts.channels import ChannelSettingsError, check_channel
from vigil.alerts.channels.chat import slack as slack_kind
from vigil.alerts.oncall.callbacks import (
    Action,
    CallbackError,
    CallbackRequest,
    RequestedAction,
    read_pagerduty,
    read_slack,
)
from vigil.alerts.wording.message import message_of

SECRET = "not-a-real-secret"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
INCIDENT = "inc_0123456789abcdef"


def signed(body: bytes, secret: str = SECRET) -> str:
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def pagerduty(kind: str, at: datetime = NOW, **data: Any) -> bytes:
    event = {
        "id": "01BBBB", "event_type": kind, "resource_type": "incident", "occurred_at": at.isoformat(),
        "agent": {"type": "user_reference", "summary": "Ann Example"},
        "data": {"id": "PGR0VU2", "type": "incident", "incident_key": INCIDENT, **data},
    }  # fmt: skip
    return json.dumps({"event": event}).encode()


def from_pagerduty(body: bytes, signature: str) -> list[RequestedAction]:
    return read_pagerduty(CallbackRequest({"x-pagerduty-signature": signature}, body, NOW), SECRET)


@pytest.mark.parametrize(
    ("kind", "action"),
    [("incident.acknowledged", Action.ACKNOWLEDGE), ("incident.unacknowledged", Action.TAKE_BACK)],
)
def test_pagerduty_says_who_took_it_on(kind: str, action: Action) -> None:
    body = pagerduty(kind)
    assert from_pagerduty(body, signed(body)) == [RequestedAction(action, INCIDENT, "Ann Example", NOW)]


def test_a_resolution_in_pagerduty_is_a_note_since_the_regions_decide() -> None:
    body = pagerduty("incident.resolved")
    (wish,) = from_pagerduty(body, signed(body))
    assert wish.action is Action.NOTE and wish.text.startswith("Ann Example resolved it in PagerDuty")


def test_one_of_several_signatures_is_enough_while_a_secret_is_replaced() -> None:
    body = pagerduty("incident.acknowledged")
    assert len(from_pagerduty(body, f"{signed(body, 'older')}, {signed(body)}")) == 1


BODY = pagerduty("incident.acknowledged")


@pytest.mark.parametrize(
    "signature", ["", "v1=", signed(BODY, "other"), signed(BODY + b" "), signed(BODY)[3:], f"v0={signed(BODY)[3:]}"]
)
def test_pagerduty_is_not_believed_without_its_signature(signature: str) -> None:
    with pytest.raises(CallbackError):
        from_pagerduty(BODY, signature)


@pytest.mark.parametrize(
    "body",
    [
        pagerduty("incident.annotated"),
        pagerduty("incident.acknowledged", incident_key=None),
        pagerduty("incident.acknowledged", at=NOW - timedelta(days=2)),
        pagerduty("incident.acknowledged", at=NOW + timedelta(hours=1)),
        b"[]",
        b'{"event": 7}',
    ],
)
def test_what_pagerduty_says_besides_is_taken_and_changes_nothing(body: bytes) -> None:
    assert from_pagerduty(body, signed(body)) == []


def slack(action: str = "vigil_acknowledge", value: Any = INCIDENT) -> bytes:
    payload = {
        "type": "block_actions", "user": {"id": "U1", "username": "ann", "name": "ann"},
        "actions": [{"action_id": action, "value": value}],
    }  # fmt: skip
    return urlencode({"payload": json.dumps(payload)}).encode()


def from_slack(
    body: bytes, at: datetime = NOW, secret: str = SECRET, stamped: str | None = None
) -> list[RequestedAction]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    given = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}
    if stamped is not None:
        given["x-slack-request-timestamp"] = stamped
    return read_slack(CallbackRequest(given, body, NOW), SECRET)


@pytest.mark.parametrize(
    ("pressed", "action", "minutes"),
    [
        ("vigil_acknowledge", Action.ACKNOWLEDGE, 0),
        ("vigil_snooze", Action.SNOOZE, 60),
        ("vigil_take_back", Action.TAKE_BACK, 0),
    ],
)
def test_a_button_in_slack_says_what_was_pressed_and_by_whom(pressed: str, action: Action, minutes: int) -> None:
    assert from_slack(slack(pressed)) == [RequestedAction(action, INCIDENT, "ann", NOW, minutes)]


@pytest.mark.parametrize("minutes", [-6, 6])
def test_slack_is_not_believed_outside_of_five_minutes(minutes: int) -> None:
    with pytest.raises(CallbackError, match="five minutes"):
        from_slack(slack(), NOW + timedelta(minutes=minutes))


def test_slack_is_not_believed_with_another_secret_time_or_body() -> None:
    with pytest.raises(CallbackError, match="not Slack's"):
        from_slack(slack(), secret="other")
    with pytest.raises(CallbackError, match="not Slack's"):
        from_slack(slack(), stamped=str(int(NOW.timestamp()) + 1))
    for stamp in ("", "x", "²", "9" * 13):
        with pytest.raises(CallbackError):
            from_slack(slack(), stamped=stamp)


@pytest.mark.parametrize("body", [slack("other"), slack(value=7), b"", b"payload=%7B%7D", b"payload=%5B%5D"])
def test_other_buttons_and_empty_calls_change_nothing(body: bytes) -> None:
    assert from_slack(body) == []


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(CallbackError, match="JSON"):
        from_slack(b"payload=%7B")


def test_the_buttons_that_slack_shows_are_the_ones_that_are_understood() -> None:
    told = alert()
    plain, offered = (slack_kind.render(message_of(told), slack_kind.SlackConfig(buttons=on)) for on in (False, True))
    assert not [block for block in plain.body["blocks"] if block["type"] == "actions"]
    (row,) = [block for block in offered.body["blocks"] if block["type"] == "actions"]
    pressed = [from_slack(slack(button["action_id"], button["value"])) for button in row["elements"]]
    assert [(wish.action, wish.incident) for (wish,) in pressed] == [
        (Action.ACKNOWLEDGE, told.dedup_key), (Action.SNOOZE, told.dedup_key),
    ]  # fmt: skip


def test_buttons_without_the_secret_that_proves_a_press_are_refused() -> None:
    secrets = {"url": "https://hooks.slack.example/fake"}
    with pytest.raises(ChannelSettingsError, match="signing_secret"):
        check_channel("slack", {"buttons": True}, secrets)
    check_channel("slack", {"buttons": True}, {**secrets, "signing_secret": SECRET})
