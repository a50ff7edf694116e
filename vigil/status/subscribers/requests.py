"""Requests to subscribe: taken by one INSERT that looks at nobody, and decided later by `vigil deliver`.

So the answer to a request tells nothing of who subscribes, neither by its words nor by the time that it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection, transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from vigil.accounts.sealed import SealedValueUnreadable, Secrets
from vigil.clock import database_now
from vigil.status.core.subscriber_terms import LetterPurpose, RequestOutcome, SubscriberKind, SubscriberState
from vigil.status.core.subscribers.limits import (
    CAUSED_LETTERS,
    DAY,
    HOUR,
    TAKEN_OF_PAGE,
    WAITING_MOST,
    RequestFacts,
    decide_request,
)
from vigil.status.subscriber_models import Subscriber, SubscriberLetter, SubscriptionRequest
from vigil.status.subscribers.addresses import fingerprint_of, host_fingerprint_of, limit_fingerprint_of
from vigil.status.subscribers.kinds import kinds_of

#: Requests that are decided in one turn.
DECIDED_AT_ONCE = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WantedSubscription:
    """What a stranger asks for. The address is in one spelling; without components it is the whole page."""

    kind: SubscriberKind
    address: str
    components: Sequence[str] = ()


def take_request(page: int, wanted: WantedSubscription) -> None:
    """Note a request for a page, by its key. Beyond a page's and the installation's bounds it is dropped unseen."""
    with transaction.atomic():
        _lock(page)
        now = database_now()
        rows = SubscriptionRequest.objects
        of_page = rows.filter(page_id=page, at__gt=now - HOUR).count()
        if of_page >= TAKEN_OF_PAGE or rows.filter(outcome="").count() >= WAITING_MOST:
            return
        rows.create(
            page_id=page,
            kind=wanted.kind,
            sealed=Secrets({"address": wanted.address}),
            fingerprint=limit_fingerprint_of(wanted.kind, wanted.address),
            host_fingerprint=host_fingerprint_of(wanted.kind, wanted.address),
            components=list(wanted.components),
            at=now,
        )


def decide_requests() -> int:
    """Decide what was asked for, the oldest first, each in a transaction of its own; returns how many."""
    waiting = SubscriptionRequest.objects.filter(outcome="").order_by("pk").values_list("pk", "page_id")
    found = list(waiting[:DECIDED_AT_ONCE])
    for key, page in found:
        with transaction.atomic():
            _lock(page)
            row = SubscriptionRequest.objects.select_for_update().filter(pk=key, outcome="").first()
            if row is not None:
                _decide(row)
    return len(found)


def _decide(row: SubscriptionRequest) -> None:
    kind = SubscriberKind(row.kind)
    try:
        address = row.address
    except SealedValueUnreadable:
        _note(row, RequestOutcome.UNREADABLE)
        return
    now = database_now()
    found = Subscriber.objects.filter(page_id=row.page_id, kind=kind, fingerprint=fingerprint_of(kind, address)).first()
    outcome = decide_request(_facts(row, kind, found, now))
    _note(row, outcome)
    if outcome is RequestOutcome.REMINDED and found is not None:
        _write_letter(found, LetterPurpose.MANAGE)
    elif outcome is RequestOutcome.ASKED:
        _write_letter(_pending(row, kind, address, found, now), LetterPurpose.CONFIRM)


def _facts(row: SubscriptionRequest, kind: SubscriberKind, found: Subscriber | None, now: datetime) -> RequestFacts:
    caused = SubscriptionRequest.objects.filter(outcome__in=CAUSED_LETTERS)
    of_address = caused.filter(fingerprint=row.fingerprint, at__gt=now - DAY)
    of_host = caused.filter(host_fingerprint=row.host_fingerprint, at__gt=now - DAY) if row.host_fingerprint else None
    counts = Subscriber.objects.filter(page_id=row.page_id).aggregate(
        all=Count("pk", filter=~Q(state=SubscriberState.OFF)),
        pending=Count("pk", filter=Q(state=SubscriberState.PENDING)),
    )
    return RequestFacts(
        kind_is_on=row.page.enabled and kind in kinds_of(row.page),
        state=SubscriberState(found.state) if found is not None else None,
        of_address_and_page=of_address.filter(page_id=row.page_id).count(),
        of_address=of_address.count(),
        of_host=of_host.count() if of_host is not None else 0,
        of_page=caused.filter(page_id=row.page_id, at__gt=now - HOUR).count(),
        subscribers=counts["all"],
        pending=counts["pending"],
    )


def _pending(
    row: SubscriptionRequest, kind: SubscriberKind, address: str, found: Subscriber | None, now: datetime
) -> Subscriber:
    """The subscriber that waits to be confirmed, with what was asked for last."""
    one = found or Subscriber(team_id=row.page.team_id, page_id=row.page_id, kind=kind)
    one.sealed, one.fingerprint = Secrets({"address": address}), fingerprint_of(kind, address)
    one.state, one.off_reason, one.off_at, one.asked_at = SubscriberState.PENDING, "", None, now
    one.whole = not row.components
    one.save()
    one.components.set(row.page.components.filter(public_id__in=_texts(row.components)))
    return one


def _write_letter(subscriber: Subscriber, purpose: LetterPurpose) -> None:
    SubscriberLetter.objects.create(
        subscriber=subscriber, kind=subscriber.kind, purpose=purpose, created_at=Now(), due_at=Now()
    )


def _note(row: SubscriptionRequest, outcome: RequestOutcome) -> None:
    """Note what became of it, and forget whose address it was."""
    SubscriptionRequest.objects.filter(pk=row.pk).update(outcome=outcome, sealed=Secrets())
    log.info("subscription.decided", page=row.page.public_id, kind=row.kind, outcome=outcome.value)


def _texts(given: Collection[object]) -> list[str]:
    return [one for one in given if isinstance(one, str)]


def _lock(page: int) -> None:
    """Count and write in turn for one page, without a lock on its row, which publications need."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, page % 2**31])


#: Class of advisory locks of requests to subscribe.
_LOCK = 7_355_201
