"""Callbacks of PagerDuty and Slack (signed); one function and one line in `CALLBACKS` each. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from vigil.strict_json import NotJson, read_json

#: Slack signs a timestamp: older or future requests are replays or clock errors.
SLACK_WINDOW = timedelta(minutes=5)
#: PagerDuty retries for hours; older requests are dropped.
PAGERDUTY_WINDOW = timedelta(hours=24)
MAX_BODY = 256 * 1024
MAX_NAME = 80
SNOOZE_MINUTES = 60


class Action(StrEnum):
    """Requested action on an incident."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    TAKE_BACK = "take_back"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class RequestedAction:
    """A request from outside: which incident (public id), action, person and time."""

    action: Action
    incident: str
    who: str
    at: datetime
    minutes: int = 0
    text: str = ""


class CallbackError(Exception):
    """An unverified or unreadable callback; one line without secrets."""


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A received request: header names in lower case, the body as it came."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class Callback:
    """Callback of a channel kind: the name of its secret, and its check."""

    secret: str
    read: Callable[[CallbackRequest, str], list[RequestedAction]]


def read_pagerduty(request: CallbackRequest, secret: str) -> list[RequestedAction]:
    """Verify and read a V3 webhook; raises `CallbackError`, or `InputProblem` for a signed body that is not admitted.

    PagerDuty signs with several secrets during a rotation of secrets: one signature must match.
    """
    expected = "v1=" + hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    given = [part.strip() for part in request.headers.get("x-pagerduty-signature", "")[:2_000].split(",")]
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
        raise CallbackError("the signature is not PagerDuty's")
    event = _dict(_parsed(request.body).get("event"))
    data = _dict(event.get("data"))
    at = _instant(event.get("occurred_at")) or request.now
    if not request.now - PAGERDUTY_WINDOW <= at <= request.now + SLACK_WINDOW:
        return []
    incident, who = _text(data.get("incident_key")), _text(_dict(event.get("agent")).get("summary")) or "somebody"
    kind = _text(event.get("event_type"))
    if kind == "incident.resolved":
        text = f"{who} resolved it in PagerDuty; Vigil resolves it when the regions see a recovery."
        return [RequestedAction(Action.NOTE, incident, who, at, text=text)] if incident else []
    action = {"incident.acknowledged": Action.ACKNOWLEDGE, "incident.unacknowledged": Action.TAKE_BACK}.get(kind)
    return [RequestedAction(action, incident, who, at)] if action and incident else []


def read_slack(request: CallbackRequest, secret: str) -> list[RequestedAction]:
    """Verify and read a press of a Slack button; raises as `read_pagerduty` does."""
    stamp = request.headers.get("x-slack-request-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise CallbackError("the signed timestamp is missing")
    at = datetime.fromtimestamp(int(stamp), UTC)
    if abs(request.now - at) > SLACK_WINDOW:
        raise CallbackError("its timestamp is more than five minutes old, or ahead of our clock")
    signed = b"v0:" + stamp.encode() + b":" + request.body
    expected = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), request.headers.get("x-slack-signature", "")[:200].encode()):
        raise CallbackError("the signature is not Slack's")
    fields = parse_qs(request.body.decode("utf-8", "replace"), max_num_fields=20)
    payload = _parsed((fields.get("payload") or ["{}"])[0].encode())
    user = _dict(payload.get("user"))
    who = _text(user.get("name")) or _text(user.get("username")) or "somebody"
    actions = payload.get("actions")
    wishes = (_pressed(_dict(one), who, at) for one in (actions if isinstance(actions, list) else [])[:5])
    return [wish for wish in wishes if wish is not None]


CALLBACKS: Mapping[str, Callback] = {
    "pagerduty": Callback("webhook_secret", read_pagerduty),
    "slack": Callback("signing_secret", read_slack),
}


def _pressed(pressed: Mapping[str, Any], who: str, at: datetime) -> RequestedAction | None:
    incident = _text(pressed.get("value"))
    name = _text(pressed.get("action_id")).removeprefix("vigil_")
    if not incident or name not in (Action.ACKNOWLEDGE, Action.SNOOZE, Action.TAKE_BACK):
        return None
    return RequestedAction(Action(name), incident, who, at, SNOOZE_MINUTES if name == Action.SNOOZE else 0)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        return _dict(read_json(body))
    except NotJson:
        raise CallbackError("this is not JSON") from None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:MAX_NAME] if isinstance(value, str) else ""


def _instant(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value[:40]) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
