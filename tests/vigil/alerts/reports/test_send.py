"""Reports by mail: worded from what happened, sent once over real SMTP, tried again when the server refuses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection

from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.alerts.channels import email
from vigil.alerts.channels.kind import ChannelError
from vigil.alerts.core.retry import ALONE_AFTER
from vigil.alerts.reports.send import claim, record
from vigil.configuration import configuration
from vigil.database.session_lock import SessionLock
from vigil.history.models import Objective, Report
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident
from vigil.local.servers import ports
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parents[1] / "golden" / "report_weekly.txt"
#: Monday, 10:00 in Berlin.
NOW = datetime(2030, 5, 27, 8, tzinfo=UTC)
WEEK = datetime(2030, 5, 19, 22, tzinfo=UTC)


class Postbox:
    """Takes mail, or answers with what a test says."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.answer = "250 taken"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.letters.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return self.answer


@pytest.fixture
def postbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Postbox]:
    box = Postbox()
    server = Controller(box, hostname="127.0.0.1", port=ports.take_free_port())
    server.start()
    monkeypatch.setenv("VIGIL_EMAIL_URL", f"smtp://127.0.0.1:{server.port}")
    configuration.cache_clear()
    yield box
    server.stop()
    configuration.cache_clear()


def monitor(name: str, tags: list[str]) -> Monitor:
    fields = {"name": name, "kind": "http", "config": {"url": "https://example.com/"}, "tags": tags}
    made = create_monitor(default_team(), fields)
    Monitor.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=90))
    return made


def outage(row: Monitor, after: timedelta, lasted: timedelta) -> None:
    began = WEEK + after
    Incident.objects.create(
        team=row.team, monitor=row, kind=IncidentKind.OUTAGE, title="t", started_at=began, opened_at=began,
        resolved_at=began + lasted,
    )  # fmt: skip


@pytest.fixture
def report() -> Report:
    checkout, search = monitor("checkout", ["shop"]), monitor("search", ["shop"])
    for place in range(3):
        monitor(f"well-{place}", [])
    outage(checkout, timedelta(days=1, hours=14), timedelta(minutes=9))
    outage(checkout, timedelta(days=3), timedelta(minutes=4))
    outage(search, timedelta(days=2), timedelta(seconds=50))
    outage(search, timedelta(days=-3), timedelta(hours=2))
    Objective.objects.create(team=checkout.team, name="Checkout", monitor=checkout)
    made = Report.objects.create(
        team=checkout.team, frequency="weekly", recipients=["ops@example.com"], zone="Europe/Berlin"
    )
    Report.objects.update(created_at=NOW - timedelta(days=20), public_id="rep_golden")
    return made


def deliver(now: datetime) -> int:
    """What the process does once a minute; returns how many reports were due."""
    count = 0
    while (claimed := claim(now)) is not None:
        count += 1
        error = ""
        try:
            asyncio.run(email.send(None, claimed.config, {}, claimed.letter))  # type: ignore[arg-type]
        except ChannelError as refused:
            error = str(refused)
        record(claimed, error)
    return count


def test_a_report_is_worded_from_what_happened(report: Report) -> None:
    claimed = claim(NOW)
    assert claimed is not None
    said = f"{claimed.letter.subject}\n\n{claimed.letter.text}"
    assert said == GOLDEN.read_text(), said


def test_a_report_is_sent_once_when_its_week_is_over(report: Report, postbox: Postbox) -> None:
    assert deliver(NOW) == 1 and deliver(NOW) == 0
    letter = postbox.letters[0]
    assert letter["To"] == "ops@example.com" and letter["Message-ID"] == "<rep_golden.20300527@localhost>"
    assert deliver(NOW + timedelta(days=6)) == 0 and deliver(NOW + timedelta(days=7)) == 1


def test_a_report_that_the_server_refuses_is_tried_again_later(report: Report, postbox: Postbox) -> None:
    postbox.answer = "451 not now"
    assert deliver(NOW) == 1
    report.refresh_from_db()
    assert report.sent_until is None and "451" in report.last_error
    assert deliver(NOW + timedelta(minutes=4)) == 0, "its lease is its pause"
    postbox.answer = "250 taken"
    assert deliver(NOW + timedelta(minutes=6)) == 1 and len(postbox.letters) == 1
    report.refresh_from_db()
    assert report.last_error == "" and report.attempts == 0


def test_a_report_that_was_refused_for_weeks_is_sent_when_the_server_takes_it(report: Report, postbox: Postbox) -> None:
    Report.objects.update(attempts=200, lease_until=NOW - timedelta(seconds=1))
    assert deliver(NOW) == 1 and len(postbox.letters) == 1
    report.refresh_from_db()
    assert report.attempts == 0


def test_a_crash_between_sending_and_noting_it_sends_the_same_letter_again(report: Report, postbox: Postbox) -> None:
    claimed = claim(NOW)
    assert claimed is not None
    asyncio.run(email.send(None, claimed.config, {}, claimed.letter))  # type: ignore[arg-type]
    assert deliver(NOW + timedelta(minutes=6)) == 1
    assert len({letter["Message-ID"] for letter in postbox.letters}) == 1


def test_nobody_gets_a_report_unasked_and_none_about_a_time_before_it_was_asked_for(postbox: Postbox) -> None:
    monitor("m", [])
    assert deliver(NOW) == 0
    made = Report.objects.create(team=default_team(), frequency="monthly", recipients=["ops@example.com"])
    Report.objects.update(created_at=NOW)
    assert deliver(NOW) == 0
    Report.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=60), enabled=False)
    assert deliver(NOW) == 0


def test_a_report_of_a_tag_is_about_its_monitors_only(report: Report) -> None:
    Report.objects.update(tag="shop")
    claimed = claim(NOW)
    assert claimed is not None
    assert "over 2 monitors" in claimed.letter.text and "well-0" not in claimed.letter.text


def test_s06_a_report_that_cannot_be_written_holds_up_no_other(report: Report, postbox: Postbox) -> None:
    Report.objects.update(recipients=["a..b@example.com"])
    Report.objects.create(
        team=report.team, frequency="weekly", tag="shop", recipients=["b@example.com"], zone="Europe/Berlin"
    )
    Report.objects.filter(recipients=["b@example.com"]).update(created_at=NOW - timedelta(days=20))
    assert deliver(NOW) == 2 and [letter["To"] for letter in postbox.letters] == ["b@example.com"]
    report.refresh_from_db()
    assert report.sent_until is None and "a..b@example.com" in report.last_error


@pytest.mark.django_db(transaction=True)
def test_3_a_report_that_a_dead_sender_had_claimed_is_claimed_again_at_once() -> None:
    made = Report.objects.create(team=default_team(), frequency="weekly", recipients=["a@example.com"])
    Report.objects.update(created_at=NOW - timedelta(days=30))
    dead, living, taken = SessionLock(), SessionLock(), []

    def die() -> None:
        taken.append(claim(NOW, made.pk, owner=dead))
        connection.close()

    sender = threading.Thread(target=die)
    sender.start()
    sender.join(20)
    assert taken and taken[0] is not None
    until(lambda: claim(NOW, made.pk, owner=living) is not None)
    # Its owner lives, so only the lease frees it.
    assert claim(NOW, made.pk, owner=SessionLock()) is None

    # One whose senders died again and again waits for it too: alerts are sent by the same process.
    Report.objects.update(attempts=ALONE_AFTER, lease_token=dead.token())
    assert claim(NOW, made.pk, owner=living) is None
    assert claim(NOW + timedelta(minutes=11), made.pk, owner=living) is not None
