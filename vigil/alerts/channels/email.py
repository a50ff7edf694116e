"""E-mail through the installation's own mail server: plain text and HTML, one thread per incident."""

from __future__ import annotations

import asyncio
import html
import re
import smtplib
import ssl
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import msgspec

from vigil.alerts import wording
from vigil.alerts.alert import Alert
from vigil.alerts.channels.kind import Accepted, ChannelError, Kind, Outbound, SettingsError
from vigil.configuration import configuration

DEADLINE_S = 10.0
MAX_RECIPIENTS = 20
_PLAIN_ADDRESS = re.compile(r"[^@\s<>\",;:\\\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,190}")


class EmailConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is written to."""

    to: list[str]


class Letter(msgspec.Struct, frozen=True):
    """What is written; `thread` and `id` make one conversation of everything said of an incident."""

    subject: str
    text: str
    html: str
    id: str
    thread: str
    date: str


def render(alert: Alert, config: EmailConfig) -> Letter:
    lines = [*wording.story(alert), "", *_votes(alert), "", alert.link]
    subject = " ".join(wording.headline(alert).split())
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in wording.story(alert))
    items = "".join(f"<li>{html.escape(line)}</li>" for line in _votes(alert))
    link = html.escape(alert.link, quote=True)
    return Letter(
        subject=subject[:250],
        text="\n".join(lines).strip() + "\n",
        html=f'<h2>{html.escape(subject)}</h2>{paragraphs}<ul>{items}</ul><p><a href="{link}">{link}</a></p>',
        id=f"<{alert.delivery}@vigil>",
        thread=f"<{alert.dedup_key}@vigil>",
        date=format_datetime(alert.at),
    )


async def send(client: Outbound, config: EmailConfig, secrets: Mapping[str, str], payload: Letter) -> Accepted:
    settings = configuration()
    if settings.email_url is None:
        raise ChannelError("VIGIL_EMAIL_URL names no mail server", permanent=True)
    message = _message(payload, settings.email_from, config.to)
    try:
        await asyncio.to_thread(_deliver, settings.email_url.get_secret_value(), message)
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
    return Accepted("250")


def _message(letter: Letter, sender: str, recipients: list[str]) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = [Address(addr_spec=recipient) for recipient in recipients]
    message["Subject"] = letter.subject
    message["Date"] = letter.date
    message["Message-ID"] = letter.id
    message["In-Reply-To"] = letter.thread
    message["References"] = letter.thread
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _deliver(url: str, message: EmailMessage) -> None:
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
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _check(config: EmailConfig, secrets: Mapping[str, str]) -> None:
    if not 1 <= len(config.to) <= MAX_RECIPIENTS:
        raise SettingsError("config", f"`to` must name 1 to {MAX_RECIPIENTS} addresses.")
    for address in config.to:
        if not _PLAIN_ADDRESS.fullmatch(address):
            raise SettingsError("config", f"{address!r} is no plain e-mail address.")


def _votes(alert: Alert) -> list[str]:
    excluded = [
        f"{lost.region} ({lost.domain}): {wording.exclusion_in_words(lost.why)}" for lost in alert.evidence.excluded
    ]
    return [wording.vote_line(vote) for vote in alert.evidence.votes] + excluded


KIND: Kind[EmailConfig, Letter] = Kind(config=EmailConfig, secrets={}, check=_check, render=render, send=send)
