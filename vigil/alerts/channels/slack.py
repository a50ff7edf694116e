"""Slack, through an incoming webhook, whose address is itself the secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from vigil.alerts import wording
from vigil.alerts.alert import Alert
from vigil.alerts.channels.kind import Accepted, Kind, Outbound, check_url, judged

#: Slack refuses a section's text of more than 3,000 characters, and a header's of more than 150.
SECTION_LIMIT = 2_900
HEADER_LIMIT = 150
_SIGNS = {
    "trigger": ":red_circle:",
    "resolve": ":large_green_circle:",
    "note": ":information_source:",
    "acknowledge": ":eyes:",
}


class SlackConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set: the address of an incoming webhook says where it goes."""


def escape(text: str) -> str:
    """Text that Slack shows as it is: no mention, no link, no markup of Slack's own control characters."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(alert: Alert, config: SlackConfig) -> dict[str, Any]:
    headline = wording.headline(alert)
    story = escape("\n".join(wording.story(alert)))[:SECTION_LIMIT]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": headline[:HEADER_LIMIT], "emoji": False}},
    ]
    if story:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": story, "verbatim": True}})
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _footer(alert)}]})
    return {"text": f"{_SIGNS[alert.event]} {escape(headline)}", "blocks": blocks}


async def send(client: Outbound, config: SlackConfig, secrets: Mapping[str, str], payload: dict[str, Any]) -> Accepted:
    body = json.dumps(payload, ensure_ascii=False).encode()
    return judged(await client.post(secrets["url"], {"content-type": "application/json"}, body), "Slack")


def _check(config: SlackConfig, secrets: Mapping[str, str]) -> None:
    check_url("secrets", secrets["url"])


def _footer(alert: Alert) -> str:
    return f"<{escape(alert.link)}|{alert.dedup_key}> · {alert.at.strftime('%Y-%m-%d %H:%M:%S UTC')}"


KIND: Kind[SlackConfig, dict[str, Any]] = Kind(
    config=SlackConfig, secrets={"url": True}, check=_check, render=render, send=send
)
