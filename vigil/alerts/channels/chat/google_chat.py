"""Google Chat webhook: one thread per incident."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import msgspec

from vigil.alerts.channels.addresses import with_query
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
from vigil.alerts.wording.fitting import cut, fit_lines, fit_names, one_line
from vigil.alerts.wording.message import Message

#: Google Chat refuses messages of more than 32,000 bytes.
MESSAGE_BYTES = 31_000
TEXT_LIMIT = 8_000


class GoogleChatConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings: the webhook URL names the space."""


class ChatMessage(msgspec.Struct, frozen=True):
    """A post; `id` is the same for every attempt, so Google Chat deduplicates retries."""

    id: str
    body: dict[str, Any]


def render(message: Message, config: GoogleChatConfig) -> ChatMessage:
    text = fit_lines(message.lines, TEXT_LIMIT)
    body = _body(message, [text])
    if message.names:
        room = MESSAGE_BYTES - len(as_body(body)) - 100
        names = fit_names([html.escape(name, quote=False) for name in message.names], room - len(message.names) * 2)
        body = _body(message, [text], "\n".join(names))
    return ChatMessage(message.id, body)


async def send(
    client: Outbound, config: GoogleChatConfig, secrets: Mapping[str, str], payload: ChatMessage
) -> Accepted:
    url = with_query(
        secrets["url"],
        messageReplyOption="REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        requestId=payload.id.replace("_", "-"),
    )
    answer = await client.call(ReceiverCall(url, as_body(payload.body)))
    found = answer.json()
    error = found.get("error")
    said = error.get("message") if isinstance(error, Mapping) else found.get("name")
    return judged(answer, "Google Chat", str(said or ""))


def _body(message: Message, texts: list[str], names: str = "") -> dict[str, Any]:
    # Paragraphs of a card render a few HTML tags only, so names cannot add mentions or links.
    paragraphs: list[dict[str, Any]] = [
        {"textParagraph": {"text": html.escape(text, quote=False)}} for text in texts if text
    ]
    if names:
        paragraphs.append({"textParagraph": {"text": names}})
    buttons = [{"text": link.text, "onClick": {"openLink": {"url": link.url}}} for link in message.links]
    paragraphs.append({"buttonList": {"buttons": buttons}})
    title = cut(one_line(message.headline), 300)
    card = {
        "header": {"title": title, "subtitle": f"{message.key} · {message.at.strftime('%Y-%m-%d %H:%M:%S UTC')}"},
        "sections": [{"widgets": paragraphs}],
    }
    return {"cardsV2": [{"cardId": message.id, "card": card}], "thread": {"threadKey": message.key}}


def _check(config: GoogleChatConfig, secrets: Mapping[str, str]) -> None:
    check_url("secrets", secrets["url"])
    if "key=" not in secrets["url"] or "token=" not in secrets["url"]:
        raise ChannelSettingsError("secrets", "The address of a space's webhook has a `key` and a `token` in it.")


KIND: Kind[GoogleChatConfig, ChatMessage] = Kind(
    name="Google Chat",
    words="A space's webhook. In Google Chat: the space's menu, Apps and integrations, Webhooks, copy its link.",
    config=GoogleChatConfig,
    secrets={"url": Secret(True, "The address of the webhook, with its key and token.")},
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=1, burst=2),
    names_most=700,
)
