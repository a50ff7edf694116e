"""Telegram bot: later messages of an incident reply to its first."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from vigil.alerts.channels.addresses import below
from vigil.alerts.channels.form_bodies import File, multipart
from vigil.alerts.channels.kind import (
    Accepted,
    ChannelError,
    ChannelSettingsError,
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

#: Telegram's limits in characters: a message, and the caption of a file.
TEXT_LIMIT = 4_000
CAPTION_LIMIT = 1_000
_SIGNS = {Tone.CRITICAL: "🔴", Tone.WARNING: "🟠", Tone.INFO: "ℹ️", Tone.GOOD: "🟢"}  # noqa: RUF001
_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{10,100}")
_OF_OLD_CHAT = frozenset({"message_thread_id", "reply_parameters"})
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{4,40}")


class TelegramConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The chat."""

    chat: Annotated[str, msgspec.Meta(description="The chat's id (a group's starts with -), or @name of a channel")]
    topic: Annotated[int, msgspec.Meta(description="The id of a topic in a group with topics; 0 for none", ge=0)] = 0
    url: Annotated[str, msgspec.Meta(description="Keep the default, unless you run your own Bot API server")] = (
        "https://api.telegram.org"
    )


class TelegramMessage(msgspec.Struct, frozen=True):
    """A message; `names` is attached as a file."""

    fields: dict[str, Any]
    names: str = ""


def render(message: Message, config: TelegramConfig) -> TelegramMessage:
    links = " · ".join(f'<a href="{html.escape(link.url)}">{html.escape(link.text)}</a>' for link in message.links)
    limit = CAPTION_LIMIT if message.names else TEXT_LIMIT
    title = cut(one_line(message.headline), 300)
    # The limit counts rendered text, so the text is cut before escaping.
    story = fit_lines(message.lines, limit - len(title) - 80)
    text = f"{_SIGNS[message.tone]} <b>{html.escape(title)}</b>\n\n{html.escape(story)}\n\n{links}"
    fields: dict[str, Any] = {"chat_id": config.chat, "parse_mode": "HTML"}
    if config.topic:
        fields["message_thread_id"] = config.topic
    if message.event == "notice":
        fields["disable_notification"] = True
    if message.reference.isdigit():
        fields["reply_parameters"] = {"message_id": int(message.reference), "allow_sending_without_reply": True}
    if message.names:
        return TelegramMessage({**fields, "caption": text}, "\n".join(message.names))
    return TelegramMessage({**fields, "text": text, "link_preview_options": {"is_disabled": True}})


async def send(
    client: Outbound, config: TelegramConfig, secrets: Mapping[str, str], payload: TelegramMessage
) -> Accepted:
    base = below(config.url, f"bot{secrets['token']}")
    answer = await _call(client, base, payload)
    found = answer.json()
    moved = _migrated(found)
    if moved:
        # A group became a supergroup: it has a new id, and no message or topic of the old one.
        fields = {name: value for name, value in payload.fields.items() if name not in _OF_OLD_CHAT}
        answer = await _call(client, base, TelegramMessage({**fields, "chat_id": moved}, payload.names))
        found = answer.json()
    if found.get("ok") is not True:
        raise _refused(answer, found)
    result = found.get("result")
    number = result.get("message_id") if isinstance(result, Mapping) else None
    accepted = judged(answer, "Telegram", f"message {number}")
    reference = str(number) if isinstance(number, int) and not payload.names else ""
    return Accepted(accepted.answer, reference, {"chat": moved, "topic": 0} if moved else {})


async def _call(client: Outbound, base: str, payload: TelegramMessage) -> ReceiverAnswer:
    if not payload.names:
        return await client.call(ReceiverCall(below(base, "sendMessage"), as_body(payload.fields)))
    texts = {name: _field(value) for name, value in payload.fields.items()}
    body, headers = multipart(texts, File("document", "incidents.txt", payload.names.encode()))
    return await client.call(ReceiverCall(below(base, "sendDocument"), body, headers))


def _migrated(found: Mapping[str, Any]) -> str:
    """The id that a chat has now, or empty."""
    more = found.get("parameters")
    said = more.get("migrate_to_chat_id") if isinstance(more, Mapping) and found.get("ok") is not True else None
    text = str(said) if isinstance(said, int | str) and not isinstance(said, bool) else ""
    return text if _CHAT.fullmatch(text) else ""


def _refused(answer: ReceiverAnswer, found: Mapping[str, Any]) -> Exception:
    more = found.get("parameters")
    more = more if isinstance(more, Mapping) else {}
    said = str(found.get("description") or "")
    if "migrate_to_chat_id" in more:
        said += f"; the group's id is now {more['migrate_to_chat_id']}"
    wait = seconds(more.get("retry_after"))
    if wait is not None:
        return ChannelError(f"Telegram answered {answer.code}: {cut(one_line(said), 150)}", retry_after_s=wait)
    try:
        judged(answer, "Telegram", said)
    except ChannelError as refused:
        return refused
    return ChannelError("Telegram did not confirm the message")


def _field(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else as_body(value)


def _pace(config: TelegramConfig) -> Pace:
    # One message a second in a private chat, 20 a minute in a group or channel.
    return Pace(per_s=1 / 3, burst=3) if config.chat.startswith(("-", "@")) else Pace(per_s=1, burst=3)


def _check(config: TelegramConfig, secrets: Mapping[str, str]) -> None:
    check_url("config", config.url)
    if not _CHAT.fullmatch(config.chat):
        raise ChannelSettingsError("config", "`chat` is a number, or @name of a public channel.")
    if not _TOKEN.fullmatch(secrets["token"]):
        raise ChannelSettingsError("secrets", "The token is what BotFather gave: digits, a colon, letters.")


KIND: Kind[TelegramConfig, TelegramMessage] = Kind(
    name="Telegram",
    words="A bot of yours: make one with @BotFather, add it to the chat, and give the chat's id.",
    config=TelegramConfig,
    secrets={"token": Secret(True, "The bot's token, such as 123456:ABC...")},
    check=_check,
    render=render,
    send=send,
    pace=_pace,
    names_most=2000,
)
