"""Upkeep of letters: requests that are decided, claims of processes that are gone, and what is forgotten with time."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from django.db import connection, transaction

from probes.process.isolation import Isolation
from vigil.alerts.abandoned_claims import AbandonedClaims
from vigil.alerts.accepted_log import AcceptedLog
from vigil.alerts.core.lone_turns import ClaimTurn, LoneTurns
from vigil.clock import database_now
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.status.letters.attempts import TOO_LATE, WAITS_MOST
from vigil.status.letters.claims import has_lone_letter
from vigil.status.letters.counts import add_letters
from vigil.status.letters.fan_out import write_due_letters
from vigil.status.subscriber_models import OutboxState, SubscriberLetter
from vigil.status.subscribers.changes import forget
from vigil.status.subscribers.requests import decide_requests

FORGET_EVERY_S = 60.0
_GIVEN_UP_AT_ONCE = 5_000
_WAITS = """
SELECT EXISTS (SELECT 1 FROM status_subscriptionrequest WHERE outcome = ''),
       EXISTS (SELECT 1 FROM status_publicupdate WHERE told_at IS NULL AND published_at IS NOT NULL),
       EXISTS (SELECT 1 FROM status_subscriberletter WHERE state = 'sending'),
       ARRAY(SELECT kind FROM unnest(%s::text[]) kind WHERE EXISTS (
           SELECT 1 FROM status_subscriberletter l
           WHERE l.kind = kind.kind AND l.state IN ('pending', 'sending') AND l.due_at <= now()))
"""


@dataclass(frozen=True, slots=True)
class LettersDue:
    """What a turn has found: requests that it decided, whether letters are due or under way, and kinds of due ones.

    `turn` is what is claimed: a letter that ended its process again and again is sent while no other is.
    """

    requests: int
    letters: bool
    kinds: frozenset[SubscriberKind]
    turn: ClaimTurn = ClaimTurn.OTHERS


class LetterUpkeep:
    """What is done before letters are claimed; `owner` is the key of this process."""

    def __init__(self, owner: int, log: AcceptedLog) -> None:
        self._abandoned = AbandonedClaims(owner, "status_subscriberletter")
        self._log = log
        self._forgot_s = time.monotonic()
        self._turns = LoneTurns()

    def look(self, isolation: Isolation, *, idle: bool) -> LettersDue:
        """Do what is due; where nothing is, it costs two queries. `idle`: no letter is being sent."""
        asked, untold, sending, kinds = _waits()
        decided = isolation.attempt("requests", decide_requests, 0) if asked else 0
        written = isolation.attempt("fan_out", lambda: write_due_letters(isolation.each), 0) if untold else 0
        if sending:
            # What others had noted comes first: their claims are free only then.
            isolation.attempt("accepted", self._log.recover, 0)
            isolation.attempt("abandoned", self._abandoned.free, 0)
        if time.monotonic() - self._forgot_s > FORGET_EVERY_S:
            self._forgot_s = time.monotonic()
            isolation.attempt("forget", forget, 0)
            isolation.attempt("given_up", give_up_old_letters, 0)
        if decided + written > 0:
            # Of any kind: the next turn looks.
            kinds = frozenset(SubscriberKind)
        now_s = time.monotonic()
        if self._turns.looks(now_s):
            self._turns.note(now_s, waits=has_lone_letter())
        return LettersDue(decided, bool(kinds) or sending, kinds, self._turns.next(now_s, idle=idle))


def give_up_old_letters() -> int:
    """Give up letters that have waited too long, such as all of a mail server that is not set; returns how many, a
    bounded number at once."""
    waiting = SubscriberLetter.objects.filter(state=OutboxState.PENDING, created_at__lt=database_now() - WAITS_MOST)
    with transaction.atomic():
        found = waiting.order_by("pk").select_for_update(skip_locked=True).values_list("pk", "kind")
        rows = list(found[:_GIVEN_UP_AT_ONCE])
        given_up = SubscriberLetter.objects.filter(pk__in=[key for key, _ in rows])
        given_up.update(state=OutboxState.DEAD, last_error=TOO_LATE)
        add_letters(Counter((kind, OutboxState.DEAD.value) for _, kind in rows))
    return len(rows)


def _waits() -> tuple[bool, bool, bool, frozenset[SubscriberKind]]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, [[kind.value for kind in SubscriberKind]])
        asked, untold, sending, kinds = cursor.fetchone() or (False, False, False, ())
    return asked, untold, sending, frozenset(map(SubscriberKind, kinds))
