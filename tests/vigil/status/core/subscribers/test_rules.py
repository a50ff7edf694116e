"""Limits of requests, the count of failures, and the pace of letters, each by its table of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vigil.status.core.subscriber_terms import OffReason, RequestOutcome, SubscriberState
from vigil.status.core.subscribers.failures import bounce_of, count_failure
from vigil.status.core.subscribers.limits import RequestFacts, decide_request
from vigil.status.core.subscribers.pace import BURST, PER_S, REST_S, LetterPace

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (RequestFacts(True), RequestOutcome.ASKED),
        (RequestFacts(True, SubscriberState.PENDING), RequestOutcome.ASKED),
        (RequestFacts(True, SubscriberState.OFF), RequestOutcome.ASKED),
        (RequestFacts(True, SubscriberState.CONFIRMED), RequestOutcome.REMINDED),
        (RequestFacts(False), RequestOutcome.KIND_OFF),
        (RequestFacts(True, SubscriberState.CONFIRMED, of_address_and_page=1), RequestOutcome.ASKED_LATELY),
        (RequestFacts(True, of_address=3), RequestOutcome.ADDRESS_OFTEN),
        (RequestFacts(True, of_host=20), RequestOutcome.HOST_OFTEN),
        (RequestFacts(True, of_page=100), RequestOutcome.PAGE_OFTEN),
        (RequestFacts(True, subscribers=50_000), RequestOutcome.PAGE_FULL),
        (RequestFacts(True, pending=5_000), RequestOutcome.PAGE_FULL),
        (RequestFacts(True, SubscriberState.OFF, subscribers=50_000), RequestOutcome.ASKED),
    ],
)
def test_a_request_causes_a_letter_within_its_limits_only(facts: RequestFacts, outcome: RequestOutcome) -> None:
    assert decide_request(facts) is outcome


@pytest.mark.parametrize(
    ("before", "days_ago", "reason", "words", "failures", "off"),
    [
        (0, None, OffReason.REFUSED, "550 5.2.1 disabled", 1, None),
        (2, 1, OffReason.REFUSED, "550 5.2.1 disabled", 3, OffReason.REFUSED),
        (2, 31, OffReason.REFUSED, "550 5.2.1 disabled", 1, None),
        (2, 0.5, OffReason.REFUSED, "550 5.2.1 disabled", 2, None),
        (2, 0.5, OffReason.FAILING, "the receiver answered 404", 2, None),
        (2, 1, OffReason.FAILING, "the receiver answered 404: nginx/5.1.1", 3, OffReason.FAILING),
        (0, None, OffReason.FAILING, "the receiver answered 404: nginx/5.1.1", 1, None),
        (0, None, OffReason.BOUNCED, "5.1.1 no such user", 1, OffReason.BOUNCED),
        (1, 0.1, OffReason.BOUNCED, "5.1.10 null MX", 2, OffReason.BOUNCED),
        (0, None, OffReason.REFUSED, "550 5.1.1 User unknown in relay recipient table", 1, OffReason.REFUSED),
        (0, None, OffReason.BOUNCED, "5.2.2 full", 1, None),
        (0, None, OffReason.BOUNCED, "5.0.0 host mx[95.1.1.2] said: 550 no", 1, None),
        (0, None, OffReason.GONE, "410", 1, OffReason.GONE),
        (1, 0.1, OffReason.GONE, "410", 2, OffReason.GONE),
    ],
)
def test_failures_switch_off_when_they_last(
    before: int, days_ago: float | None, reason: OffReason, words: str, failures: int, off: OffReason | None
) -> None:
    last = None if days_ago is None else NOW - timedelta(days=days_ago)
    counted = count_failure(before, last, NOW, reason, words)
    assert (counted.failures, counted.off) == (failures, off)


@pytest.mark.parametrize(
    "words",
    [
        "554 5.7.1 <reader@example.test>: Relay access denied",
        "550 relay not permitted",
        "550-5.7.26 This mail has been blocked because the sender is unauthenticated",
        "550 5.1.8 <status@acme.test>: Sender address rejected: Domain not found",
    ],
)
def test_what_is_about_the_sender_is_no_failure_of_an_address(words: str) -> None:
    at = NOW - timedelta(days=3)
    counted = count_failure(2, at, NOW, OffReason.REFUSED, f"the recipient was refused: {words}")
    assert (counted.failures, counted.at, counted.off) == (2, at, None)


_QMAIL = """failure notice
Hi. This is the qmail-send program at mx.example.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<reader@example.test>:
{said}

--- Below this line is a copy of the message.
"""
_EXIM = """Mail delivery failed: returning message to sender
A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  reader@example.test
    SMTP error from remote mail server after RCPT TO:<reader@example.test>:
    host mx.example.test [95.1.1.2]: 550 5.1.1 User unknown
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no\r\n", "5.1.1 550 no"),
        ("action: FAILED\nstatus: 5.0.0\n", "5.0.0"),
        ("Action: failed (gave up)\nStatus: 4.4.1\nDiagnostic-Code: X-Postfix; no", "4.4.1 X-Postfix; no"),
        ("Action: failed\nStatus: 5.1.1\nDiagnostic-Code:\n smtp; 550-5.1.1 no", "5.1.1 550-5.1.1 no"),
        (_QMAIL.format(said="Sorry, no mailbox here by that name. (#5.1.1)"), "5.1.1"),
        (_QMAIL.format(said="Remote host said: 550 5.2.1 disabled"), "550 5.2.1 disabled"),
        (_QMAIL.format(said="Sorry."), "5.0.0"),
        (_EXIM, "550 5.1.1 User unknown"),
        ("Action: delayed\nStatus: 4.4.7", ""),
        ("Action: relayed\nStatus: 2.0.0", ""),
        ("Status: 5.1.1", ""),
        ("Out of office\nAction: failed to plan\nStatus: 5.1.1 working days", ""),
        ("Action: failed", ""),
        ("I am on holiday until 5 May. In urgent cases call 555 1234.", ""),
        ("", ""),
    ],
)
def test_only_a_report_of_a_lasting_failure_is_a_bounce(text: str, said: str) -> None:
    assert bounce_of(text) == said


def test_letters_go_at_their_pace_and_rest_longer_each_time_while_the_server_is_away() -> None:
    pace = LetterPace()
    assert pace.room(1_000, 0.0) == BURST
    pace.begin(int(BURST))
    assert pace.room(1_000, 0.0) == 0 and pace.room(1_000, 0.1) == int(PER_S * 0.1)
    pace.rest(1.0)
    pace.rest(1.0)
    assert pace.room(10, 1.0 + REST_S - 0.1) == 0 and pace.room(10, 1.0 + REST_S) == 10
    pace.rest(4.0)
    assert pace.room(10, 4.0 + REST_S) == 0 and pace.room(10, 4.0 + 2 * REST_S) == 10
    pace.answered()
    pace.rest(20.0)
    assert pace.room(10, 20.0 + REST_S) == 10
