"""Discord webhook: one message per incident, edited as it changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from vigil.alerts.channels.addresses import below, with_query, without_query
from vigil.alerts.channels.form_bodies import File, multipart
from vigil.alerts.channels.kind import (
    Accepted,
    ChannelError,
    Kind,
    Outbound,
    ReceiverAnswer,
    ReceiverCall,
    Secret,
    as_body,
    check_url,
    judged,
    seconds,
)
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording.fitting import cut, fit_lines, one_line
from vigil.alerts.wording.message import Message, Tone

#: Discord's limits in characters: title and description of an embed, and all of its text.
TITLE_LIMIT = 256
DESCRIPTION_LIMIT = 4_000
#: The same of the name of a thread; and Discord's code for a forum that was given none.
THREAD_NAME_LIMIT = 100
FORUM = 220001
_COLOURS = {Tone.CRITICAL: 0xD92D20, Tone.WARNING: 0xF79009, Tone.INFO: 0x2E90FA, Tone.GOOD: 0x12B76A}
_ID = re.compile(r"[0-9]{1,30}")
_MARKUP = re.compile(r"([\\*_~`|>#\[\]()<@:+-])")


class DiscordConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings: the webhook URL names the channel, and with `?thread_id=` a thread of it."""


class DiscordMessage(msgspec.Struct, frozen=True):
    """A post: `names` is attached as a file, `edits` is the earlier message to update."""

    body: dict[str, Any]
    names: str = ""
    edits: str = ""


def escape(text: str) -> str:
    """Escape text for Discord: no formatting, links or mentions."""
    return _MARKUP.sub(r"\\\1", text)


def render(message: Message, config: DiscordConfig) -> DiscordMessage:
    links = " · ".join(f"[{link.text}]({link.url})" for link in message.links)
    room = DESCRIPTION_LIMIT - len(links) - 2
    # Escaping may double a text, so it is cut after escaping.
    story = _cut_escaped(fit_lines(message.lines, room), room)
    embed = {
        "title": _cut_escaped(one_line(message.headline), TITLE_LIMIT),
        "description": f"{story}\n\n{links}",
        "url": message.links[-1].url,
        "color": _COLOURS[message.tone],
        "timestamp": message.at.isoformat(),
        "footer": {"text": message.key},
    }
    # Names must never mention a user.
    body = {"embeds": [embed], "allowed_mentions": {"parse": []}}
    changes = message.reference and message.event in ("acknowledge", "resolve", "trigger")
    return DiscordMessage(body, "\n".join(message.names), message.reference if changes else "")


async def send(
    client: Outbound, config: DiscordConfig, secrets: Mapping[str, str], payload: DiscordMessage
) -> Accepted:
    url, thread_name = without_query(below(secrets["url"]), "thread_name")
    edits, _, thread = payload.edits.partition(":")
    if thread:
        # In a forum each incident has a thread of its own.
        url, thread_name = with_query(url, thread_id=thread), ""
    if edits:
        # An edit sends no notification; it corrects the history. The message below notifies.
        await client.call(ReceiverCall(below(url, "messages", edits), as_body(payload.body), method="PATCH"))
    answer = await _post(client, url, payload, thread_name)
    found = answer.json()
    makes_thread = bool(thread_name)
    if answer.code == 400 and not makes_thread and _wants_thread(found):
        # The channel is a forum.
        makes_thread = True
        answer = await _post(client, url, payload, str(payload.body["embeds"][0]["title"]))
        found = answer.json()
    if answer.code == 429:
        raise _too_fast(answer)
    accepted = judged(answer, "Discord", str(found.get("message") or ""))
    place = _id_of(found, "channel_id") if makes_thread else thread
    message = "" if payload.names else _id_of(found, "id")
    return Accepted(accepted.answer or str(answer.code), f"{message}:{place}" if message and place else message)


async def _post(client: Outbound, url: str, payload: DiscordMessage, thread_name: str) -> ReceiverAnswer:
    fields = {**payload.body, "thread_name": thread_name[:THREAD_NAME_LIMIT]} if thread_name else payload.body
    body, headers = as_body(fields), {"content-type": "application/json"}
    if payload.names:
        body, headers = multipart({"payload_json": body}, File("files[0]", "incidents.txt", payload.names.encode()))
    return await client.call(ReceiverCall(with_query(url, wait="true"), body, headers))


def _wants_thread(found: Mapping[str, Any]) -> bool:
    """Whether a refusal is that of a forum, which takes only what has a thread or the name of a new one."""
    return found.get("code") == FORUM or "thread_name" in str(found.get("message") or found.get("thread_name") or "")


def _id_of(found: Mapping[str, Any], name: str) -> str:
    """The id of a message or channel, which becomes a part of an address: digits, or nothing."""
    said = found.get(name)
    return said if isinstance(said, str) and _ID.fullmatch(said) else ""


def _too_fast(answer: ReceiverAnswer) -> ChannelError:
    wait = seconds(answer.json().get("retry_after"))
    header = answer.headers.get("retry-after", "")
    if wait is None and header.isascii() and header.isdigit():
        wait = float(header)
    return ChannelError("Discord answered 429: too many messages", retry_after_s=wait)


def _cut_escaped(text: str, limit: int) -> str:
    escaped = escape(text)
    while len(escaped) > limit:
        text = cut(text, len(text) - max(1, (len(escaped) - limit) // 2))
        escaped = escape(text)
    return escaped


def _check(config: DiscordConfig, secrets: Mapping[str, str]) -> None:
    check_url("secrets", secrets["url"])


KIND: Kind[DiscordConfig, DiscordMessage] = Kind(
    name="Discord",
    words="A channel's webhook. In Discord: the channel's settings, Integrations, Webhooks, copy its URL.",
    config=DiscordConfig,
    secrets={"url": Secret(True, "The address of the webhook.")},
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=0.5, burst=5),
    names_most=2000,
)
