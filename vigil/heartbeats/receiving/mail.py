"""Ping by mail: an SMTP server that turns a mail to <code>@domain into a ping.

Subject and text are the body for keyword rules; nothing else is kept. A plus suffix is the ping kind, as in a path:
<code>+fail@domain, <code>+start@domain. An unknown address is accepted like a known one.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
from email.message import EmailMessage, Message
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from probes.process.health import Health
from vigil.configuration import Configuration
from vigil.heartbeats.core.address import read_target
from vigil.heartbeats.core.reply import PingOutcome
from vigil.heartbeats.core.wire import BODY_LIMIT, Method
from vigil.heartbeats.receiving.receiver import PingReceiver, PingRequest
from vigil.heartbeats.receiving.service import receiving

log = structlog.get_logger()

MAX_MAIL = 1_000_000
MAX_RECIPIENTS = 20
#: Idle timeout of a client, and the limit to write a ping (s).
IDLE_S = 60.0
WRITE_S = 10.0

_REPLIES = {
    PingOutcome.ACCEPTED: "250 OK",
    PingOutcome.TOO_OFTEN: "451 4.7.1 Too many mails to this address",
    PingOutcome.TRY_AGAIN: "451 4.3.0 This ping was not stored: send it again",
}


class MailPings:
    """Handler for aiosmtpd: checks recipients, and turns mails into pings."""

    def __init__(self, receiver: PingReceiver, domain: str) -> None:
        self._receiver = receiver
        self._domain = domain.lower()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if _target(address, self._domain) is None:
            return "550 5.1.1 No heartbeat has such an address"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        text = read_mail(content)
        origin = str(session.peer[0]) if session.peer else ""
        outcomes = [await self._take(address, text, origin) for address in envelope.rcpt_tos]
        worst = next(
            (each for each in (PingOutcome.TRY_AGAIN, PingOutcome.TOO_OFTEN) if each in outcomes), PingOutcome.ACCEPTED
        )
        return _REPLIES[worst]

    async def _take(self, address: str, text: bytes, origin: str) -> PingOutcome:
        target = _target(address, self._domain)
        if target is None:
            return PingOutcome.ACCEPTED
        taken: asyncio.Future[PingOutcome] = asyncio.get_running_loop().create_future()
        request = PingRequest(target, Method.EMAIL, origin, "", text[:BODY_LIMIT], len(text))
        self._receiver.take(request, lambda outcome, _: None if taken.done() else taken.set_result(outcome))
        try:
            async with asyncio.timeout(WRITE_S):
                return await taken
        except TimeoutError:
            return PingOutcome.TRY_AGAIN


async def serve_mail(configuration: Configuration, health: Health) -> None:
    """Receive pings by mail until stopped. Raises OSError if the address is unavailable."""
    async with receiving(configuration, health) as at_work:
        handler = MailPings(at_work.receiver, configuration.mail_domain)
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(
            lambda: smtp(handler), configuration.mail_host, configuration.mail_port, backlog=256
        )
        log.info("mail.ready", host=configuration.mail_host, port=configuration.mail_port)
        async with listening:
            await at_work.until_stopped(listening.serve_forever())


def smtp(handler: MailPings) -> SMTP:
    """SMTP session of one client."""
    return SMTP(handler, data_size_limit=MAX_MAIL, timeout=IDLE_S, ident="Vigil", enable_SMTPUTF8=True)


def read_mail(content: bytes) -> bytes:
    """Subject and plain text of a mail; unreadable parts are dropped."""
    parsed: Any = email.message_from_bytes(content, policy=email.policy.default)
    subject = str(parsed.get("subject", ""))
    text = "\n".join(filter(None, (subject, _text(parsed))))
    return text.replace("\r\n", "\n").encode("utf-8", "replace")


def _text(parsed: Message) -> str:
    part = parsed.get_body(("plain", "html")) if isinstance(parsed, EmailMessage) else None
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError, AttributeError):
        # Unknown character set, or a body that contradicts its header.
        return ""


def _target(address: str, domain: str) -> str | None:
    """Ping path of a mail address; None if it is not one."""
    local, _, at = address.strip("<>").rpartition("@")
    if domain and at.lower() != domain:
        return None
    code, _, says = local.lower().partition("+")
    target = f"/{code}/{says}" if says else f"/{code}"
    return target if read_target(target) is not None else None
