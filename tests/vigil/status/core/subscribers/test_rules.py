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
        (0, None, OffReason.REFUSED, "550 5.7.1 policy", 1, None),
        (2, 1, OffReason.REFUSED, "550 5.7.1 policy", 3, OffReason.REFUSED),
        (2, 31, OffReason.REFUSED, "550 5.7.1 policy", 1, None),
        (0, None, OffReason.BOUNCED, "5.1.1 no such user", 1, OffReason.BOUNCED),
        (0, None, OffReason.BOUNCED, "5.1.10 null MX", 1, OffReason.BOUNCED),
        (0, None, OffReason.BOUNCED, "5.2.2 full", 1, None),
        (0, None, OffReason.GONE, "410", 1, OffReason.GONE),
    ],
)
def test_failures_switch_off_when_they_last(
    before: int, days_ago: int | None, reason: OffReason, words: str, failures: int, off: OffReason | None
) -> None:
    last = None if days_ago is None else NOW - timedelta(days=days_ago)
    counted = count_failure(before, last, NOW, reason, words)
    assert (counted.failures, counted.off) == (failures, off)


def test_only_a_lasting_failure_in_a_report_is_a_bounce() -> None:
    assert bounce_of("Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no\r\n") == "5.1.1 550 no"
    assert bounce_of("action: FAILED\nstatus: 5.0.0\n") == "5.0.0"
    for text in (
        "Action: delayed\nStatus: 4.4.7",
        "Action: failed\nStatus: 4.2.2",
        "Status: 5.1.1",
        "Action: failed",
        "",
    ):
        assert bounce_of(text) == ""


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
