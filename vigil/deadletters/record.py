"""Dead letter writer: counts repeated failures, and keeps the newest letters."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from enum import StrEnum

import redis
from django.db import connection, transaction

from probes import keys
from probes.process.dead_letters import DeadLetterMessage, waiting_letters
from probes.process.isolation import Isolation
from vigil.accounts import public_ids
from vigil.away import refusal
from vigil.control_keys import control_macs

#: Letters that are kept, whatever their state; the oldest beyond it are dropped.
LETTERS_MOST = 10_000
MOVED_AT_ONCE = 100


class LetterSource(StrEnum):
    """Processes that keep dead letters."""

    CONSENSUS = "consensus"
    DELIVER = "deliver"
    DISPATCH = "dispatch"
    DISPATCH_WATCH = "dispatch.watch"
    HEARTBEATS = "heartbeats"
    INGEST = "ingest"
    LETTERS = "letters"
    RECORD = "record"
    REPORTS = "reports"
    STATUS_PAGES = "status_pages"
    WITNESS = "witness"


# A letter that was written twice for one entry, by a standby or after a crash, counts once.
_KEEP = """
INSERT INTO deadletters_deadletter AS known
    (public_id, fingerprint, source, step, origin, error, stream, entry, payload, size, state, count, first_at, last_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'waiting', 1, clock_timestamp(), clock_timestamp())
ON CONFLICT (fingerprint) WHERE state = 'waiting' DO UPDATE SET
    count = known.count + CASE WHEN known.entry <> '' AND known.entry = excluded.entry THEN 0 ELSE 1 END,
    error = excluded.error, entry = excluded.entry, last_at = clock_timestamp()
RETURNING count
"""
_COUNT = """
INSERT INTO deadletters_deadlettercount AS known (source, kept, dropped) VALUES (%s, %s, %s)
ON CONFLICT (source) DO UPDATE SET kept = known.kept + excluded.kept, dropped = known.dropped + excluded.dropped
"""
_DROP = """
WITH dropped AS (
    DELETE FROM deadletters_deadletter WHERE id <= (
        SELECT id FROM deadletters_deadletter ORDER BY id DESC OFFSET %s LIMIT 1)
    RETURNING source
) SELECT source, count(*) FROM dropped GROUP BY source
"""
_SETTLE = """
UPDATE deadletters_deadletter SET state = 'settled', ended_at = clock_timestamp()
WHERE fingerprint = %s AND state = 'waiting'
"""


class LetterTable:
    """Keeps letters in PostgreSQL, in the transaction that the caller has open, if any."""

    def keep(self, letter: DeadLetterMessage) -> None:
        keep(letter)


def isolation(source: LetterSource) -> Isolation:
    """What a process of the control plane does with errors."""
    return Isolation(source, LetterTable(), refusal, time.monotonic)


def keep(letter: DeadLetterMessage) -> None:
    """Write a letter, or count it with the one that waits already; one that is settled ends what waits."""
    print_of = _fingerprint(letter)
    if letter.settled:
        with connection.cursor() as cursor:
            cursor.execute(_SETTLE, [print_of])
        return
    with transaction.atomic(), connection.cursor() as cursor:
        values = (
            public_ids.new("dlt"), print_of, letter.source[:40], letter.step[:60], letter.origin[:200], letter.error,
            letter.stream[:200], letter.entry[:200], letter.payload, letter.size,
        )  # fmt: skip
        cursor.execute(_KEEP, values)
        is_new = cursor.fetchone() == (1,)
        cursor.execute(_COUNT, [letter.source[:40], 1, 0])
        if is_new:
            cursor.execute(_DROP, [LETTERS_MOST])
            for source, dropped in cursor.fetchall():
                cursor.execute(_COUNT, [source, 0, dropped])


def move_from_redis(client: redis.Redis) -> int:
    """Move the letters of processes without a database into the table; returns how many.

    Raises `redis.RedisError` and the database's errors where one is away: then the letters are on their stream still.
    """
    found = list(waiting_letters(client, control_macs(), MOVED_AT_ONCE))
    if not found:
        return 0
    _keep_all([letter for _, letter in found if letter is not None])
    client.xdel(keys.DEAD_LETTERS, *[entry_id for entry_id, _ in found])
    return len(found)


def _keep_all(letters: Sequence[DeadLetterMessage]) -> None:
    with transaction.atomic():
        for letter in letters:
            keep(letter)


def _fingerprint(letter: DeadLetterMessage) -> bytes:
    """What makes two letters one: the same bytes, or the same row or step, failing in the same place."""
    digest = hashlib.sha256()
    for part in (letter.source, letter.step, letter.origin, letter.stream):
        digest.update(part.encode("utf-8", "replace") + b"\0")
    digest.update(letter.payload)
    return digest.digest()
