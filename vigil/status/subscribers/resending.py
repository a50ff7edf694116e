"""Resending of letters that were given up: by a person of the team, for one update."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import Least, Now

from vigil.alerts.core.retry import ALONE_AFTER
from vigil.status.core.subscriber_terms import SubscriberState
from vigil.status.models import PublicUpdate
from vigil.status.subscriber_models import OutboxState, SubscriberLetter

log = structlog.get_logger()


def resendable_of(updates: Iterable[PublicUpdate]) -> dict[int, int]:
    """How many letters of each update can be sent again, by its key; one query."""
    rows = _resendable().filter(update__in=list(updates)).order_by().values_list("update")
    return dict(rows.annotate(Count("pk")))


def resend_letters(update: PublicUpdate) -> int:
    """Send the letters of an update that were given up once more, like new ones; returns how many.

    One that ended its sender again and again is sent alone.
    """
    again = _resendable().filter(update=update).values("pk")
    letters = SubscriberLetter.objects.filter(pk__in=again, state=OutboxState.DEAD).update(
        state=OutboxState.PENDING,
        attempts=0,
        unfinished=Least("unfinished", ALONE_AFTER),
        created_at=Now(),
        due_at=Now(),
        last_error="",
    )
    if letters:
        log.info("letters.resent", update=update.public_id, letters=letters)
    return letters


def _resendable() -> QuerySet[SubscriberLetter]:
    """Given up, of who is told still. Where a newer update of the incident was told, that one says more."""
    newer = SubscriberLetter.objects.filter(
        subscriber=OuterRef("subscriber"), update__incident=OuterRef("update__incident"), pk__gt=OuterRef("pk")
    )
    told = {"subscriber__state": SubscriberState.CONFIRMED, "subscriber__page__enabled": True}
    return SubscriberLetter.objects.filter(~Exists(newer), state=OutboxState.DEAD, **told)
