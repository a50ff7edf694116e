"""Microsoft Teams: an adaptive card, posted through a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vigil.alerts.channels.kind import Accepted, Kind, Outbound, ReceiverCall, Secret, as_body, check_url, judged
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording.fitting import cut, fit_lines, fit_names, one_line
from vigil.alerts.wording.message import Message, Tone

#: Teams refuses messages of more than 28 KB.
MESSAGE_BYTES = 26_000
TEXT_LIMIT = 8_000
_COLOURS = {Tone.CRITICAL: "attention", Tone.WARNING: "warning", Tone.INFO: "accent", Tone.GOOD: "good"}


class TeamsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings: the workflow's URL names the channel or chat."""


def render(message: Message, config: TeamsConfig) -> dict[str, Any]:
    text = fit_lines(message.lines, TEXT_LIMIT)
    card = _card(message, text, [])
    if message.names:
        # Bytes left for the story, as encoded.
        room = MESSAGE_BYTES - len(as_body(card)) - len(message.names) * 2
        card = _card(message, text, fit_names([name.replace('"', "'") for name in message.names], room))
    elif len(as_body(card)) > MESSAGE_BYTES:
        card = _card(message, cut(text, 2_000), [])
    return card


async def send(client: Outbound, config: TeamsConfig, secrets: Mapping[str, str], payload: dict[str, Any]) -> Accepted:
    answer = await client.call(ReceiverCall(secrets["url"], as_body(payload)))
    error = answer.json().get("error")
    said = error.get("message") if isinstance(error, Mapping) else ""
    return judged(answer, "Teams", str(said or ""))


def _card(message: Message, text: str, names: list[str]) -> dict[str, Any]:
    body = [_run(cut(one_line(message.headline), 400), size="large", weight="bolder", color=_COLOURS[message.tone])]
    body += [_run(part) for part in text.split("\n") if part]
    if names:
        body.append(_run("\n".join(names), fontType="monospace"))
    body.append(_run(f"{message.key} · {message.at.strftime('%Y-%m-%d %H:%M:%S UTC')}", isSubtle=True, size="small"))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": link.text, "url": link.url} for link in message.links],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "summary": cut(one_line(message.headline), 200), "attachments": [attachment]}


def _run(text: str, **look: Any) -> dict[str, Any]:
    # A TextRun shows its text as it is; a TextBlock renders Markdown.
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}


def _check(config: TeamsConfig, secrets: Mapping[str, str]) -> None:
    check_url("secrets", secrets["url"])


KIND: Kind[TeamsConfig, dict[str, Any]] = Kind(
    name="Microsoft Teams",
    words=(
        "A Workflow. In Teams: the channel's menu, Workflows, 'Post to a channel when a webhook request is received',"
        " copy its URL. (The older Office 365 connectors are gone.)"
    ),
    config=TeamsConfig,
    secrets={"url": Secret(True, "The address of the workflow.")},
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=1, burst=4),
    names_most=700,
)
