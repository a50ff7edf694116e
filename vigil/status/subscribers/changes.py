"""Write paths of subscribers: confirm, choose, unsubscribe, and what is forgotten with time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import structlog
from django.db import OperationalError, transaction
from django.db.models import Q

from vigil.clock import database_now
from vigil.status.core.subscriber_terms import SubscriberState
from vigil.status.core.subscribers.limits import CONFIRM_WITHIN
from vigil.status.models import PageComponent
from vigil.status.subscriber_models import OutboxState, Subscriber, SubscriberLetter, SubscriptionRequest

#: How long what is over is kept: requests for the limits of a day, subscribers that are off, and letters.
KEPT_REQUESTS, KEPT_OFF, KEPT_LETTERS = timedelta(hours=48), timedelta(days=90), timedelta(days=90)
_FORGOTTEN_AT_ONCE = 5_000
_DEADLOCK = "40P01"

log = structlog.get_logger()


def confirm(subscriber: str) -> Subscriber | None:
    """Confirm by public id, once or again; None where there is nothing to confirm any more."""
    with transaction.atomic():
        row = _locked(subscriber)
        if row is None or row.state == SubscriberState.OFF:
            return None
        if row.state == SubscriberState.PENDING:
            row.state, row.confirmed_at = SubscriberState.CONFIRMED, database_now()
            row.failures, row.failed_at, row.last_error = 0, None, ""
            row.save(update_fields=["state", "confirmed_at", "failures", "failed_at", "last_error"])
            log.info("subscriber.confirmed", subscriber=row.public_id, kind=row.kind)
    return row


def choose(subscriber: str, components: Collection[PageComponent] | None) -> Subscriber | None:
    """Tell it of these components from now on, or of the whole page for None; None where it is gone."""
    with transaction.atomic():
        row = _locked(subscriber)
        if row is None:
            return None
        row.whole = components is None
        row.save(update_fields=["whole"])
        row.components.set(components or ())
    return row


def unsubscribe(subscriber: str) -> bool:
    """Forget a subscriber with its address and letters; returns whether it was there. A second time changes nothing."""
    try:
        row = _delete(subscriber)
    except OperationalError as error:
        # Its letters may be claimed at this moment, in another order: PostgreSQL has ended this one of the two.
        if getattr(error.__cause__, "sqlstate", "") != _DEADLOCK:
            raise
        row = _delete(subscriber)
    if row is not None:
        log.info("subscriber.left", subscriber=subscriber, kind=row.kind)
    return row is not None


def forget() -> int:
    """Delete what has been kept long enough; returns how many rows, a bounded number at once."""
    now = database_now()
    requests = SubscriptionRequest.objects.filter(at__lt=now - KEPT_REQUESTS)
    over = Subscriber.objects.filter(
        Q(state=SubscriberState.PENDING, asked_at__lt=now - CONFIRM_WITHIN - timedelta(hours=1))
        | Q(state=SubscriberState.OFF, off_at__lt=now - KEPT_OFF)
    )
    ended = (OutboxState.SENT, OutboxState.DEAD)
    letters = SubscriberLetter.objects.filter(created_at__lt=now - KEPT_LETTERS, state__in=ended)
    count = 0
    for rows in (requests, over, letters):
        with transaction.atomic():
            # Subscribers are locked before their letters, as by whoever records these.
            found = rows.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)
            keys = list(found[:_FORGOTTEN_AT_ONCE])
            if keys:
                count += rows.model.objects.filter(pk__in=keys).delete()[0]
    return count


def _locked(subscriber: str) -> Subscriber | None:
    rows = Subscriber.objects.select_for_update(of=("self",), no_key=True).select_related("page")
    return rows.filter(public_id=subscriber).first()


def _delete(subscriber: str) -> Subscriber | None:
    with transaction.atomic():
        row = Subscriber.objects.select_for_update().filter(public_id=subscriber).first()
        if row is not None:
            row.delete()
    return row
