"""Letters that come back switch an address off: at once where it does not exist, else after the third."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vigil.status.subscribing import page_of, subscriber
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.heartbeats.receiving.mail_text import read_mail
from vigil.status.core.subscribers.failures import bounce_of
from vigil.status.subscribers.bounces import Bounces
from vigil.status.subscribers.links import bounce_address

pytestmark = pytest.mark.django_db

_REPORT = """Undelivered Mail Returned to Sender
Final-Recipient: rfc822; reader@example.test
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {words}
"""


@pytest.fixture(autouse=True)
def receives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_MAIL_PORT", "2525")
    monkeypatch.setenv("VIGIL_MAIL_DOMAIN", "pings.acme.test")
    configuration.cache_clear()


def test_a_bounce_of_an_address_that_does_not_exist_switches_it_off() -> None:
    row = subscriber(page_of(), "reader@example.test")
    local, _, domain = bounce_address(row.public_id).partition("@")
    assert domain == "pings.acme.test" and len(local) <= 64
    assert Bounces().note(local.upper(), _REPORT.format(action="failed", status="5.1.1", words="no such user"))
    row.refresh_from_db()
    assert (row.state, row.off_reason) == ("off", "bounced") and row.last_error == "5.1.1 550 no such user"


def test_other_lasting_failures_switch_off_on_the_third_day_and_passing_ones_never() -> None:
    row = subscriber(page_of(), "reader@example.test")
    local = bounce_address(row.public_id).partition("@")[0]
    for action, status in (("delayed", "4.4.1"), ("relayed", "2.0.0"), ("failed", "5.7.1")):
        Bounces().note(local, _REPORT.format(action=action, status=status, words="later"))
    Bounces().note(local, "I am on holiday until Monday.")
    row.refresh_from_db()
    assert (row.state, row.failures) == ("confirmed", 0)
    states = []
    for _ in range(3):
        # The letters of one incident: they are one failure.
        for _ in range(4):
            Bounces().note(local, _REPORT.format(action="failed", status="5.2.2", words="mailbox full"))
        row.refresh_from_db()
        states.append((row.state, row.failures))
        row.failed_at = database_now() - timedelta(days=1)
        row.save()
    assert states == [("confirmed", 1), ("confirmed", 2), ("off", 3)]


def test_an_address_that_was_made_up_is_not_taken() -> None:
    row = subscriber(page_of(), "reader@example.test")
    local = bounce_address(row.public_id).partition("@")[0]
    assert Bounces().takes(local)
    for forged in ("b-sub-0000000000000000-00000000000000000000", local[:-1], local + "0", "b-", "a@b", ""):
        assert not Bounces().takes(forged)


@pytest.mark.parametrize("kind", ["delivery-status", "global-delivery-status"])
@pytest.mark.parametrize("place", ["", "Content-Disposition: attachment; filename=details.txt\r\n"])
def test_a_report_is_read_as_mail_servers_send_it(kind: str, place: str) -> None:
    report = "Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; r@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    mail = (
        'Subject: Undeliverable\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/html\r\n\r\n<p>It could not be delivered</p>\r\n"
        f"--B\r\nContent-Type: message/{kind}\r\n{place}\r\n{report}"
        "--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: Resolved\r\n\r\nIt works.\r\n--B--\r\n"
    )
    assert bounce_of(read_mail(mail.encode()).decode()) == "5.1.1"
