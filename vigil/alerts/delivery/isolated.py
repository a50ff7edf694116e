"""Fault isolation of claims and records: a row that fails alone twice does not stop the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection

from probes.process.dead_letters import entry_of
from probes.process.isolation import Isolation
from vigil.alerts.core.pacing import AT_FIRST
from vigil.alerts.core.retry import TOLD_AFTER, after_failure, died_words, is_given_up
from vigil.alerts.crashpoints import CrashPoint, reach
from vigil.alerts.delivery.claims import Claim, claim
from vigil.alerts.delivery.compose import messages_of
from vigil.alerts.delivery.outcomes import AttemptOutcome, AttemptResult, Recorded, record
from vigil.alerts.wording.message import Message
from vigil.database.session_lock import SessionLock

_NOT_STORED = "the receiver's answer could not be stored"


@dataclass(slots=True)
class Claimed:
    """What is held under a lease, the message of each claim, and the claims for which none could be written."""

    claims: list[Claim]
    messages: dict[int, Message]
    broken: list[AttemptResult] = field(default_factory=list)


class SenderEnded(Exception):
    """The process that sent a message ended before there was an outcome, again and again."""


def claimed(
    room: Mapping[int, int],
    full: Collection[int],
    isolation: Isolation,
    owner: SessionLock | None = None,
    alone: bool = False,
) -> Claimed:
    """Claim what is due, with the message of each; a channel that cannot be claimed from rests, the others go on.

    `alone`: one message of those that are sent alone. A dead letter tells of one that ends its process even so.
    """
    resting = [int(channel) for channel in isolation.resting("claim")]
    if alone:
        found = Claimed(claim(room, AT_FIRST, [*full, *resting], owner, alone), {})
    else:
        found = Claimed(_claims(room, [*full, *resting], isolation, owner), {})

    def bury(one: Claim, error: Exception) -> None:
        isolation.bury("compose", str(one.id), error)
        found.broken.append(fault_of(one, error))

    for one in found.claims:
        if one.unfinished >= TOLD_AFTER:
            isolation.bury("send", str(one.id), SenderEnded(died_words(one.unfinished)))
    given_up = [one for one in found.claims if is_given_up(one.unfinished, one.age)]
    found.broken += [AttemptResult(one, AttemptOutcome.DEAD, died_words(one.unfinished)) for one in given_up]
    sendable = [one for one in found.claims if one not in given_up]
    for messages in isolation.apply(sendable, messages_of, bury):
        found.messages |= messages
    reach(CrashPoint.LOADED)
    return found


def record_each(outcomes: Sequence[AttemptResult], isolation: Isolation) -> Recorded:
    """`record`; of an outcome that cannot be written, what became of the delivery is, without the receiver's words."""
    bare: list[AttemptResult] = []

    def bury(one: AttemptResult, error: Exception) -> None:
        words = one.words.encode("utf-8", "replace")
        isolation.bury("record", str(one.claim.destination.id), error, entry_of("", str(one.claim.id), words))
        bare.append(AttemptResult(one.claim, one.outcome, _NOT_STORED, wait_s=60.0))

    def give_up(one: AttemptResult, error: Exception) -> None:
        isolation.bury("record", str(one.claim.destination.id), error)

    parts = isolation.apply(outcomes, record, bury)
    parts += isolation.apply(bare, record, give_up)
    written = frozenset[int]().union(*(part.written for part in parts))
    for one in outcomes:
        if one.claim.unfinished >= TOLD_AFTER and one.outcome is AttemptOutcome.SENT and one.claim.id in written:
            isolation.settle("send", str(one.claim.id))
    return Recorded(written, tuple(off for part in parts for off in part.switched_off))


def fault_of(claim: Claim, error: Exception) -> AttemptResult:
    """An attempt that failed by a fault of ours: tried again like one that the receiver did not answer."""
    what_next = after_failure(claim.attempts, claim.age, permanent=False, retry_after_s=None, seed=str(claim.id))
    outcome = AttemptOutcome.DEAD if what_next.dead else AttemptOutcome.RETRY
    return AttemptResult(claim, outcome, f"fault: {type(error).__name__}", what_next.wait_s)


def _claims(
    room: Mapping[int, int], full: Collection[int], isolation: Isolation, owner: SessionLock | None
) -> list[Claim]:
    due: list[int] = []

    def find(_: None, error: Exception) -> None:
        due.extend(_due_channels(full))

    whole = isolation.apply([None], lambda _: claim(room, AT_FIRST, full, owner), find)
    if not due:
        isolation.settle_rested("claim")
        return whole[0] if whole else []

    def some(part: Sequence[int]) -> list[Claim]:
        return claim(room, AT_FIRST, [*full, *(channel for channel in due if channel not in part)], owner)

    return [one for part in isolation.apply_rows("claim", due, some) for one in part]


def _due_channels(full: Collection[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT channel_id FROM alerts_delivery WHERE channel_id <> ALL(%s) AND"
            " ((state = 'pending' AND due_at <= now()) OR (state = 'sending' AND lease_until < now())) ORDER BY 1",
            [list(full)],
        )
        return [int(row[0]) for row in cursor.fetchall()]
