"""Recovery of accepted letters: what a process that is gone had noted in its log is recorded as sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from vigil.database.session_lock import owner_of
from vigil.status.letters.counts import add_letters
from vigil.status.subscriber_models import OutboxState, SubscriberLetter

FOLDER = "letters"


def mark_letters(notes: Sequence[list[Any]], owner: int) -> int:
    """Only what that process had claimed: a number alone proves nothing."""
    letters = [note[0] for note in notes if len(note) == 1 and type(note[0]) is int and 0 < note[0] < 2**63]
    with transaction.atomic():
        claimed = SubscriberLetter.objects.select_for_update().filter(pk__in=letters, state=OutboxState.SENDING)
        rows = claimed.order_by("pk").values_list("pk", "kind", "lease_token")
        kinds = {key: kind for key, kind, token in rows if owner_of(token) == owner}
        if kinds:
            marked = SubscriberLetter.objects.filter(pk__in=kinds)
            marked.update(state=OutboxState.SENT, sent_at=Now(), lease_until=None, lease_token=None, last_error="")
            add_letters(Counter((kind, OutboxState.SENT.value) for kind in kinds.values()))
    return len(kinds)
