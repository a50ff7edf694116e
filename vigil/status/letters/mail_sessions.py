"""Sessions with the mail server: threads that each send letter after letter over one connection.

Threads are started as letters come and end when none comes. A server that admits fewer sessions gets fewer.
"""

from __future__ import annotations

import queue
import smtplib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vigil.alerts.channels.email import mail_problem
from vigil.alerts.channels.kind import ChannelError
from vigil.alerts.crashpoints import reach
from vigil.status.letters.crashpoints import LetterCrashPoint

#: Sessions at once; letters of one session, since many servers end one that is long; and idle seconds until it ends.
SESSIONS, OF_SESSION, IDLE_S = 20, 100, 5.0
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


@dataclass(frozen=True, slots=True)
class MailJob:
    """A letter to send by its key; the thread that has sent it calls `done`."""

    letter: int
    mail: Mail
    done: Callable[[MailAnswer], None]


class MailSessions:
    """Threads that send. `accepted` is called with the key of a letter in the moment that the server has taken it."""

    def __init__(self, open_session: Callable[[], smtplib.SMTP], accepted: Callable[[int], None]) -> None:
        self._open, self._accepted = open_session, accepted
        self._jobs: queue.SimpleQueue[MailJob | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads, self._is_closed = 0, False

    def send(self, job: MailJob) -> None:
        """Send in the background."""
        with self._lock:
            self._jobs.put(job)
            if self._threads < min(SESSIONS, self._jobs.qsize()):
                self._threads += 1
                threading.Thread(target=self._serve, name="letters", daemon=True).start()

    def close(self) -> set[int]:
        """End each thread after the letter that it sends; returns the keys of letters that waited and are not sent."""
        dropped = set()
        with self._lock:
            self._is_closed = True
            while not self._jobs.empty():
                if (job := self._jobs.get_nowait()) is not None:
                    dropped.add(job.letter)
            for _ in range(self._threads):
                self._jobs.put(None)
        return dropped

    def _serve(self) -> None:
        session = _Session(self._open)
        try:
            while (job := self._next()) is not None:
                problem = "" if session.is_open else session.open()
                if not problem:
                    job.done(self._answer(session, job))
                elif self._hand_back(job):
                    return
                else:
                    self._tell_all(job, MailAnswer(False, problem, away=True))
        finally:
            session.close()

    def _next(self) -> MailJob | None:
        """The next letter; None where the thread has been counted out, since it is to end."""
        try:
            job = self._jobs.get(timeout=IDLE_S)
        except queue.Empty:
            job = None
        with self._lock:
            if job is None and not self._jobs.empty():
                # One came in this moment, for which no thread was started.
                job = self._jobs.get_nowait()
            if job is None:
                self._threads -= 1
        return job

    def _hand_back(self, job: MailJob) -> bool:
        """Leave a letter to the threads that have a session, and end; False where none is left to take it."""
        with self._lock:
            if self._threads == 1 or self._is_closed:
                return False
            self._threads -= 1
            self._jobs.put(job)
            return True

    def _tell_all(self, job: MailJob, answer: MailAnswer) -> None:
        """Tell of a letter and of all that wait that the server is away."""
        job.done(answer)
        while True:
            try:
                waiting = self._jobs.get_nowait()
            except queue.Empty:
                return
            if waiting is not None:
                waiting.done(answer)

    def _answer(self, session: _Session, job: MailJob) -> MailAnswer:
        reach(LetterCrashPoint.SEND_BEFORE)
        try:
            return session.send(job.mail, partial(self._note, job.letter))
        except (smtplib.SMTPException, OSError, ValueError) as problem:
            session.close()
            return MailAnswer(False, _words(problem))

    def _note(self, letter: int) -> None:
        reach(LetterCrashPoint.ACCEPTED)
        self._accepted(letter)
        reach(LetterCrashPoint.NOTED)


class _Session:
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
        except (smtplib.SMTPException, OSError, ChannelError) as problem:
            return _words(problem)
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


def _words(problem: Exception) -> str:
    if isinstance(problem, ChannelError):
        return str(problem)
    if isinstance(problem, smtplib.SMTPResponseException):
        return f"the mail server answered {problem.smtp_code}"
    return f"the mail server could not be used ({mail_problem(problem)})"
