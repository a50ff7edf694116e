"""PagerDuty, through Events API v2: one alert per incident, by its dedup key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from vigil.alerts import wording
from vigil.alerts.alert import Alert
from vigil.alerts.channels.kind import Accepted, Kind, Outbound, SettingsError, check_url, judged

SUMMARY_LIMIT = 1024
#: PagerDuty refuses events of 512 KB and more.
EVENT_LIMIT = 512_000
_SEVERITIES = {"outage": "critical", "degraded": "warning", "account": "error", "regional": "warning", "blind": "info"}
_ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}")


class PagerDutyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where PagerDuty takes events; accounts in the EU have an address of their own."""

    url: str = "https://events.pagerduty.com/v2/enqueue"


def render(alert: Alert, config: PagerDutyConfig) -> dict[str, Any]:
    """The event without its routing key. A note is a trigger under the same key, which adds to the open alert."""
    event: dict[str, Any] = {
        "event_action": alert.event if alert.event in ("resolve", "acknowledge") else "trigger",
        "dedup_key": alert.dedup_key,
        "client": "Vigil",
        "client_url": alert.link,
        "links": [{"href": alert.link, "text": "The incident in Vigil"}],
        "payload": {
            "summary": wording.headline(alert)[:SUMMARY_LIMIT],
            "source": alert.subject.target if alert.subject else "vigil",
            "severity": _SEVERITIES.get(alert.kind, "error"),
            "timestamp": alert.at.isoformat(),
            "component": alert.name,
            "group": alert.team,
            "class": alert.failure,
            "custom_details": _details(alert),
        },
    }
    if len(json.dumps(event)) > EVENT_LIMIT - 1000:
        event["payload"]["custom_details"] = {"text": wording.headline(alert)}
    return event


async def send(
    client: Outbound, config: PagerDutyConfig, secrets: Mapping[str, str], payload: dict[str, Any]
) -> Accepted:
    body = json.dumps({"routing_key": secrets["routing_key"], **payload}).encode()
    return judged(await client.post(config.url, {"content-type": "application/json"}, body), "PagerDuty")


def _check(config: PagerDutyConfig, secrets: Mapping[str, str]) -> None:
    check_url("config", config.url)
    if not _ROUTING_KEY.fullmatch(secrets["routing_key"]):
        raise SettingsError("secrets", "The routing key is the 32 letters and digits of an Events API v2 integration.")


def _details(alert: Alert) -> dict[str, Any]:
    evidence = alert.evidence
    return {
        "text": "\n".join(wording.story(alert)),
        "votes": [wording.vote_line(vote) for vote in evidence.votes],
        "not counted": [
            f"{lost.region} ({lost.domain}): {wording.exclusion_in_words(lost.why)}" for lost in evidence.excluded
        ],
        "quorum": f"{evidence.k} of {evidence.m} regions that voted, {evidence.n} assigned",
        "delivery": alert.delivery,
    }


KIND: Kind[PagerDutyConfig, dict[str, Any]] = Kind(
    config=PagerDutyConfig, secrets={"routing_key": True}, check=_check, render=render, send=send
)
