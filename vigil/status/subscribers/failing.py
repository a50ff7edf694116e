"""Failures of subscribers: counted, shown to the team, and in the end a reason to switch one off."""

from __future__ import annotations

from collections.abc import Collection

import structlog
from django.db import transaction

from vigil.clock import database_now
from vigil.status.core.subscriber_terms import OffReason, SubscriberState
from vigil.status.core.subscribers.failures import count_failure
from vigil.status.core.subscribers.outcomes import LetterResult
from vigil.status.subscriber_models import OutboxState, Subscriber, SubscriberLetter

log = structlog.get_logger()
_SWITCHED_OFF = "the subscriber was switched off"


def note_failures(results: Collection[LetterResult]) -> None:
    """Count what the results blame on their subscribers, and forget failures that others have ended."""
    cleared = [one.subscriber for one in results if one.clears]
    if cleared:
        Subscriber.objects.filter(public_id__in=cleared, failures__gt=0).update(failures=0, last_error="")
    for one in results:
        if one.blames is not None:
            note_failure(one.subscriber, one.blames, one.words)


def note_failure(subscriber: str, reason: OffReason, words: str) -> None:
    """Count one failure, by public id; the one that is one too many switches the subscriber off."""
    with transaction.atomic():
        row = Subscriber.objects.select_for_update(no_key=True).filter(public_id=subscriber).first()
        if row is None or row.state == SubscriberState.OFF:
            return
        now = database_now()
        counted = count_failure(row.failures, row.failed_at, now, reason, words)
        row.failures, row.failed_at, row.last_error = counted.failures, counted.at, words[:300]
        if counted.off is not None:
            row.state, row.off_reason, row.off_at = SubscriberState.OFF, counted.off, now
            waiting = SubscriberLetter.objects.filter(subscriber=row, state=OutboxState.PENDING)
            waiting.update(state=OutboxState.DEAD, last_error=_SWITCHED_OFF)
            log.warning("subscriber.switched_off", subscriber=row.public_id, kind=row.kind, reason=counted.off.value)
        row.save(update_fields=["failures", "failed_at", "last_error", "state", "off_reason", "off_at"])
