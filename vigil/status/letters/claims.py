"""Claims of letters: takes due rows of the outbox under a lease, and records what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from vigil.alerts.core.retry import ALONE_AFTER, TOLD_AFTER, alone_again_s
from vigil.alerts.crashpoints import reach
from vigil.clock import database_now
from vigil.database.session_lock import SessionLock
from vigil.status.core.states import PublicImpact
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.status.core.subscribers.outcomes import LetterOutcome, LetterResult
from vigil.status.letters.counts import add_letters
from vigil.status.letters.crashpoints import LetterCrashPoint
from vigil.status.models import PublicIncident, PublicUpdate, StatusPage
from vigil.status.subscriber_models import Subscriber, SubscriberLetter
from vigil.status.subscribers.changes import confirm
from vigil.status.subscribers.failing import note_failures

#: Longer than any wait and send, so only a sender that hangs loses its lease. A dead one loses it with its session.
LEASE = timedelta(seconds=180)
#: Why a letter that failed is sent no more.
NEWER = "a newer one says more"

# Of one incident a letter waits for the one before it to the same subscriber: an end overtakes no beginning. One that
# failed is waited for by none, and is not sent when a newer one is there: old news would be read as new.
_CLAIM = """
WITH due AS (
    SELECT l.id, l.subscriber_id, u.incident_id FROM status_subscriberletter l
    LEFT JOIN status_publicupdate u ON u.id = l.update_id
    WHERE l.kind = %(kind)s AND l.state IN ('pending', 'sending') AND l.due_at <= now()
      AND (l.state = 'pending' OR l.lease_until < now()) AND (l.unfinished >= %(alone_after)s) = %(alone)s
      AND NOT EXISTS (
          SELECT 1 FROM status_subscriberletter o JOIN status_publicupdate ou ON ou.id = o.update_id
          WHERE o.subscriber_id = l.subscriber_id AND ou.incident_id = u.incident_id
            AND o.state IN ('pending', 'sending')
            AND (o.id < l.id AND (o.state = 'sending' OR o.last_error = '') OR o.id > l.id AND l.last_error <> ''))
    ORDER BY l.purpose, l.due_at, l.id LIMIT %(room)s FOR UPDATE OF l SKIP LOCKED
), ended AS (
    UPDATE status_subscriberletter o SET state = 'dead', last_error = %(newer)s
    FROM due JOIN status_publicupdate ou ON ou.incident_id = due.incident_id
    WHERE o.update_id = ou.id AND o.subscriber_id = due.subscriber_id AND o.id < due.id AND o.state = 'pending'
)
UPDATE status_subscriberletter l SET state = 'sending', attempts = l.attempts + 1,
       unfinished = LEAST(l.unfinished + 1, 1000),
       due_at = CASE WHEN %(alone)s
                THEN now() + (%(again)s::float8[])[LEAST(l.unfinished - %(alone_after)s + 1, %(agains)s)]
                           * interval '1 second' ELSE l.due_at END,
       lease_until = now() + %(lease)s, lease_token = %(token)s
FROM due WHERE l.id = due.id RETURNING l.id
"""
# The number stands in it, as in the index.
_HAS_ALONE = f"""
SELECT 1 FROM status_subscriberletter
WHERE state IN ('pending', 'sending') AND unfinished >= {ALONE_AFTER} AND due_at <= now()
  AND (state = 'pending' OR lease_until < now()) LIMIT 1
"""
#: Seconds until the next attempt of a letter that is sent alone, if the last one does not end either.
_AGAIN_S = [alone_again_s(unfinished) for unfinished in range(ALONE_AFTER, TOLD_AFTER + 1)]
# Of one that was given up the count stays: when it is sent again, it is alone at first.
_RECORD = """
UPDATE status_subscriberletter l SET state = r.state, lease_until = NULL, lease_token = NULL,
       unfinished = CASE WHEN r.state = 'dead' AND l.unfinished > 1 THEN l.unfinished ELSE 0 END,
       sent_at = CASE WHEN r.state = 'sent' THEN now() END,
       due_at = CASE WHEN r.state = 'pending' THEN now() + r.wait_s * interval '1 second' ELSE l.due_at END,
       last_error = r.words
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(waits)s::float8[], %(words)s::text[], %(tokens)s::uuid[])
    AS r(id, state, wait_s, words, token)
WHERE l.id = r.id AND l.state = 'sending' AND l.lease_token = r.token RETURNING l.id, l.kind, l.state
"""


@dataclass(frozen=True, slots=True)
class ClaimedLetters:
    """Letters that this process holds until their lease ends, with subscriber, page and update, and their token.

    `indicators` are the worst open impact of each page, by its key.
    """

    letters: Sequence[SubscriberLetter]
    token: UUID
    at: datetime
    indicators: Mapping[int, str]


def claim_letters(room: Mapping[SubscriberKind, int], owner: SessionLock, alone: bool = False) -> ClaimedLetters:
    """Claim what is due; `room` is how many letters of each kind can be sent.

    `alone`: one letter of those that are sent alone, because their attempts ended without an outcome; such are left
    out otherwise.
    """
    token, keys = owner.token(), list[int]()
    shared: dict[str, Any] = {"lease": LEASE, "token": token, "newer": NEWER, "alone": alone, "again": _AGAIN_S}
    shared |= {"alone_after": ALONE_AFTER, "agains": len(_AGAIN_S)}
    with transaction.atomic():
        owner.hold()
        for kind, most in room.items():
            if most > 0 and not (alone and keys):
                with connection.cursor() as cursor:
                    cursor.execute(_CLAIM, shared | {"kind": kind.value, "room": 1 if alone else most})
                    keys += [int(row[0]) for row in cursor.fetchall()]
    reach(LetterCrashPoint.CLAIMED)
    letters = _read(keys)
    return ClaimedLetters(letters, token, database_now(), _indicators({one.subscriber.page_id for one in letters}))


def has_lone_letter() -> bool:
    """Whether a letter is due that is sent alone, and that nobody sends now."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_ALONE)
        return cursor.fetchone() is not None


def record_letters(results: Collection[LetterResult]) -> None:
    """Write what became of letters whose lease still holds, and count failures of their subscribers."""
    with transaction.atomic():
        _lock_changed(results)
        written = _written(results)
        recorded = [one for one in results if one.letter in written]
        note_failures(recorded)
        for one in recorded:
            if one.confirms:
                confirm(one.subscriber)
        add_letters(Counter(written.values()))
        reach(LetterCrashPoint.WRITTEN)
    reach(LetterCrashPoint.RECORDED)


def _lock_changed(results: Collection[LetterResult]) -> None:
    """Lock whom a result changes, in the order of their keys and before their letters, as who unsubscribes does."""
    names = {one.subscriber for one in results if one.changes_subscriber}
    if names:
        rows = Subscriber.objects.filter(public_id__in=names).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))


def _written(results: Collection[LetterResult]) -> dict[int, tuple[str, str]]:
    """Write their letters; returns kind and state of each that was written, by its key."""
    columns: dict[str, Any] = {
        "ids": [one.letter for one in results],
        "states": [_STATES[one.outcome] for one in results],
        "waits": [one.wait_s for one in results],
        "words": [one.words[:300] for one in results],
        "tokens": [one.token for one in results],
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, columns)
        return {int(key): (kind, state) for key, kind, state in cursor.fetchall()}


_STATES = {LetterOutcome.ACCEPTED: "sent", LetterOutcome.RETRY: "pending", LetterOutcome.DEAD: "dead"}


def _indicators(pages: Collection[int]) -> dict[int, str]:
    found = dict.fromkeys(pages, PublicImpact.NONE.value)
    order = [one.value for one in PublicImpact]
    rows = PublicIncident.objects.filter(page_id__in=pages, resolved_at=None, published_at__isnull=False)
    for page, impact in rows.values_list("page_id", "impact").distinct():
        found[page] = max(found[page], impact, key=order.index)
    return found


def _read(keys: Collection[int]) -> list[SubscriberLetter]:
    """Letters in the order in which they are sent. Of one update and page they share the rows, which are read once."""
    rows = SubscriberLetter.objects.filter(pk__in=keys).select_related("subscriber")
    letters = list(rows.order_by("purpose", "due_at", "pk"))
    pages = StatusPage.objects.in_bulk({one.subscriber.page_id for one in letters})
    about = PublicUpdate.objects.select_related("incident__maintenance").prefetch_related("incident__components")
    updates = about.in_bulk({one.update_id for one in letters if one.update_id is not None})
    found = []
    for one in letters:
        page, update = pages.get(one.subscriber.page_id), updates.get(one.update_id or 0)
        # What was deleted in this moment has taken its letters with it.
        if page is not None and (update is None) == (one.update_id is None):
            one.subscriber.page, one.update = page, update
            found.append(one)
    return found
