"""A sender that is stopped repeats no letter that a mail server takes later, and names those that it did not send."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

import pytest

from tests.vigil.status.subscribing import incident_of, mail_server, page_of, subscriber, tell_all
from tests.waiting import until
from vigil.status.letters import mail_sessions
from vigil.status.letters.mail_sessions import SESSIONS, MailJob, MailSessions
from vigil.status.letters.recovery import FOLDER
from vigil.status.letters.smtp_session import Mail, MailAnswer
from vigil.status.subscriber_models import SubscriberLetter


@pytest.mark.django_db(transaction=True)
def test_an_orderly_stop_repeats_no_letter_that_the_server_takes_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with mail_server(monkeypatch, DATA_DIR=str(tmp_path)) as server:
        page = page_of()
        subscriber(page, "reader@example.test")
        incident_of(page)
        server.holds = True
        tell_all(lambda: server.begun > 0, drain_s=0.0)
        (log,) = (tmp_path / FOLDER).iterdir()
        server.holds = False
        until(log.read_bytes, "the note of the thread that still waited")
        tell_all()
        assert server.by_recipient == {"reader@example.test": 1}
    assert SubscriberLetter.objects.get().state == "sent"
    # The second life was idle when it ended, and left no log.
    assert list((tmp_path / FOLDER).iterdir()) == [log]


def test_sessions_that_end_name_the_letters_that_they_do_not_send() -> None:
    opening, may_fail, answers = threading.Event(), threading.Event(), list[MailAnswer]()

    def open_session() -> None:
        opening.set()
        may_fail.wait(60)
        raise OSError("no such server")

    sessions = MailSessions(open_session, lambda letter: None)  # type: ignore[arg-type]
    mail = Mail("vigil@acme.test", "reader@example.test", b"")
    sessions.send(MailJob(1, mail, answers.append))
    assert opening.wait(60)
    sessions.send(MailJob(2, mail, answers.append))
    assert sessions.close() == {2}
    may_fail.set()
    until(lambda: answers, "the answer of the letter that was under way")
    assert [one.away for one in answers] == [True]


class FakeServer:
    """Takes each letter as soon as it `answers`."""

    def __init__(self) -> None:
        self.opened, self.answers = 0, threading.Event()

    def open(self) -> FakeServer:
        self.opened += 1
        return self

    def mail(self, sender: str) -> tuple[int, bytes]:
        return 250, b"ok"

    def rcpt(self, recipient: str) -> tuple[int, bytes]:
        return 250, b"ok"

    def data(self, content: bytes) -> tuple[int, bytes]:
        self.answers.wait(60)
        return 250, b"ok"

    def quit(self) -> None:
        """Nothing is open."""


def test_there_are_no_more_sessions_than_letters_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server, answers = FakeServer(), list[MailAnswer]()
    mail = Mail("vigil@acme.test", "reader@example.test", b"")
    sessions = MailSessions(server.open, lambda letter: None)  # type: ignore[arg-type]
    monkeypatch.setattr(mail_sessions, "WAITS_S", 3600.0)
    server.answers.set()
    for number in range(60):
        sessions.send(MailJob(number, mail, answers.append))
    until(lambda: len(answers) == 60, "the letters of a server that answers at once")
    # What is under way at a kill may be repeated: here that is one letter.
    assert server.opened == 1
    server.answers.clear()
    monkeypatch.setattr(mail_sessions, "WAITS_S", 0.0)
    for number in range(60):
        sessions.send(MailJob(number, mail, answers.append))

    def has_grown() -> bool:
        sessions.grow()
        return server.opened >= SESSIONS

    until(has_grown, "the sessions of one that is slow")
    server.answers.set()
    until(lambda: len(answers) == 120, "its letters")
    sessions.close()
    # The first one may have ended in between.
    assert server.opened <= SESSIONS + 1


class SnatchedQueue(queue.SimpleQueue[MailJob | None]):
    """A queue whose letter another thread takes in the moment in which one that waited too long looks again."""

    def __init__(self) -> None:
        super().__init__()
        self.is_snatched = False

    def get(self, block: bool = True, timeout: float | None = None) -> MailJob | None:
        if timeout is not None and not self.is_snatched:
            raise queue.Empty
        return super().get(block, timeout)

    def get_nowait(self) -> MailJob | None:
        if not self.is_snatched:
            self.is_snatched = True
            raise queue.Empty
        return super().get_nowait()


def test_a_session_whose_letter_another_one_took_leaves_its_place_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    server, answers = FakeServer(), list[MailAnswer]()
    server.answers.set()
    sessions = MailSessions(server.open, lambda letter: None)  # type: ignore[arg-type]
    monkeypatch.setattr(sessions, "_jobs", SnatchedQueue())
    # A thread that ended by a fault would keep its place, and nothing would open another.
    monkeypatch.setattr(mail_sessions, "SESSIONS", 1)
    sessions.send(MailJob(1, Mail("vigil@acme.test", "reader@example.test", b""), answers.append))

    def is_sent() -> bool:
        sessions.grow()
        return len(answers) == 1

    until(is_sent, "the letter")
    sessions.close()


def test_a_password_that_the_library_cannot_send_is_told_as_a_server_that_is_away() -> None:
    answers = list[MailAnswer]()

    def open_session() -> None:
        "pässword".encode("ascii")

    sessions = MailSessions(open_session, lambda letter: None)  # type: ignore[arg-type]
    sessions.send(MailJob(1, Mail("vigil@acme.test", "reader@example.test", b""), answers.append))
    until(lambda: answers, "its answer")
    sessions.close()
    assert answers[0].away and not answers[0].permanent
