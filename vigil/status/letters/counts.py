"""Counts of letters that are over, by kind, for metrics: rows of letters are forgotten with time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from django.db import connection

from vigil.status.subscriber_models import OutboxState

_ADD = """
INSERT INTO status_lettercount AS known (kind, sent, dead, sent_at)
VALUES (%(kind)s, %(sent)s, %(dead)s, CASE WHEN %(sent)s > 0 THEN now() END)
ON CONFLICT (kind) DO UPDATE SET sent = known.sent + excluded.sent, dead = known.dead + excluded.dead,
    sent_at = coalesce(excluded.sent_at, known.sent_at)
"""


def add_letters(ended: Mapping[tuple[str, str], int]) -> None:
    """Add numbers of letters by kind and state, within the transaction that records them, as its last statement."""
    by_kind: dict[str, Counter[str]] = {}
    for (kind, state), count in ended.items():
        by_kind.setdefault(kind, Counter())[state] += count
    # In one order, so that two processes do not wait for each other.
    for kind, counts in sorted(by_kind.items()):
        sent, dead = counts[OutboxState.SENT.value], counts[OutboxState.DEAD.value]
        if sent or dead:
            with connection.cursor() as cursor:
                cursor.execute(_ADD, {"kind": kind, "sent": sent, "dead": dead})
