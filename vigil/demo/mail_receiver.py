"""Fake mail server: takes letters over real SMTP, keeps them, and refuses what a test or a benchmark scripts.

receiver = MailReceiver(); port = receiver.start()
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import threading
from collections import Counter
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from vigil.local.servers import ports

#: Letters kept in full; of others only the number is known.
KEPT = 2_000


class MailReceiver:
    """What arrived. `refuse_recipients` and `refuse_data` hold answers by address; `*` is any.

    `delay_s` passes between a letter and its acceptance, as on a way around the world. While it `holds`, it accepts
    none.
    """

    def __init__(self, delay_s: float = 0.0) -> None:
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._letters: list[tuple[str, str, bytes]] = []
        self._server: Controller | None = None
        #: Accepted letters by recipient, and by Message-ID.
        self.by_recipient: Counter[str] = Counter()
        self.by_id: Counter[str] = Counter()
        self.sessions = self.begun = 0
        self.holds = False
        self.refuse_recipients: dict[str, str] = {}
        self.refuse_data: dict[str, str] = {}

    def start(self, port: int = 0) -> int:
        """Listen on loopback, in a thread; returns the port."""
        self._server = Controller(self, hostname="127.0.0.1", port=port or ports.take_free_port())
        self._server.start()
        return int(self._server.port)

    @property
    def address(self) -> str:
        """As VIGIL_EMAIL_URL takes it."""
        assert self._server is not None
        return f"smtp://127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    @property
    def count(self) -> int:
        """Letters that were accepted."""
        with self._lock:
            return sum(self.by_recipient.values())

    def letters(self, recipient: str = "") -> list[EmailMessage]:
        """Letters that were accepted, as mail programs read them."""
        with self._lock:
            found = [content for _, to, content in self._letters if recipient in ("", to)]
        return [email.message_from_bytes(content, policy=email.policy.default) for content in found]

    def senders(self, recipient: str) -> list[str]:
        """Envelope senders of the letters to an address."""
        with self._lock:
            return [sender for sender, to, _ in self._letters if to == recipient]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.sessions += 1
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refused = self._scripted(self.refuse_recipients, address)
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        refused = self._scripted(self.refuse_data, envelope.rcpt_tos[0])
        if refused:
            return refused
        self.begun += 1
        while self.holds:
            await asyncio.sleep(0.02)
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        self._take(envelope)
        return "250 taken"

    def _take(self, envelope: Envelope) -> None:
        content = cast(bytes, envelope.content)
        # A whole parse costs more than the letter.
        head = content.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
        name: Any = next((line for line in head.splitlines() if line.lower().startswith("message-id:")), "")
        with self._lock:
            self.by_id[name.partition(":")[2].strip()] += 1
            for address in envelope.rcpt_tos:
                self.by_recipient[address] += 1
                if len(self._letters) < KEPT:
                    self._letters.append((envelope.mail_from or "", address, content))

    @staticmethod
    def _scripted(answers: dict[str, str], address: str) -> str:
        return answers.get(address) or answers.get("*", "")
