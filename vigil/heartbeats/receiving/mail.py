"""Ping by mail: an SMTP server that turns a mail to <code>@domain into a ping.

Subject and texts are the body for keyword rules; nothing else is kept. A plus suffix is the outcome, as in a path:
<code>+fail@domain, <code>+start@domain. An unknown address is accepted like a known one. What is too large, such as an
attached log, is dropped beside the ping.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, cast

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from probes.process.health import Health
from vigil.configuration import Configuration
from vigil.heartbeats.core.pings.address import read_target
from vigil.heartbeats.core.pings.reply import PingOutcome
from vigil.heartbeats.core.pings.wire import BODY_LIMIT, Address, Method, PingKind
from vigil.heartbeats.core.pings.word_search import heard_behind
from vigil.heartbeats.receiving.mail_text import read_mail
from vigil.heartbeats.receiving.open_connections import OpenConnections
from vigil.heartbeats.receiving.receiver import PingReceiver, PingRequest
from vigil.heartbeats.receiving.service import receiving

log = structlog.get_logger()

#: Largest mail, and what is held of its beginning and of its end (bytes): texts come first, or behind attachments.
MAX_MAIL, MAX_HEAD, MAX_TAIL = 50_000_000, 700_000, 300_000
MAX_RECIPIENTS = 20
#: Caps on open connections, in all and per peer; a mail server in front is one peer.
MAX_CONNECTIONS, MAX_OF_PEER = 200, 100
#: Longest conversation, and longest reading of a mail (s).
SESSION_S, READ_S = 300.0, 5.0
READING_THREADS = 2
#: Idle timeout of a client, and the limit to write a ping (s).
IDLE_S = 60.0
WRITE_S = 10.0

_REPLIES = {
    PingOutcome.ACCEPTED: "250 OK",
    PingOutcome.TOO_OFTEN: "451 4.7.1 Too many mails to this address",
    PingOutcome.TRY_AGAIN: "451 4.3.0 This ping was not stored: send it again",
}


class MailBeside(Protocol):
    """What takes mails to other addresses of the domain, such as bounces."""

    def takes(self, local: str) -> bool:
        """Whether the part of an address before the domain is one of its own."""
        ...

    def note(self, local: str, text: str) -> bool:
        """Note what came, in a thread; False when it is to be sent again."""
        ...


class MailPings:
    """Handler for aiosmtpd: checks recipients, and turns mails into pings; others go to what is `beside`."""

    def __init__(
        self, receiver: PingReceiver, domain: str, knows: Callable[[Address], bool], beside: MailBeside | None = None
    ) -> None:
        self._receiver = receiver
        self._beside = beside
        self._domain = domain.lower()
        self._knows = knows
        self._readers = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="mail")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if _target(address, self._domain) is None and not self._is_beside(address):
            return "550 5.1.1 No heartbeat has such an address"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        others = [address for address in envelope.rcpt_tos if self._is_beside(address)]
        if others and not await self._note_beside(others, content):
            return _REPLIES[PingOutcome.TRY_AGAIN]
        targets = [target for address in envelope.rcpt_tos if (target := self._known_target(address)) is not None]
        if not targets:
            return _REPLIES[PingOutcome.ACCEPTED]
        try:
            async with asyncio.timeout(READ_S):
                text = await asyncio.get_running_loop().run_in_executor(self._readers, read_mail, content)
        except TimeoutError:
            # A failure counts without its text; of another mail only the text says what it means.
            text, targets = b"", [target for target in targets if _says_failure(target)]
            if not targets:
                return _REPLIES[PingOutcome.TRY_AGAIN]
        origin = str(session.peer[0]) if session.peer else ""
        outcomes = [await self._take(target, text, origin) for target in targets]
        worst = next(
            (each for each in (PingOutcome.TRY_AGAIN, PingOutcome.TOO_OFTEN) if each in outcomes), PingOutcome.ACCEPTED
        )
        return _REPLIES[worst]

    def _is_beside(self, address: str) -> bool:
        local, _, at = address.strip("<>").rpartition("@")
        return self._beside is not None and at.lower() == self._domain and self._beside.takes(local)

    async def _note_beside(self, addresses: Sequence[str], content: bytes) -> bool:
        """Hand a mail to what is beside; False when it is to be sent again."""
        assert self._beside is not None
        loop, noted = asyncio.get_running_loop(), True
        try:
            async with asyncio.timeout(READ_S + WRITE_S):
                text = (await loop.run_in_executor(self._readers, read_mail, content)).decode("utf-8", "replace")
                for address in addresses:
                    local = address.strip("<>").rpartition("@")[0]
                    noted &= await loop.run_in_executor(self._readers, self._beside.note, local, text)
        except TimeoutError:
            return False
        return noted

    async def handle_exception(self, error: Exception) -> str:
        """A mail that could not be handled is to be sent again: nothing permanent is said of it."""
        log.error("mail.failed", error=type(error).__name__)
        return _REPLIES[PingOutcome.TRY_AGAIN]

    def _known_target(self, address: str) -> str | None:
        """Ping path of a mail address; None where no heartbeat has it."""
        target = _target(address, self._domain)
        call = read_target(target) if target is not None else None
        return target if call is not None and self._knows(call.address) else None

    async def _take(self, target: str, text: bytes, origin: str) -> PingOutcome:
        taken: asyncio.Future[PingOutcome] = asyncio.get_running_loop().create_future()
        heard = heard_behind(text, BODY_LIMIT, self._receiver.words_of(target))
        request = PingRequest(target, Method.EMAIL, origin, "", text[:BODY_LIMIT], len(text), heard)
        self._receiver.take(request, lambda outcome, _: None if taken.done() else taken.set_result(outcome))
        try:
            async with asyncio.timeout(WRITE_S):
                return await taken
        except TimeoutError:
            return PingOutcome.TRY_AGAIN


async def serve_mail(configuration: Configuration, health: Health, beside: MailBeside | None = None) -> None:
    """Receive pings by mail, and what is `beside`, until stopped. Raises OSError if the address is unavailable."""
    # The library logs every line of every conversation: strangers would fill the disk, and logins would be in it.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    async with receiving(configuration, health) as at_work:
        handler = MailPings(at_work.receiver, configuration.mail_domain, at_work.known.knows, beside)
        conversations = open_conversations()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(
            lambda: PingSmtp(handler, conversations), configuration.mail_host, configuration.mail_port, backlog=256
        )
        log.info("mail.ready", host=configuration.mail_host, port=configuration.mail_port)
        async with listening:
            await at_work.until_stopped(listening.serve_forever())


class PingSmtp(SMTP):
    """One conversation; it ends for good at its deadline, whatever is said in it."""

    def __init__(self, handler: MailPings, peers: OpenConnections[PingSmtp]) -> None:
        super().__init__(handler, data_size_limit=MAX_MAIL, timeout=IDLE_S, ident="Vigil", enable_SMTPUTF8=True)
        self._peers = peers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._wire = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        closes = self._peers.add(self, str(peer[0]) if peer else "")
        self._deadline = self.loop.call_later(SESSION_S, self._wire.abort)
        if closes is not None:
            closes.abort()

    async def smtp_DATA(self, arg: str) -> None:
        """Take a mail of any length of its lines, and hold its beginning and its end."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._content()
        if content is None:
            await self.push("552 Error: Too much mail data")
        else:
            self.envelope.content = content
            await self.push(await self.event_handler.handle_DATA(self, self.session, self.envelope))
        self._set_post_data_state()

    async def _content(self) -> bytes | None:
        """A mail up to its last dot, without its middle where it is long; None for one that is too long by far."""
        head, tail, size, begins = bytearray(), bytearray(), 0, True
        while True:
            try:
                piece, ends = await self._reader.readuntil(b"\r\n"), True
            except asyncio.LimitOverrunError as overrun:
                piece, ends = await self._reader.read(max(1, overrun.consumed)), False
            if begins and piece == b".\r\n":
                break
            size += len(piece)
            piece = piece[1:] if begins and piece.startswith(b".") else piece
            room = MAX_HEAD - len(head)
            head += piece[:room]
            tail += piece[room:]
            if len(tail) > 2 * MAX_TAIL:
                del tail[:-MAX_TAIL]
            begins = ends
        return bytes(head + tail[-MAX_TAIL:]) if size <= MAX_MAIL else None

    def connection_lost(self, error: Exception | None) -> None:
        self._peers.remove(self)
        self._deadline.cancel()
        super().connection_lost(error)

    def abort(self) -> None:
        self._wire.abort()


def open_conversations() -> OpenConnections[PingSmtp]:
    """The conversations of a server; the oldest makes room for a new one."""
    return OpenConnections(MAX_CONNECTIONS, MAX_OF_PEER, lambda conversation: False)


def _target(address: str, domain: str) -> str | None:
    """Ping path of a mail address; None if it is not one."""
    local, _, at = address.strip("<>").rpartition("@")
    if domain and at.lower() != domain:
        return None
    code, plus, says = local.partition("+")
    target = f"/{code.lower()}/{says}" if plus else f"/{code.lower()}"
    return target if read_target(target) is not None else None


def _says_failure(target: str) -> bool:
    call = read_target(target)
    return call is not None and call.kind is PingKind.FAIL
