"""SMS through Twilio: headline, meaning and link, in as few segments as possible."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Annotated

import msgspec

from vigil.alerts.channels.addresses import below
from vigil.alerts.channels.form_bodies import urlencoded
from vigil.alerts.channels.kind import (
    Accepted,
    ChannelSettingsError,
    Kind,
    Outbound,
    ReceiverCall,
    Secret,
    check_url,
    judged,
)
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording.fitting import cut, fit_names, one_line
from vigil.alerts.wording.message import Message
from vigil.alerts.wording.vocabulary import meaning_of

#: Twilio refuses bodies of more than 1,600 characters.
BODY_LIMIT = 1_600
SEGMENTS_MOST = 10
#: The GSM 03.38 alphabet; characters of the second row count twice. Any other character forces UCS-2.
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE = set("^{}\\[~]|€")
_PHONE = re.compile(r"\+[1-9][0-9]{5,15}")
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_SENDER = re.compile(r"\+[1-9][0-9]{5,15}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11}")


class SmsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sender and recipients."""

    to: Annotated[str, msgspec.Meta(description="The number to text, such as +15551234567; one channel per number")]
    sender: Annotated[str, msgspec.Meta(description="Your Twilio number, or the id of a messaging service (MG...)")]
    account: Annotated[str, msgspec.Meta(description="The account's id, AC and 32 hexadecimal digits")]
    segments: Annotated[
        int, msgspec.Meta(description="Longest text, in segments (Twilio charges by segment)", ge=1, le=SEGMENTS_MOST)
    ] = 3
    url: Annotated[
        str, msgspec.Meta(description="Keep the default, unless your account is in another Twilio region")
    ] = "https://api.twilio.com"


class Sms(msgspec.Struct, frozen=True):
    """The text of a message."""

    text: str


def segments_of(text: str) -> int:
    """Number of segments: 160 characters of GSM-7 or 70 of UCS-2, slightly fewer each from two segments on."""
    if set(text) <= _GSM | _GSM_DOUBLE:
        places, one, more = sum(2 if char in _GSM_DOUBLE else 1 for char in text), 160, 153
    else:
        places, one, more = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if places <= one else -(-places // more)


def render(message: Message, config: SmsConfig) -> Sms:
    links = [link.url for link in message.links]
    head, story = one_line(message.headline), _story(message)
    # The link matters more than the story, since it leads to it.
    for room in (len(story), 900, 600, 400, 300, 200, 120, 60, 0):
        parts = [cut(head, 300), cut(story, room), *links]
        text = _plain("\n".join(part for part in parts if part))
        if len(text) <= BODY_LIMIT and segments_of(text) <= config.segments:
            return Sms(text)
    for room in range(140, 9, -10):
        text = _plain(f"{cut(head, room)}\n{links[-1]}")
        if segments_of(text) <= config.segments:
            return Sms(text)
    return Sms(_plain(cut(head, 60)))


def _story(message: Message) -> str:
    """Lines of the story, meaning before votes, since the end is cut."""
    meaning = meaning_of(message.kind, message.alert.failure) if message.event == "trigger" else ""
    rest = [line for line in message.lines if line != meaning]
    return one_line(" ".join((*([meaning] if meaning else ()), *rest, ", ".join(fit_names(message.names, 600)))))


def _plain(text: str) -> str:
    # One character outside GSM-7 would halve the capacity of a segment.
    return text.replace("…", "...")


async def send(client: Outbound, config: SmsConfig, secrets: Mapping[str, str], payload: Sms) -> Accepted:
    user = secrets.get("key_sid") or config.account
    credentials = base64.b64encode(f"{user}:{secrets['token']}".encode()).decode()
    sender = "MessagingServiceSid" if config.sender.startswith("MG") and len(config.sender) == 34 else "From"
    body, headers = urlencoded({"To": config.to, sender: config.sender, "Body": payload.text})
    url = below(config.url, "2010-04-01", "Accounts", config.account, "Messages.json")
    answer = await client.call(ReceiverCall(url, body, {**headers, "authorization": f"Basic {credentials}"}))
    found = answer.json()
    if answer.code >= 400:
        return judged(answer, "Twilio", f"{found.get('code', '')} {found.get('message', '')}".strip())
    return judged(answer, "Twilio", f"{found.get('status', '')} {found.get('sid', '')}".strip())


def _check(config: SmsConfig, secrets: Mapping[str, str]) -> None:
    check_url("config", config.url)
    for value, pattern, problem in (
        (config.to, _PHONE, "`to` is one number with its country, such as +15551234567."),
        (config.sender, _SENDER, "`sender` is a number, a messaging service's id or a name of up to 11 letters."),
        (config.account, _ACCOUNT, "`account` is AC and 32 hexadecimal digits."),
    ):
        if not pattern.fullmatch(value):
            raise ChannelSettingsError("config", problem)


KIND: Kind[SmsConfig, Sms] = Kind(
    name="SMS (Twilio)",
    words="Texts through a Twilio account: its id and token are on the console's first page.",
    config=SmsConfig,
    secrets={
        "token": Secret(True, "The auth token, or the secret of an API key."),
        "key_sid": Secret(False, "The API key's own id (SK...), where `token` is an API key's secret."),
    },
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=1, burst=1),
    names_most=1000,
    takes_notices=False,
)
