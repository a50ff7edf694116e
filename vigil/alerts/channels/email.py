"""E-mail through the installation's mail server: plain text and HTML, one thread per incident."""

from __future__ import annotations

import asyncio
import html
import re
import smtplib
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec

from vigil.alerts.channels.kind import Accepted, ChannelError, ChannelSettingsError, Kind, Outbound
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording import text as wording
from vigil.alerts.wording.fitting import cut, one_line
from vigil.alerts.wording.message import Message
from vigil.configuration import configuration

DEADLINE_S = 10.0
SUBJECT_LIMIT = 250
#: Concurrent letters: a mail server that hangs blocks only these threads.
THREADS = 16
MAX_RECIPIENTS = 20
_PLAIN_ADDRESS = re.compile(r"[^@\s<>\",;:\\\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,190}")


class EmailConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recipients."""

    to: Annotated[list[str], msgspec.Meta(description=f"1 to {MAX_RECIPIENTS} addresses")]


class Letter(msgspec.Struct, frozen=True):
    """A letter; `thread` and `id` make one conversation per incident."""

    subject: str
    text: str
    html: str
    id: str
    thread: str
    date: str


def render(message: Message, config: EmailConfig) -> Letter:
    subject = cut(one_line(message.headline), SUBJECT_LIMIT)
    items = [*message.names, *(() if message.is_digest else wording.votes(message.alert))]
    links = [f"{link.text}: {link.url}" for link in message.links]
    lines = [*message.lines, "", *items, "", *links]
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in message.lines)
    listed = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    buttons = "".join(
        f'<p><a href="{html.escape(link.url, quote=True)}">{html.escape(link.text)}</a></p>' for link in message.links
    )
    return Letter(
        subject=subject,
        text="\n".join(lines).strip() + "\n",
        html=f"<h2>{html.escape(subject)}</h2>{paragraphs}<ul>{listed}</ul>{buttons}",
        id=f"<{message.id}@vigil>",
        thread=f"<{message.key}@vigil>",
        date=format_datetime(message.at),
    )


async def send(client: Outbound, config: EmailConfig, secrets: Mapping[str, str], payload: Letter) -> Accepted:
    settings = configuration()
    if settings.email_url is None:
        raise ChannelError("VIGIL_EMAIL_URL names no mail server", permanent=True)
    try:
        message = _message(payload, settings.email_from, config.to)
    except ValueError as fault:
        raise ChannelError(f"the letter cannot be written: {fault}", permanent=True) from None
    try:
        deliver = partial(_deliver, settings.email_url.get_secret_value(), message)
        answer = await asyncio.get_running_loop().run_in_executor(_threads(), deliver)
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        raise ChannelError(
            f"the mail server refused the recipients ({codes[0]})", permanent=min(codes) >= 500
        ) from None
    except smtplib.SMTPResponseException as refused:
        lasting = refused.smtp_code >= 500 and not isinstance(refused, smtplib.SMTPAuthenticationError)
        raise ChannelError(f"the mail server answered {refused.smtp_code}", permanent=lasting) from None
    except (smtplib.SMTPException, OSError) as problem:
        raise ChannelError(f"the mail server could not be used ({type(problem).__name__})") from None
    return Accepted(answer)


def _message(letter: Letter, sender: str, recipients: list[str]) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = [address_of(recipient) for recipient in recipients]
    message["Subject"] = letter.subject
    message["Date"] = letter.date
    message["Message-ID"] = letter.id
    message["In-Reply-To"] = letter.thread
    message["References"] = letter.thread
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="mail")


def _deliver(url: str, message: EmailMessage) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=DEADLINE_S, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=DEADLINE_S)
    with server:
        server.ehlo()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        elif parts.scheme == "smtp" and parts.username and not _is_loopback(host):
            raise ChannelError("the mail server offers no STARTTLS, and a password is not sent in clear")
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        refused = server.send_message(message)
    if refused:
        # Some recipients refused. The others have it, so it is not sent again.
        codes = ", ".join(str(code) for code, _ in refused.values())
        return f"250, but {len(refused)} of the recipients were refused ({codes})"
    return "250"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(text: str) -> Address:
    """A plain e-mail address as a letter takes it; raises ValueError for what no letter could be written to."""
    if not _PLAIN_ADDRESS.fullmatch(text):
        raise ValueError(f"{text!r} is no plain e-mail address")
    try:
        address = Address(addr_spec=text)
        EmailMessage()["To"] = [address]
    except (ValueError, MessageError, IndexError, AttributeError) as fault:
        raise ValueError(f"{text!r} is no plain e-mail address") from fault
    if address.addr_spec != text:
        raise ValueError(f"{text!r} is no plain e-mail address")
    return address


def _check(config: EmailConfig, secrets: Mapping[str, str]) -> None:
    if not 1 <= len(config.to) <= MAX_RECIPIENTS:
        raise ChannelSettingsError("config", f"`to` must name 1 to {MAX_RECIPIENTS} addresses.")
    for address in config.to:
        try:
            address_of(address)
        except ValueError as fault:
            raise ChannelSettingsError("config", f"{fault}.") from None


KIND: Kind[EmailConfig, Letter] = Kind(
    name="e-mail",
    words="E-mail through the mail server in VIGIL_EMAIL_URL.",
    config=EmailConfig,
    secrets={},
    check=_check,
    render=render,
    send=send,
    pace=lambda config: Pace(per_s=5, burst=20),
    names_most=2000,
)
