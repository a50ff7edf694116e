"""One session with the mail server: letter after letter over one connection, and what the server says of each."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from dataclasses import dataclass

from vigil.alerts.channels.email import mail_problem
from vigil.alerts.channels.kind import ChannelError

#: Letters of one session: many servers end one that is long.
OF_SESSION = 100
_TAKEN, _CLOSING = 250, 421


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter on its way: envelope and content. `sender` may be empty only for what answers to nobody."""

    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """What the server said. `permanent`: it takes this letter never. `of_recipient`: because of the address.

    `away`: no session could be opened, which is about no letter.
    """

    is_accepted: bool
    words: str
    permanent: bool = False
    of_recipient: bool = False
    away: bool = False


class SmtpSession:
    """One connection to the mail server, opened anew when the server has ended it."""

    def __init__(self, open_session: Callable[[], smtplib.SMTP]) -> None:
        self._open = open_session
        self._server: smtplib.SMTP | None = None
        self._used = 0

    @property
    def is_open(self) -> bool:
        return self._server is not None and self._used < OF_SESSION

    def open(self) -> str:
        """Open it anew; returns why that failed, or nothing."""
        self.close()
        try:
            self._server, self._used = self._open(), 0
        except (smtplib.SMTPException, OSError, ChannelError, ValueError) as problem:
            # Of a password that is not ASCII the library raises what is no error of mail.
            return words_of_problem(problem)
        return ""

    def close(self) -> None:
        """End the session, politely where the server still listens."""
        if self._server is None:
            return
        server, self._server = self._server, None
        try:
            server.quit()
        except (smtplib.SMTPException, OSError):
            server.close()

    def send(self, mail: Mail, accepted: Callable[[], None]) -> MailAnswer:
        """Send one letter; calls `accepted` before anything else is done once the server has taken it."""
        answer = self._begin(mail)
        if answer is not None:
            return answer
        server = self._connected()
        code, said = server.rcpt(mail.recipient)
        if code not in (250, 251):
            self._reset(code)
            return _refused("the recipient was refused", code, said, of_recipient=True)
        try:
            code, said = server.data(mail.content)
        except smtplib.SMTPDataError as refused:
            code, said = refused.smtp_code, _bytes(refused.smtp_error)
        if code == _TAKEN:
            accepted()
            self._used += 1
            return MailAnswer(True, f"250 {_text(said)}")
        self._reset(code)
        return _refused("the letter was refused", code, said)

    def _begin(self, mail: Mail) -> MailAnswer | None:
        """Name the sender, once more on a new connection where the server has ended the old one."""
        for attempt in (1, 2):
            try:
                code, said = self._connected().mail(mail.sender)
            except (smtplib.SMTPServerDisconnected, ConnectionError):
                code, said = _CLOSING, b"the connection was closed"
            if code == _TAKEN:
                return None
            if code != _CLOSING or attempt == 2 or self.open():
                break
        self._reset(code)
        # About the installation's own sender and not about the letter: it is tried again.
        return MailAnswer(False, f"the sender was refused: {code} {_text(said)}")

    def _reset(self, code: int) -> None:
        """Make ready for the next letter; a session that cannot is ended."""
        try:
            if code != _CLOSING and self._server is not None:
                self._server.rset()
                return
        except (smtplib.SMTPException, OSError):
            pass
        self.close()

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            raise smtplib.SMTPServerDisconnected("no session")
        return self._server


def _refused(what: str, code: int, said: bytes, *, of_recipient: bool = False) -> MailAnswer:
    permanent = 500 <= code < 600
    return MailAnswer(False, f"{what}: {code} {_text(said)}", permanent, of_recipient and permanent)


def _bytes(said: bytes | str) -> bytes:
    return said.encode() if isinstance(said, str) else said


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")[:200]


def words_of_problem(problem: Exception) -> str:
    """Why a session or a letter failed, for people."""
    if isinstance(problem, ChannelError):
        return str(problem)
    if isinstance(problem, smtplib.SMTPResponseException):
        return f"the mail server answered {problem.smtp_code}"
    return f"the mail server could not be used ({mail_problem(problem)})"
