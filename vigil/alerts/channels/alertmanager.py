"""Prometheus Alertmanager, through API v2: one alert per incident, by its labels.

Alertmanager takes an alert for ended when `endsAt` has passed, so an open one is sent again before that (`renew_s`).
The API: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from vigil.alerts.channels.addresses import below
from vigil.alerts.channels.kind import (
    JSON_HEADERS,
    Accepted,
    ChannelSettingsError,
    Kind,
    Outbound,
    ReceiverAnswer,
    ReceiverCall,
    Secret,
    as_body,
    check_url,
    judged,
)
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording.alert import Alert
from vigil.alerts.wording.fitting import cut
from vigil.alerts.wording.message import Message, message_of

PATH = "/api/v2/alerts"
#: An open alert is sent again after this (s), and ends by itself when it was not for this long: a control plane that
#: restarts, or an Alertmanager that is away, does not end it.
RENEW_S, LIFE_S = 120.0, 900.0
#: Alerts of one request, and bytes: a proxy in front takes 1 MB, unless told otherwise. Prometheus sends 64 to 256.
TOGETHER_MOST, BODY_MOST = 64, 500_000
TEXT_LIMIT = 8_000
#: Others are warnings.
_SEVERITIES = {
    "outage": "critical",
    "heartbeat": "critical",
    "account": "critical",
    "channel": "critical",
    "blind": "info",
    "self_test": "info",
}


class AlertmanagerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Address of the server."""

    url: Annotated[str, msgspec.Meta(description="The server, such as http://alertmanager.example.com:9093")]


class PostableAlert(msgspec.Struct, frozen=True):
    """An alert of API v2; `ends_at` is empty while it is open: it is set when it is sent."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str


def render(message: Message, config: AlertmanagerConfig) -> tuple[PostableAlert, ...]:
    """One alert for each incident of a message: grouping is Alertmanager's."""
    return tuple(_alert(message_of(alert)) for alert in message.alerts)


async def send(
    client: Outbound, config: AlertmanagerConfig, secrets: Mapping[str, str], payload: tuple[PostableAlert, ...]
) -> Accepted:
    ends_at = datetime.fromtimestamp(client.now() + LIFE_S, UTC).isoformat()
    documents = (
        {
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": alert.starts_at,
            "endsAt": alert.ends_at or ends_at,
            "generatorURL": alert.generator_url,
        }
        for alert in payload
    )
    accepted = Accepted()
    for body in _bodies(map(as_body, documents)):
        answer = await client.call(ReceiverCall(below(config.url, PATH), body, _headers(secrets)))
        accepted = judged(answer, "Alertmanager", _said(answer))
    return accepted


def _bodies(documents: Iterable[bytes]) -> Iterator[bytes]:
    """Lists of alerts, none of which is longer than a proxy takes."""
    part: list[bytes] = []
    for document in documents:
        if part and sum(map(len, part)) + len(part) + len(document) > BODY_MOST:
            yield b"[" + b",".join(part) + b"]"
            part = []
        part.append(document)
    if part:
        yield b"[" + b",".join(part) + b"]"


def _alert(message: Message) -> PostableAlert:
    alert = message.alert
    ends = alert.resolved_at or alert.at if alert.event == "resolve" else None
    # Alertmanager refuses an end before the start.
    started = min(alert.started_at, ends - timedelta(milliseconds=1)) if ends else alert.started_at
    return PostableAlert(
        labels=_labels(alert),
        annotations={
            "summary": cut(message.headline, 500),
            "description": cut("\n".join(message.lines), TEXT_LIMIT),
            **({"acknowledge_url": alert.acknowledge_link} if alert.acknowledge_link else {}),
        },
        starts_at=started.isoformat(),
        ends_at=ends.isoformat() if ends else "",
        generator_url=alert.link,
    )


def _labels(alert: Alert) -> dict[str, str]:
    """What the alert is known by: the same in every message of an incident, but for a kind that changes."""
    subject = alert.subject
    found = {
        "alertname": "Vigil" + "".join(part.capitalize() for part in alert.kind.split("_")),
        "incident": alert.dedup_key,
        "kind": alert.kind,
        "severity": _severity(alert),
        "team": alert.team,
        "monitor": subject.name if subject else alert.named,
        "instance": subject.target if subject else "",
    }
    return {name: cut(" ".join(value.split()), 500) for name, value in found.items() if value.strip()}


def _severity(alert: Alert) -> str:
    """By the kind alone: a resolve must have the labels of its trigger."""
    return "info" if alert.test else _SEVERITIES.get(alert.kind, "warning")


def _headers(secrets: Mapping[str, str]) -> Mapping[str, str]:
    if secrets.get("bearer"):
        return {**JSON_HEADERS, "authorization": f"Bearer {secrets['bearer']}"}
    if secrets.get("basic"):
        return {**JSON_HEADERS, "authorization": "Basic " + base64.b64encode(secrets["basic"].encode()).decode()}
    return JSON_HEADERS


def _said(answer: ReceiverAnswer) -> str:
    """The words of a refusal: an object with `message`, or a JSON text."""
    found = answer.json().get("message")
    return str(found) if found else ""


def _check(config: AlertmanagerConfig, secrets: Mapping[str, str]) -> None:
    check_url("config", config.url)
    if PATH in config.url:
        raise ChannelSettingsError("config", f"Give the address of the server without {PATH}.")
    if secrets.get("bearer") and secrets.get("basic"):
        raise ChannelSettingsError("secrets", "Give bearer or basic, not both.")
    if any(ord(char) < 32 or ord(char) > 126 for char in secrets.get("bearer", "")):
        raise ChannelSettingsError("secrets", "A token has letters, digits and signs only.")
    if secrets.get("basic") and ":" not in secrets["basic"]:
        raise ChannelSettingsError("secrets", "Write basic as user:password.")


KIND: Kind[AlertmanagerConfig, tuple[PostableAlert, ...]] = Kind(
    name="Alertmanager",
    words="Prometheus Alertmanager, API v2. An open incident is sent again every two minutes, and ends there by itself"
    " 15 minutes after Vigil last sent it. Grouping and silences are Alertmanager's.",
    config=AlertmanagerConfig,
    secrets={
        "bearer": Secret(False, "A token, where a proxy in front wants one."),
        "basic": Secret(False, "Or user:password."),
    },
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=50, burst=200),
    keeps_alerts=True,
    takes_notices=False,
    renew_s=RENEW_S,
    together_most=TOGETHER_MOST,
)
