"""Ping history: deduplicated by id, numbered, written in one statement, pruned to the newest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from vigil.heartbeats.core.pings.body import Facts
from vigil.heartbeats.core.pings.wire import BODY_LIMIT, Ping
from vigil.heartbeats.models import Heartbeat, StoredPing

#: Pings kept of each heartbeat; pruned after every hundred new ones.
KEPT = 1_000
PRUNE_EVERY = 100

_COLUMNS = (
    ("id", "uuid"), ("heartbeat_id", "bigint"), ("n", "bigint"), ("at", "timestamptz"), ("kind", "text"),
    ("exit_code", "smallint"), ("rid", "text"), ("duration_ms", "bigint"), ("method", "text"), ("origin", "text"),
    ("agent", "text"), ("body", "bytea"), ("body_size", "int"), ("facts", "jsonb"), ("word", "text"),
)  # fmt: skip
_INSERT = (
    f"INSERT INTO heartbeats_storedping ({', '.join(name for name, _ in _COLUMNS)}) "
    f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for _, kind in _COLUMNS)})"
)


class StoredPings:
    """History of one batch. `pings` are all that came, including repeats."""

    def __init__(self, pings: Sequence[Ping]) -> None:
        ids = [UUID(ping.id) for ping in pings]
        self._known = {str(key) for key in StoredPing.objects.filter(pk__in=ids).values_list("pk", flat=True)}
        self._rows: list[tuple[Any, ...]] = []
        self._full: list[tuple[int, int]] = []

    def fresh(self, pings: Sequence[Ping]) -> list[Ping]:
        """Pings not applied before, each once."""
        first: dict[str, Ping] = {}
        for ping in pings:
            if ping.id not in self._known:
                first.setdefault(ping.id, ping)
        return list(first.values())

    def add(self, row: Heartbeat, ping: Ping, at: datetime, duration: timedelta | None, facts: Facts) -> None:
        """Add a ping as number `row.pings` of its heartbeat."""
        length_ms = round(duration.total_seconds() * 1000) if duration is not None else None
        self._rows.append(
            (
                UUID(ping.id), row.pk, row.pings, at, ping.kind.value, ping.exit_code, ping.rid, length_ms,
                ping.method.value, ping.origin[:64], ping.agent[:200], ping.body[:BODY_LIMIT], ping.body_size,
                json.dumps(facts.as_stored()), ping.word[:64],
            )
        )  # fmt: skip
        if row.pings % PRUNE_EVERY == 0 and row.pings > KEPT:
            self._full.append((row.pk, row.pings - KEPT))

    def write(self) -> None:
        if not self._rows:
            return
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [list(column) for column in zip(*self._rows, strict=True)])
        for heartbeat, last in self._full:
            StoredPing.objects.filter(heartbeat_id=heartbeat, n__lte=last).delete()
