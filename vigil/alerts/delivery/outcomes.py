"""Outcome recording in batches: accepted, dead letter, retry; and disabling of failing channels."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Least, Now

from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts
from vigil.alerts.channels import CHANNELS
from vigil.alerts.core.retry import ALONE_AFTER
from vigil.alerts.crashpoints import CrashPoint, reach
from vigil.alerts.delivery.claims import Claim
from vigil.alerts.models import Delivery, DeliveryState
from vigil.monitors.live.version import touch

ERROR_LIMIT = 300
REFERENCE_LIMIT = 120
#: Consecutive incidents with permanent refusals before a channel is switched off.
REFUSALS = 3

# Only under a lease that is still held. Grouped deliveries share the outcome of their leader.
_RECORD = """
WITH done AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[], %(states)s::text[], %(words)s::text[],
                         %(waits)s::float8[], %(references)s::text[])
        AS u(id, token, state, words, wait, reference)
), mine AS (
    UPDATE alerts_delivery d SET
        state = u.state, lease_until = NULL, lease_token = NULL,
        unfinished = CASE WHEN u.state = 'dead' AND d.unfinished > 1 THEN d.unfinished ELSE 0 END,
        sent_at = CASE WHEN u.state = 'sent' THEN now() ELSE d.sent_at END,
        due_at = CASE WHEN u.state = 'pending' THEN now() + u.wait * interval '1 second' ELSE d.due_at END,
        last_error = CASE WHEN u.state = 'sent' THEN '' ELSE u.words END,
        answer = CASE WHEN u.state = 'sent' THEN u.words ELSE d.answer END,
        reference = CASE WHEN u.reference <> '' THEN u.reference ELSE d.reference END
    FROM done u WHERE d.id = u.id AND d.lease_token = u.token AND d.state = 'sending'
    RETURNING d.id, d.team_id, u.state AS outcome, u.words
), led AS (
    UPDATE alerts_delivery m SET
        state = mine.outcome, sent_at = CASE WHEN mine.outcome = 'sent' THEN now() ELSE m.sent_at END,
        last_error = CASE WHEN mine.outcome = 'sent' THEN '' ELSE mine.words END, attempts = m.attempts + 1
    FROM mine WHERE m.leader_id = mine.id AND m.state = 'gathered' AND mine.outcome IN ('sent', 'dead')
)
SELECT id, team_id FROM mine
"""

_REFUSED = """
UPDATE alerts_channel c SET refused = (
    SELECT coalesce(jsonb_agg(DISTINCT x), '[]'::jsonb) FROM (
        SELECT jsonb_array_elements(c.refused) AS x UNION SELECT to_jsonb(d.incident_id)) both_of_them)
FROM alerts_delivery d
WHERE d.id = %s AND c.id = d.channel_id AND d.incident_id IS NOT NULL
RETURNING c.id, jsonb_array_length(c.refused)
"""


class AttemptOutcome(StrEnum):
    """Outcome of an attempt: the new state of the delivery."""

    SENT = "sent"
    DEAD = "dead"
    RETRY = "pending"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """Outcome of a claim: `words` is the answer or error; `permanent`: no retry; `rest_s`: requested wait.

    `settings` are settings of the channel that the receiver has replaced.
    """

    claim: Claim
    outcome: AttemptOutcome
    words: str = ""
    wait_s: float = 0.0
    reference: str = ""
    permanent: bool = False
    rest_s: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A channel that this record switched off, with its last answer."""

    channel: int
    words: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """Deliveries whose outcome was written, without those whose lease was lost, and channels switched off."""

    written: frozenset[int]
    switched_off: tuple[SwitchedOff, ...] = ()


def declare_attempts(counts: ProcessCounts) -> None:
    """Begin every count at 0: an increase from nothing to the first dead letter is none to Prometheus."""
    series = itertools.product(CHANNELS, (outcome.name.lower() for outcome in AttemptOutcome))
    counts.add_each(families.DELIVERIES, dict.fromkeys(series, 0.0))


def count_attempt(counts: ProcessCounts, result: AttemptResult) -> None:
    """Count an attempt for the metrics; of one that was accepted, also how old the message was when it was claimed."""
    counts.add(families.DELIVERIES, result.claim.destination.kind, result.outcome.name.lower())
    if result.outcome is AttemptOutcome.SENT:
        counts.observe(families.DELIVERY_AGE, result.claim.age.total_seconds())


def record(outcomes: Sequence[AttemptResult]) -> Recorded:
    """Write outcomes and their effect on channels, in one transaction."""
    reach(CrashPoint.RECORD_BEFORE)
    with transaction.atomic():
        written = write([_row(one) for one in outcomes])
        for one in outcomes:
            remember(one.claim.destination.id, one.settings)
        _well_again(
            {one.claim.destination.id for one in outcomes if one.outcome is AttemptOutcome.SENT and _was_refused(one)}
        )
        off = tuple(
            found
            for one in outcomes
            if one.permanent and one.claim.id in written and (found := _refused(one)) is not None
        )
        reach(CrashPoint.RECORD_WRITTEN)
    reach(CrashPoint.RECORD_COMMITTED)
    return Recorded(written, off)


def remember(channel: int, settings: Mapping[str, Any]) -> None:
    """Keep settings that a receiver has replaced, such as the new id of a chat."""
    if settings:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE alerts_channel SET config = config || %s::jsonb, updated_at = now() WHERE id = %s",
                [json.dumps(dict(settings)), channel],
            )


def resend(delivery: Delivery) -> bool:
    """Requeue a dead letter as a new single message; False if it is not dead.

    One that ended its sender again and again is sent alone.
    """
    dead = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.DEAD)
    Delivery.objects.filter(leader_id=delivery.pk, state=DeliveryState.DEAD).update(state=DeliveryState.GATHERED)
    again = {"state": DeliveryState.PENDING, "attempts": 0, "due_at": Now(), "created_at": Now(), "leader": None}
    return dead.update(**again, unfinished=Least("unfinished", ALONE_AFTER)) == 1


class OutcomeRow(NamedTuple):
    """What is written of an outcome, for the claim that its token names."""

    id: int
    token: UUID
    state: AttemptOutcome
    words: str
    wait_s: float = 0.0
    reference: str = ""


def _row(one: AttemptResult) -> OutcomeRow:
    return OutcomeRow(one.claim.id, one.claim.token, one.outcome, one.words, float(one.wait_s), one.reference)


def write(rows: Sequence[OutcomeRow]) -> frozenset[int]:
    """Write outcomes of claims that still hold; returns the deliveries. Call inside a transaction."""
    values: dict[str, Any] = {
        "ids": [one.id for one in rows],
        "tokens": [one.token for one in rows],
        "states": [one.state.value for one in rows],
        "words": [one.words[:ERROR_LIMIT] for one in rows],
        "waits": [one.wait_s for one in rows],
        "references": [one.reference[:REFERENCE_LIMIT] for one in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, values)
        written = cursor.fetchall()
    for team in {row[1] for row in written}:
        touch(team)
    return frozenset(row[0] for row in written)


def _was_refused(outcome: AttemptResult) -> bool:
    return outcome.claim.destination.refused


def _well_again(channels: set[int]) -> None:
    if channels:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE alerts_channel SET refused = '[]' WHERE id = ANY(%s)", [list(channels)])


def _refused(outcome: AttemptResult) -> SwitchedOff | None:
    """Count an incident with a permanent refusal; the third in a row switches the channel off."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, [outcome.claim.id])
        row = cursor.fetchone()
        if row is None or row[1] < REFUSALS:
            return None
        cursor.execute(
            "UPDATE alerts_channel SET enabled = false, disabled_at = now(), disabled_why = %s, updated_at = now()"
            " WHERE id = %s AND enabled RETURNING id",
            [outcome.words[:ERROR_LIMIT], row[0]],
        )
        return SwitchedOff(int(row[0]), outcome.words) if cursor.fetchone() else None
