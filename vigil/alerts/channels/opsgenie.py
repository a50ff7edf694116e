"""Jira Service Management and Opsgenie (same API): one alert per incident, by alias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from vigil.alerts.channels.addresses import below, with_query
from vigil.alerts.channels.kind import (
    Accepted,
    Kind,
    Outbound,
    ReceiverCall,
    Secret,
    as_body,
    check_url,
    judged,
    seconds,
)
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording import text as wording
from vigil.alerts.wording.fitting import cut, fit_lines, fit_names
from vigil.alerts.wording.message import Message, Tone

MESSAGE_LIMIT = 130
DESCRIPTION_LIMIT = 15_000
NOTE_LIMIT = 25_000
DETAIL_LIMIT = 8_000
_PRIORITIES = {Tone.CRITICAL: "P1", Tone.WARNING: "P3", Tone.INFO: "P5", Tone.GOOD: "P5"}


class JsmConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Address of Jira Service Management's API integration."""

    url: Annotated[str, msgspec.Meta(description="Keep the default, unless Atlassian gives you another address")] = (
        "https://api.atlassian.com/jsm/ops/integration/v2/alerts"
    )


class OpsgenieConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Address of Opsgenie's alert API."""

    url: Annotated[str, msgspec.Meta(description="https://api.eu.opsgenie.com/v2/alerts for accounts in the EU")] = (
        "https://api.opsgenie.com/v2/alerts"
    )


class AlertCall(msgspec.Struct, frozen=True):
    """A request below the address: `path` is empty for a new alert, else its alias and an action."""

    path: str
    body: dict[str, Any]


def render(message: Message, config: JsmConfig | OpsgenieConfig) -> AlertCall:
    """Create an alert, or close, acknowledge or annotate the one with this alias."""
    told_before = not message.is_digest and message.key != message.alert.dedup_key
    if message.event == "trigger" and not told_before:
        return AlertCall("", _created(message))
    action = "close" if message.closes else "notes"
    if message.event == "acknowledge" and not message.is_digest:
        action = "acknowledge"
    note = fit_lines([message.headline, *message.lines, *fit_names(message.names, 20_000)], NOTE_LIMIT)
    return AlertCall(
        f"/{quote(message.key, safe='')}/{action}",
        {"source": "Vigil", "user": "Vigil", "note": note},
    )


async def send(
    client: Outbound, config: JsmConfig | OpsgenieConfig, secrets: Mapping[str, str], payload: AlertCall
) -> Accepted:
    headers = {"content-type": "application/json", "authorization": f"GenieKey {secrets['api_key']}"}
    url = below(config.url, payload.path)
    if payload.path:
        url = with_query(url, identifierType="alias")
    answer = await client.call(ReceiverCall(url, as_body(payload.body), headers))
    found = answer.json()
    if answer.code == 429 and "retry-after" not in answer.headers:
        wait = seconds(_number(answer.headers.get("x-ratelimit-period-in-sec")))
        answer = replace(answer, headers={**answer.headers, "retry-after": str(int(wait or 60))})
    return judged(answer, "the alert service", found.get("message") or found.get("result") or "")


def _created(message: Message) -> dict[str, Any]:
    alert = message.alert
    names = fit_names(message.names, DESCRIPTION_LIMIT - 1_000)
    links = [f"{link.text}: {link.url}" for link in message.links]
    return {
        "message": cut(message.headline, MESSAGE_LIMIT),
        "alias": message.key,
        "description": fit_lines([*message.lines, *links, *names], DESCRIPTION_LIMIT),
        "priority": _PRIORITIES[Tone.INFO if alert.test else message.tone],
        "source": "Vigil",
        "entity": cut(alert.subject.target if alert.subject else alert.name, 512),
        "tags": [cut(tag, 50) for tag in ("vigil", alert.kind, *(alert.subject.tags if alert.subject else ()))[:20]],
        "details": {} if message.is_digest else _details(message),
    }


def _details(message: Message) -> dict[str, str]:
    alert = message.alert
    found = {
        "incident": alert.link,
        "kind": alert.kind,
        "failure": alert.failure,
        "votes": "; ".join(wording.votes(alert)),
        "delivery": message.id,
    }
    return {name: cut(value, DETAIL_LIMIT // len(found)) for name, value in found.items() if value}


def _number(text: str | None) -> object:
    return float(text) if text and text.isascii() and text.isdigit() else None


def _check(config: JsmConfig | OpsgenieConfig, secrets: Mapping[str, str]) -> None:
    check_url("config", config.url, frozenset({"https", "http"}))


_SECRETS = {"api_key": Secret(True, "The API key of the integration (GenieKey).")}

JSM: Kind[JsmConfig, AlertCall] = Kind(
    name="Jira Service Management",
    words="Operations alerts. In JSM: Operations, your team, Integrations, add an API integration, copy its API key.",
    config=JsmConfig,
    secrets=_SECRETS,
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=5, burst=30),
    names_most=1000,
    keeps_alerts=True,
    takes_notices=False,
)

OPSGENIE: Kind[OpsgenieConfig, AlertCall] = Kind(
    name="Opsgenie",
    words="Opsgenie's own API, which Atlassian switches off on 2027-04-05: after moving, make a `jsm` channel instead.",
    config=OpsgenieConfig,
    secrets=_SECRETS,
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=5, burst=30),
    names_most=1000,
    keeps_alerts=True,
    takes_notices=False,
)
