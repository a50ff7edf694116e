"""Limits on requests to subscribe: nobody is mailed by a stranger more than a little, and no page is filled. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from vigil.status.core.subscriber_terms import RequestOutcome, SubscriberState

#: How long a link to confirm works, and a subscriber waits for it.
CONFIRM_WITHIN = timedelta(hours=48)
#: Letters that requests cause: to one address from one page and from all pages in a day, to one host of webhooks in a
#: day, and from one page in an hour.
DAY, HOUR = timedelta(hours=24), timedelta(hours=1)
OF_ADDRESS_AND_PAGE, OF_ADDRESS, OF_HOST, OF_PAGE = 1, 3, 20, 100
#: Subscribers of a page, and of these those that are not confirmed.
SUBSCRIBERS_MOST, PENDING_MOST = 50_000, 5_000
#: Requests that a page takes in an hour, and that wait to be decided in all; more are dropped unseen.
TAKEN_OF_PAGE, WAITING_MOST = 1_000, 10_000
#: What was decided so: it caused a letter.
CAUSED_LETTERS = (RequestOutcome.ASKED, RequestOutcome.REMINDED)


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What a request is decided by. `state` is that of the subscriber, if there is one; the numbers are letters that
    were caused within their windows, and subscribers of the page."""

    kind_is_on: bool
    state: SubscriberState | None = None
    of_address_and_page: int = 0
    of_address: int = 0
    of_host: int = 0
    of_page: int = 0
    subscribers: int = 0
    pending: int = 0


def decide_request(facts: RequestFacts) -> RequestOutcome:
    """What becomes of a request: `ASKED` sends a letter to confirm, `REMINDED` the link to one who is confirmed."""
    if not facts.kind_is_on:
        return RequestOutcome.KIND_OFF
    if facts.of_address_and_page >= OF_ADDRESS_AND_PAGE:
        return RequestOutcome.ASKED_LATELY
    if facts.of_address >= OF_ADDRESS:
        return RequestOutcome.ADDRESS_OFTEN
    if facts.of_host >= OF_HOST:
        return RequestOutcome.HOST_OFTEN
    if facts.of_page >= OF_PAGE:
        return RequestOutcome.PAGE_OFTEN
    if facts.state is SubscriberState.CONFIRMED:
        return RequestOutcome.REMINDED
    if facts.state is None and (facts.subscribers >= SUBSCRIBERS_MOST or facts.pending >= PENDING_MOST):
        return RequestOutcome.PAGE_FULL
    return RequestOutcome.ASKED
