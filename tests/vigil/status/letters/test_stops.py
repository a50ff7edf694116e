"""A sender that is stopped repeats no letter that a mail server takes later, and names those that it did not send."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.vigil.status.subscribing import incident_of, mail_server, page_of, subscriber, tell_all
from tests.waiting import until
from vigil.status.letters.mail_sessions import Mail, MailAnswer, MailJob, MailSessions
from vigil.status.letters.recovery import FOLDER
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
