"""E-mail through the installation's mail server: plain text and HTML, one thread per incident."""

from __future__ import annotations

import asyncio
import html
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec

from probes.net.targets import BadTarget, parse_host
from vigil.alerts.channels.kind import Accepted, ChannelError, ChannelSettingsError, Kind, Outbound
from vigil.alerts.core.pacing import Pace
from vigil.alerts.wording.fitting import cut, one_line
from vigil.alerts.wording.mail_headers import MAIL
from vigil.alerts.wording.message import Message
from vigil.configuration import configuration

DEADLINE_S = 10.0
SUBJECT_LIMIT = 250
#: Concurrent letters: a mail server that hangs blocks only these threads.
THREADS = 16
MAX_RECIPIENTS = 20
#: Domain of a letter's id where the sender has none.
NO_DOMAIN = "vigil.invalid"
_PLAIN_ADDRESS = re.compile(r"[^@\s<>\",;:\\\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,190}")


class EmailConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recipients."""

    to: Annotated[list[str], msgspec.Meta(description=f"1 to {MAX_RECIPIENTS} addresses")]


class Letter(msgspec.Struct, frozen=True):
    """A letter; `thread` and `id`, without the sender's domain, make one conversation per incident."""

    subject: str
    text: str
    html: str
    id: str
    thread: str
    date: str


def render(message: Message, config: EmailConfig) -> Letter:
    subject = cut(one_line(message.headline), SUBJECT_LIMIT)
    # The votes of a single incident are in its lines.
    items = message.names
    links = [f"{link.text}: {link.url}" for link in message.links]
    lines = [*message.lines, "", *items, *([""] if items else []), *links]
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in message.lines)
    listed = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    listed = f"<ul>{listed}</ul>" if listed else ""
    buttons = "".join(
        f'<p><a href="{html.escape(link.url, quote=True)}">{html.escape(link.text)}</a></p>' for link in message.links
    )
    return Letter(
        subject=subject,
        text="\n".join(lines).strip() + "\n",
        html=f"<h2>{html.escape(subject)}</h2>{paragraphs}{listed}{buttons}",
        id=message.id,
        thread=message.key,
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
        missed = await asyncio.get_running_loop().run_in_executor(_threads(), deliver)
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        raise ChannelError(_refusals(refused.recipients), permanent=min(codes) >= 500) from None
    except smtplib.SMTPResponseException as refused:
        lasting = refused.smtp_code >= 500 and not isinstance(refused, smtplib.SMTPAuthenticationError)
        raise ChannelError(f"the mail server answered {refused.smtp_code}", permanent=lasting) from None
    except (smtplib.SMTPException, OSError) as problem:
        raise ChannelError(f"the mail server could not be used ({mail_problem(problem)})") from None
    return Accepted("250", missed=missed)


def mail_problem(problem: Exception) -> str:
    """Why a mail server could not be used, in words without its address."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted: {problem.verify_message}"
    if isinstance(problem, socket.gaierror):
        return "its name does not resolve"
    if isinstance(problem, TimeoutError):
        return f"no answer within {DEADLINE_S:.0f} s"
    if isinstance(problem, ConnectionRefusedError):
        return "connection refused"
    return type(problem).__name__


def _message(letter: Letter, sender: str, recipients: list[str]) -> EmailMessage:
    message = EmailMessage(policy=MAIL)
    message["From"], domain = sender_in_ascii(sender)
    message["To"] = [address_of(recipient) for recipient in recipients]
    message["Subject"] = letter.subject
    message["Date"] = letter.date
    message["Message-ID"] = f"<{letter.id}@{domain}>"
    message["In-Reply-To"] = message["References"] = f"<{letter.thread}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def sender_in_ascii(sender: str) -> tuple[str, str]:
    """A sender with its domain as it is in DNS, and that domain."""
    written = parseaddr(sender)[1].rpartition("@")[2]
    domain = _ascii_domain(written)
    return (sender.replace(written, domain) if written else sender), domain or NO_DOMAIN


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="mail")


def _deliver(url: str, message: EmailMessage) -> str:
    """Hand a letter to the mail server; returns who of the recipients was refused, or nothing."""
    with open_session(url) as server:
        refused = server.send_message(message)
    # The others have it, so it is not sent again.
    return f"but {_refusals(refused)}" if refused else ""


def open_session(url: str) -> smtplib.SMTP:
    """A session with the mail server: encrypted where it can be, and logged in. Raises what `mail_problem` words."""
    parts = urlsplit(url)
    host = _ascii_domain(parts.hostname or "")
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=DEADLINE_S, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=DEADLINE_S)
    try:
        server.ehlo()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        elif parts.scheme == "smtp" and parts.username and not _is_loopback(host):
            raise ChannelError("the mail server offers no STARTTLS, and a password is not sent in clear")
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _refusals(refused: Mapping[str, tuple[int, bytes]]) -> str:
    """Who was refused, with the server's words."""
    each = (f"{name} ({code} {words.decode('utf-8', 'replace')})" for name, (code, words) in refused.items())
    return f"the mail server refused {', '.join(each)}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(text: str) -> Address:
    """A plain e-mail address as a letter takes it; raises ValueError for what no letter could be written to."""
    local, _, domain = text.rpartition("@")
    plain = f"{local}@{_ascii_domain(domain)}"
    if not _PLAIN_ADDRESS.fullmatch(plain):
        raise ValueError(f"{text!r} is no plain e-mail address")
    try:
        address = Address(addr_spec=plain)
        EmailMessage()["To"] = [address]
    except (ValueError, MessageError, IndexError, AttributeError) as fault:
        raise ValueError(f"{text!r} is no plain e-mail address") from fault
    if address.addr_spec != plain:
        raise ValueError(f"{text!r} is no plain e-mail address")
    return address


def _ascii_domain(domain: str) -> str:
    """A domain in ASCII as it is in DNS; one that has no such form stays."""
    try:
        return domain if domain.isascii() else parse_host(domain)[0]
    except BadTarget:
        return domain


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
