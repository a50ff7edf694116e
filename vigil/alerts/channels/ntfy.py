"""ntfy: push notifications, through ntfy.sh or a private server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from vigil.alerts.channels.addresses import below, with_query
from vigil.alerts.channels.kind import (
    Accepted,
    ChannelError,
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
from vigil.alerts.wording.fitting import cut, cut_bytes, fit_lines, one_line
from vigil.alerts.wording.message import Message, Tone

#: Longer messages become attachments, which a server may refuse.
MESSAGE_BYTES = 3_900
#: The same as JSON, where a quote or a line break is two bytes: a server reads 8,192 bytes of a request.
JSON_BYTES = 6_000
_PRIORITIES = {Tone.CRITICAL: 5, Tone.WARNING: 4, Tone.INFO: 2, Tone.GOOD: 3}
_TAGS = {
    Tone.CRITICAL: "red_circle",
    Tone.WARNING: "orange_circle",
    Tone.INFO: "information_source",
    Tone.GOOD: "green_circle",
}
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")


class NtfyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Server and topic."""

    url: Annotated[str, msgspec.Meta(description="The server, https://ntfy.sh or your own")] = "https://ntfy.sh"


class NtfyMessage(msgspec.Struct, frozen=True):
    """A message; `names` is attached as a file where the server accepts files."""

    fields: dict[str, Any]
    names: str = ""


def render(message: Message, config: NtfyConfig) -> NtfyMessage:
    fields = {
        "title": cut(one_line(message.headline), 250),
        # ntfy shows plain text unless Markdown is asked for.
        "message": _fitting(fit_lines(message.lines, MESSAGE_BYTES)),
        "priority": _PRIORITIES[message.tone],
        "tags": [_TAGS[message.tone]],
        "click": message.links[-1].url,
        "actions": [{"action": "view", "label": link.text, "url": link.url} for link in message.links],
    }
    return NtfyMessage(fields, "\n".join(message.names))


async def send(client: Outbound, config: NtfyConfig, secrets: Mapping[str, str], payload: NtfyMessage) -> Accepted:
    base = _server(config.url, secrets["topic"])
    headers = {"content-type": "application/json"}
    if secrets.get("token"):
        headers["authorization"] = f"Bearer {secrets['token']}"
    if payload.names:
        with_file = await _with_file(client, below(base, secrets["topic"]), headers, payload)
        if with_file is not None:
            return with_file
    fields = payload.fields
    if payload.names:
        text = f"{fields['message']}\n{payload.names}"
        fields = {**fields, "message": _fitting(text)}
    answer = await client.call(ReceiverCall(base, as_body({"topic": secrets["topic"], **fields}), headers))
    found = answer.json()
    return judged(answer, "ntfy", str(found.get("error") or found.get("id") or ""))


def _fitting(text: str) -> str:
    """The text within the bounds of a message, as it is and as JSON."""
    most = MESSAGE_BYTES
    while len(as_body(cut_bytes(text, most))) > JSON_BYTES:
        most = most * 7 // 8
    return cut_bytes(text, most)


def _server(url: str, topic: str) -> str:
    """Address of the server, also where that of the topic was given."""
    plain = below(url)
    path, slash, last = plain.partition("?")[0].rpartition("/")
    return plain.replace(f"{path}{slash}{last}", path, 1) if last == topic else plain


async def _with_file(client: Outbound, url: str, headers: Mapping[str, str], payload: NtfyMessage) -> Accepted | None:
    """Attach every name as a file; None where the server accepts no files."""
    fields = payload.fields
    address = with_query(
        url,
        filename="incidents.txt",
        title=fields["title"],
        message=cut(fields["message"], 800),
        priority=str(fields["priority"]),
        tags=fields["tags"][0],
        click=fields["click"],
    )
    plain = {**headers, "content-type": "text/plain; charset=utf-8"}
    answer = await client.call(ReceiverCall(address, payload.names.encode(), plain, method="PUT"))
    if answer.code in (400, 403, 413):
        return None
    try:
        return judged(answer, "ntfy", str(answer.json().get("error") or answer.json().get("id") or ""))
    except ChannelError as refused:
        if refused.permanent:
            return None
        raise


def _check(config: NtfyConfig, secrets: Mapping[str, str]) -> None:
    check_url("config", config.url)
    if not _TOPIC.fullmatch(secrets["topic"]):
        raise ChannelSettingsError("secrets", "A topic has 1 to 64 letters, digits, _ and -.")


KIND: Kind[NtfyConfig, NtfyMessage] = Kind(
    name="ntfy",
    words="Pushes to the ntfy app. On ntfy.sh anyone who knows a topic can read it: choose one that is hard to guess.",
    config=NtfyConfig,
    secrets={
        "topic": Secret(True, "The topic; on ntfy.sh keep it secret like a password."),
        "token": Secret(False, "An access token, where the server wants one."),
    },
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=0.2, burst=30),
    names_most=2000,
)
