"""Webhook: JSON signed by the Standard Webhooks specification, so standard libraries verify it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as random_secrets
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from vigil.alerts.channels.kind import (
    Accepted,
    ChannelSettingsError,
    Kind,
    Outbound,
    ReceiverCall,
    Secret,
    as_body,
    check_url,
    judged,
)
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording.alert import Alert
from vigil.alerts.wording.message import Message

_EVENTS = {
    "trigger": "incident.triggered",
    "acknowledge": "incident.acknowledged",
    "resolve": "incident.resolved",
    "note": "incident.note",
    "notice": "notice",
}
_SECRET_PREFIX = "whsec_"


class WebhookConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Address."""

    url: Annotated[str, msgspec.Meta(description="Where to post, such as https://hooks.example.com/vigil")]


class SignedBody(msgspec.Struct, frozen=True):
    """A body and its message id, the same for every attempt (idempotency key)."""

    id: str
    body: bytes


def new_secret() -> str:
    """A new signing secret: `whsec_` and 32 random bytes in base64."""
    return _SECRET_PREFIX + base64.b64encode(random_secrets.token_bytes(32)).decode()


def render(message: Message, config: WebhookConfig) -> SignedBody:
    return SignedBody(id=message.id, body=as_body(_digest(message) if message.is_digest else _single(message)))


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a body: HMAC-SHA256 over `id.timestamp.body`, in base64, with its version."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


async def send(client: Outbound, config: WebhookConfig, secrets: Mapping[str, str], payload: SignedBody) -> Accepted:
    timestamp = int(client.now())
    headers = {
        "content-type": "application/json",
        "webhook-id": payload.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets["secret"], payload.id, timestamp, payload.body),
    }
    return judged(await client.call(ReceiverCall(config.url, payload.body, headers)), "the webhook's receiver")


def _check(config: WebhookConfig, secrets: Mapping[str, str]) -> None:
    check_url("config", config.url)
    _key(secrets["secret"])


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise ChannelSettingsError("secrets", "The secret must be whsec_ and at least 16 bytes in base 64.")
    return key


def _single(message: Message) -> dict[str, Any]:
    alert = message.alert
    if alert.event == "notice":
        return {**_notices(message), "notice": _notice(alert), "monitor": _monitor(alert)}
    return {
        "type": _EVENTS[alert.event],
        "timestamp": alert.at.isoformat(),
        "delivery": alert.delivery,
        "dedup_key": alert.dedup_key,
        "test": alert.test,
        "summary": message.headline,
        "text": message.text,
        "incident": _incident(alert),
        "monitor": _monitor(alert),
        **_evidence(alert),
    }


def _digest(message: Message) -> dict[str, Any]:
    """A digest in one body; `incidents` lists all of them, `notices` those of notices."""
    if message.event == "notice":
        notices = [{**_notice(alert), "monitor": _monitor(alert)} for alert in message.alerts]
        return {**_notices(message), "type": "notices", "notices": notices}
    return {
        "type": _EVENTS[message.event].replace("incident.", "incidents."),
        "timestamp": message.at.isoformat(),
        "delivery": message.id,
        "dedup_key": message.key,
        "test": False,
        "summary": message.headline,
        "text": "\n".join(message.lines),
        "incidents": [{**_incident(alert), "monitor": _monitor(alert)} for alert in message.alerts],
    }


def _notices(message: Message) -> dict[str, Any]:
    """What the bodies of one notice and of many have in common."""
    return {
        "type": _EVENTS["notice"],
        "timestamp": message.at.isoformat(),
        "delivery": message.id,
        "dedup_key": message.key,
        "test": False,
        "summary": message.headline,
        "text": "\n".join(message.lines),
    }


def _notice(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.dedup_key,
        "kind": alert.reason,
        "title": alert.title,
        "before": alert.before,
        "after": alert.after,
        "at": alert.at.isoformat(),
        "url": alert.link,
    }


def _incident(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.dedup_key,
        "kind": alert.kind,
        "status": alert.status,
        "title": alert.title,
        "reason": alert.reason,
        "failure": alert.failure,
        "started_at": alert.started_at.isoformat(),
        "opened_at": alert.opened_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        "note": alert.note,
        "url": alert.link,
        "acknowledge_url": alert.acknowledge_link or None,
    }


def _monitor(alert: Alert) -> dict[str, Any] | None:
    if alert.subject is None:
        return None
    return {
        "id": alert.subject.id,
        "name": alert.subject.name,
        "kind": alert.subject.kind,
        "target": alert.subject.target,
        "tags": list(alert.subject.tags),
    }


def _evidence(alert: Alert) -> dict[str, Any]:
    evidence = alert.evidence
    return {
        "n": evidence.n,
        "m": evidence.m,
        "k": evidence.k,
        "domains": evidence.domains,
        "rule": evidence.rule,
        "explanation": evidence.explanation,
        "votes": [
            {
                "region": vote.region,
                "domain": vote.domain,
                "status": vote.status,
                "reason": vote.reason,
                "detail": vote.detail,
                "code": vote.code,
                "attempts": vote.attempts,
                "age_s": vote.age_s,
                "total_ms": vote.total_ms,
                "counted": vote.counted,
            }
            for vote in evidence.votes
        ],
        "excluded": [{"region": lost.region, "domain": lost.domain, "why": lost.why} for lost in evidence.excluded],
    }


KIND: Kind[WebhookConfig, SignedBody] = Kind(
    name="webhook",
    words="JSON by POST, signed by the Standard Webhooks specification (webhook-id, -timestamp, -signature).",
    config=WebhookConfig,
    secrets={"secret": Secret(True, "The signing secret, whsec_ and base 64; generated if left out.", generated=True)},
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=1_600, burst=1_600),
    names_most=1000,
)
