"""Slack: an incoming webhook, or a bot that updates its message and posts the timeline in its thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from vigil.alerts.channels.addresses import below
from vigil.alerts.channels.kind import (
    JSON_HEADERS,
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
)
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording.fitting import cut, fit_names, one_line
from vigil.alerts.wording.message import Message, Tone

#: Slack's limits in characters: 3,000 in a section, 150 in a header, 40,000 in a message.
SECTION_LIMIT = 2_900
HEADER_LIMIT = 150
TEXT_LIMIT = 39_000
_SIGNS = {
    Tone.CRITICAL: ":red_circle:",
    Tone.WARNING: ":large_orange_circle:",
    Tone.INFO: ":information_source:",
    Tone.GOOD: ":large_green_circle:",
}
#: Transient errors of the Web API; Slack answers them with status 200. All others are permanent.
_PASSING = frozenset(
    {"ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error", "service_unavailable",
     "request_timeout", "team_added_to_org", "accesslimited"}
)  # fmt: skip
#: The message to update was deleted: post a new one.
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})


class SlackConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An incoming webhook needs no settings, since its URL names the channel. A bot needs the channel."""

    channel: Annotated[
        str, msgspec.Meta(description="With a bot token: the id of the channel, such as C0123456789")
    ] = ""
    api: Annotated[str, msgspec.Meta(description="Keep the default, unless you use a proxy to Slack")] = (
        "https://slack.com/api"
    )
    buttons: Annotated[
        bool, msgspec.Meta(description="Buttons to acknowledge and snooze; they need the secret signing_secret")
    ] = False


class SlackMessage(msgspec.Struct, frozen=True):
    """A post: an update of `reference` with `reply` in its thread, or a new message."""

    body: dict[str, Any]
    reply: dict[str, Any] | None = None
    reference: str = ""


def escape(text: str) -> str:
    """Escape text for Slack: no mentions, links or control sequences."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(message: Message, config: SlackConfig) -> SlackMessage:
    body = _digest(message) if message.is_digest else _single(message, config)
    if not message.reference:
        return SlackMessage(body)
    reply = {"text": _plain(message), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    # A note goes to the thread; a change of state also updates the message.
    return SlackMessage(body if message.event != "note" else {}, reply, message.reference)


async def send(client: Outbound, config: SlackConfig, secrets: Mapping[str, str], payload: SlackMessage) -> Accepted:
    if not secrets.get("token"):
        answer = await client.call(ReceiverCall(secrets["url"], as_body(payload.body or payload.reply)))
        return judged(answer, "Slack", answer.text if len(answer.text) < 60 else "")
    bot = _Bot(client, config, secrets["token"])
    if not payload.reference:
        return await bot.post(payload.body)
    channel, _, ts = payload.reference.partition(":")
    try:
        if payload.body:
            await bot.say("chat.update", {**payload.body, "channel": channel, "ts": ts})
        return await bot.post({**(payload.reply or {}), "thread_ts": ts}, channel)
    except _Gone:
        return await bot.post(payload.body or payload.reply or {})


class _Gone(Exception):
    """The message to update or answer was deleted."""


class _Bot:
    """Web API client with a bot's token."""

    def __init__(self, client: Outbound, config: SlackConfig, token: str) -> None:
        self._client = client
        self._config = config
        self._headers = {**JSON_HEADERS, "content-type": "application/json; charset=utf-8"} | {
            "authorization": f"Bearer {token}"
        }

    async def post(self, body: Mapping[str, Any], channel: str = "") -> Accepted:
        """Post a message; returns its channel and timestamp as reference."""
        found = await self.say("chat.postMessage", {**body, "channel": channel or self._config.channel})
        place = f"{found.get('channel') or self._config.channel}:{found.get('ts') or ''}"
        return Accepted(f"200: ok, message {found.get('ts')}", "" if "thread_ts" in body else place)

    async def say(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._client.call(ReceiverCall(below(self._config.api, method), as_body(body), self._headers))
        found = answer.json()
        judged(answer, "Slack", str(found.get("error") or ""))
        if found.get("ok") is not True:
            raise _refused(str(found.get("error") or "an answer that is not JSON"), answer)
        return found


def _refused(error: str, answer: ReceiverAnswer) -> Exception:
    if error in _GONE:
        return _Gone()
    passing = error in _PASSING or not answer.json()
    wait = 30.0 if "limit" in error else None
    return ChannelError(f"Slack answered: {cut(one_line(error), 100)}", permanent=not passing, retry_after_s=wait)


def _single(message: Message, config: SlackConfig) -> dict[str, Any]:
    # plain_text renders no mentions, links or formatting.
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _text(cut(one_line(message.headline), HEADER_LIMIT))},
    ]
    story = cut(message.text, SECTION_LIMIT)
    if story:
        blocks.append({"type": "section", "text": _text(story)})
    if config.buttons and message.event == "trigger":
        blocks.append({"type": "actions", "elements": [_button(*each, message.key) for each in _BUTTONS]})
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _footer(message), "verbatim": True}]})
    return {"text": f"{_SIGNS[message.tone]} {escape(cut(message.headline, 1000))}", "blocks": blocks, **_QUIET}


def _digest(message: Message) -> dict[str, Any]:
    head = [f"{_SIGNS[message.tone]} {escape(message.headline)}", *map(escape, message.lines)]
    links = " · ".join(f"<{escape(link.url)}|{escape(link.text)}>" for link in message.links)
    room = TEXT_LIMIT - sum(len(line) + 1 for line in (*head, links))
    names = fit_names([escape(name) for name in message.names], room)
    return {"text": "\n".join((*head, *names, links)), "mrkdwn": False, **_QUIET}


#: Action ids that `callbacks` reads, and the labels of the buttons.
_BUTTONS = (("vigil_acknowledge", "Acknowledge"), ("vigil_snooze", "Snooze 1 h"))


def _button(action: str, words: str, incident: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "value": incident, "text": _text(words)}


_QUIET = {"unfurl_links": False, "unfurl_media": False}


def _plain(message: Message) -> str:
    text = escape("\n".join((message.headline, *message.lines)))
    return f"{_SIGNS[message.tone]} {cut(text, SECTION_LIMIT)}"


def _text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _footer(message: Message) -> str:
    links = " · ".join(f"<{escape(link.url)}|{escape(link.text)}>" for link in message.links)
    return f"{links} · {message.key} · {message.at.strftime('%Y-%m-%d %H:%M:%S UTC')}"


def _check(config: SlackConfig, secrets: Mapping[str, str]) -> None:
    token, url = secrets.get("token"), secrets.get("url")
    if bool(token) == bool(url):
        raise ChannelSettingsError("secrets", "Give either the `url` of an incoming webhook or a bot's `token`.")
    if url:
        check_url("secrets", url)
    elif not (token or "").startswith(("xoxb-", "xoxe.")):
        raise ChannelSettingsError("secrets", "A bot's token starts with xoxb-.")
    elif not config.channel:
        raise ChannelSettingsError("config", "With a bot's token, `channel` says where it posts.")
    if config.buttons and not secrets.get("signing_secret"):
        raise ChannelSettingsError("secrets", "Buttons need the app's `signing_secret`, to verify each press.")
    check_url("config", config.api)


KIND: Kind[SlackConfig, SlackMessage] = Kind(
    name="Slack",
    words=(
        "An incoming webhook (`url`), or a bot (`token` with chat:write, invited to `channel`), which keeps one message"
        " per incident up to date and the timeline in its thread."
    ),
    config=SlackConfig,
    secrets={
        "url": Secret(False, "The address of an incoming webhook."),
        "token": Secret(False, "Instead: a bot token, xoxb-..."),
        "signing_secret": Secret(
            False, "With `buttons`: the app's signing secret, whose interactivity goes to /hooks/<id of this channel>."
        ),
    },
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=1, burst=4),
    names_most=700,
)
