"""Sessions with the mail server: threads that each send letter after letter over one connection.

Another thread is started where a letter has waited for one, and ends when none comes: what is under way is what a kill
may repeat, so there are no more than the server needs. One that admits fewer sessions gets fewer.
"""

from __future__ import annotations

import contextlib
import queue
import smtplib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vigil.alerts.crashpoints import reach
from vigil.status.letters.crashpoints import LetterCrashPoint
from vigil.status.letters.smtp_session import Mail, MailAnswer, SmtpSession, words_of_problem

#: Sessions at once, and idle seconds until one ends.
SESSIONS, IDLE_S = 20, 5.0
#: How long a letter waits until another session is opened (s): longer than what is claimed at once takes one session.
WAITS_S = 1.0


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
        #: Since when each letter waits, the oldest first (monotonic s).
        self._since: deque[float] = deque()
        self._threads, self._is_closed = 0, False

    def send(self, job: MailJob) -> None:
        """Send in the background."""
        with self._lock:
            self._wait(job)
        self.grow()

    def grow(self) -> None:
        """Open one more session where none is open, or a letter has waited too long for one."""
        with self._lock:
            waited_s = time.monotonic() - self._since[0] if self._since else -1.0
            if waited_s >= (WAITS_S if self._threads else 0.0) and self._threads < SESSIONS and not self._is_closed:
                self._threads += 1
                threading.Thread(target=self._serve, name="letters", daemon=True).start()

    def _wait(self, job: MailJob) -> None:
        self._jobs.put(job)
        self._since.append(time.monotonic())

    def close(self) -> set[int]:
        """End each thread after the letter that it sends; returns the keys of letters that waited and are not sent."""
        dropped = set()
        with self._lock:
            self._is_closed = True
            self._since.clear()
            while not self._jobs.empty():
                if (job := self._jobs.get_nowait()) is not None:
                    dropped.add(job.letter)
            for _ in range(self._threads):
                self._jobs.put(None)
        return dropped

    def _serve(self) -> None:
        session = SmtpSession(self._open)
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
            if job is None:
                # One that came in this moment, for which no thread was started, unless another has taken it.
                with contextlib.suppress(queue.Empty):
                    job = self._jobs.get_nowait()
            if job is None:
                self._threads -= 1
            elif self._since:
                self._since.popleft()
        return job

    def _hand_back(self, job: MailJob) -> bool:
        """Leave a letter to the threads that have a session, and end; False where none is left to take it."""
        with self._lock:
            if self._threads == 1 or self._is_closed:
                return False
            self._threads -= 1
            self._wait(job)
            return True

    def _tell_all(self, job: MailJob, answer: MailAnswer) -> None:
        """Tell of a letter and of all that wait that the server is away."""
        job.done(answer)
        while True:
            try:
                waiting = self._jobs.get_nowait()
            except queue.Empty:
                return
            with self._lock:
                if waiting is not None and self._since:
                    self._since.popleft()
            if waiting is not None:
                waiting.done(answer)

    def _answer(self, session: SmtpSession, job: MailJob) -> MailAnswer:
        reach(LetterCrashPoint.SEND_BEFORE)
        try:
            return session.send(job.mail, partial(self._note, job.letter))
        except (smtplib.SMTPException, OSError, ValueError) as problem:
            session.close()
            return MailAnswer(False, words_of_problem(problem))

    def _note(self, letter: int) -> None:
        reach(LetterCrashPoint.ACCEPTED)
        self._accepted(letter)
        reach(LetterCrashPoint.NOTED)
