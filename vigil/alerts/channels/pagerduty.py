"""PagerDuty, through Events API v2: one alert per incident, by its dedup key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from vigil.alerts.channels.kind import (
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
from vigil.alerts.wording import text
from vigil.alerts.wording.fitting import cut, fit_names
from vigil.alerts.wording.message import Message

SUMMARY_LIMIT = 1024
#: PagerDuty refuses events of 512 KB and more.
EVENT_LIMIT = 512_000
_NAMES_BYTES = 300_000
_SEVERITIES = {
    "degraded": "warning",
    "account": "error",
    "regional": "warning",
    "blind": "info",
    "lost_way": "critical",
}
_ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}")


class PagerDutyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Address of the Events API; the EU region has its own."""

    url: Annotated[
        str, msgspec.Meta(description="https://events.eu.pagerduty.com/v2/enqueue for accounts in the EU")
    ] = "https://events.pagerduty.com/v2/enqueue"


def render(message: Message, config: PagerDutyConfig) -> dict[str, Any]:
    """The event without its routing key. A note is a trigger under the same key, which adds to the open alert."""
    alert = message.alert
    event: dict[str, Any] = {
        "event_action": _action(message),
        "dedup_key": message.key,
        "client": "Vigil",
        "client_url": message.links[-1].url,
        "links": [{"href": link.url, "text": link.text} for link in message.links],
        "payload": {
            "summary": cut(message.headline, SUMMARY_LIMIT),
            "source": alert.subject.target if alert.subject else "vigil",
            "severity": _severity(message),
            "timestamp": message.at.isoformat(),
            "component": alert.name if not message.is_digest else message.headline[:200],
            "group": alert.team,
            "class": alert.failure,
            "custom_details": _details(message),
        },
    }
    if len(json.dumps(event)) > EVENT_LIMIT - 1000:
        event["payload"]["custom_details"] = {"text": message.headline}
    return event


async def send(
    client: Outbound, config: PagerDutyConfig, secrets: Mapping[str, str], payload: dict[str, Any]
) -> Accepted:
    answer = await client.call(ReceiverCall(config.url, as_body({"routing_key": secrets["routing_key"], **payload})))
    return judged(answer, "PagerDuty", _said(answer))


def _action(message: Message) -> str:
    if message.closes:
        return "resolve"
    return "acknowledge" if message.event == "acknowledge" and not message.is_digest else "trigger"


def _severity(message: Message) -> str:
    if message.alert.test:
        # It is resolved at once, and wakes no one.
        return "info"
    if message.tone == "critical" and message.alert.kind not in _SEVERITIES:
        return "critical"
    return _SEVERITIES.get(message.kind, "error")


def _said(answer: ReceiverAnswer) -> str:
    found = answer.json()
    problems = found.get("errors")
    more = "; ".join(map(str, problems)) if isinstance(problems, list) else ""
    return ": ".join(part for part in (str(found.get("message") or ""), more) if part)


def _check(config: PagerDutyConfig, secrets: Mapping[str, str]) -> None:
    check_url("config", config.url)
    if not _ROUTING_KEY.fullmatch(secrets["routing_key"]):
        raise ChannelSettingsError(
            "secrets", "The routing key is the 32 letters and digits of an Events API v2 integration."
        )


def _details(message: Message) -> dict[str, Any]:
    if message.is_digest:
        return {"text": "\n".join(message.lines), "incidents": fit_names(message.names, _NAMES_BYTES)}
    evidence = message.alert.evidence
    return {
        "text": "\n".join(message.lines),
        "votes": [text.vote_line(vote) for vote in evidence.votes],
        "not counted": [
            f"{lost.region} ({lost.domain}): {text.exclusion_in_words(lost.why)}" for lost in evidence.excluded
        ],
        "quorum": f"{evidence.k} of {evidence.m} regions that voted, {evidence.n} assigned",
        "delivery": message.id,
    }


KIND: Kind[PagerDutyConfig, dict[str, Any]] = Kind(
    name="PagerDuty",
    words="Events API v2. In PagerDuty: Services, your service, Integrations, Events API v2, Integration Key.",
    config=PagerDutyConfig,
    secrets={
        "routing_key": Secret(True, "The integration key: 32 letters and digits."),
        "webhook_secret": Secret(
            False,
            "To take over acknowledgements from PagerDuty: the secret of a V3 webhook subscription to"
            " /hooks/<id of this channel>, for incident.acknowledged, .unacknowledged and .resolved.",
        ),
    },
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=2, burst=60),
    names_most=2000,
    keeps_alerts=True,
    takes_notices=False,
)
