"""The heartbeats process: pings from the log into states, and what the clock does to jobs that stay silent.

Killed at any line, it reads again what is still on the log, and recognises what it has applied. More than one may run:
one applies at a time, and a heartbeat that is due has one sweeper.
"""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import msgspec
import psycopg
import redis
import structlog
from django.db import InterfaceError, OperationalError, connection

from probes import keys
from probes.process.health import Health
from vigil.heartbeats import receiver_gaps
from vigil.heartbeats.apply import Logged, anything_spooled, apply_entries
from vigil.heartbeats.core.wire import decode
from vigil.heartbeats.sweep import follow_monitors, sweep
from vigil.incidents.timeline import EnqueueDeliveries

log = structlog.get_logger()

CONFIG_CHANNEL = "vigil_config"
#: Entries taken at once; each may be a megabyte.
READ_COUNT = 50
BEGINNING = "0-0"
BLOCK_MS = 200
RETRY_S = 0.5
SWEEP_S = 1.0
FOLLOW_S = 30.0
SILENCE_S = 5.0


class HeartbeatService:
    """One process. `run` returns when `stop` is set; anything unexpected ends it."""

    def __init__(self, client: redis.Redis, health: Health, enqueue: EnqueueDeliveries) -> None:
        self._redis = client
        self._health = health
        self._enqueue = enqueue
        self._due_s: dict[str, float] = {}
        self._position: str | None = None
        self._redis_answers = True

    def run(self, stop: threading.Event) -> None:
        """Apply and sweep until told to stop; while PostgreSQL is away, wait: the log keeps what comes."""
        while not stop.is_set():
            try:
                self._turn()
                self._health.mark_ready()
            except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
                log.warning("postgresql_away", error=type(error).__name__)
                self._health.beat(away="postgresql")
                connection.close()
                self._position = None
                stop.wait(RETRY_S)

    def _turn(self) -> None:
        """What has come first, so that nobody is called late whose ping is already here."""
        if self._position is None:
            self._start()
            self._position = BEGINNING
        entries, last_id = self._read()
        if entries or anything_spooled():
            applied = apply_entries(entries, self._enqueue)
            if applied.unknown:
                log.info("pings_for_nobody", pings=applied.unknown)
        if last_id:
            self._position = last_id
            self._forget(last_id)
        self._follow()
        # Behind on the log there is nothing to judge: the horizon would stand still anyway.
        if len(entries) < READ_COUNT and self._is_due("sweep", SWEEP_S):
            self._sweep()
            if self._is_due("silence", SILENCE_S):
                receiver_gaps.tell_of_silence(self._enqueue)
        self._health.beat(position=self._position, redis=self._redis_answers)

    def _start(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CONFIG_CHANNEL}")
        self._due_s.clear()

    def _read(self) -> tuple[list[Logged], str | None]:
        """What has come to the log, and the last id seen. While Redis is away there may be entries in the spool."""
        try:
            answer = cast(Any, self._redis.xread({keys.PINGS: self._position or BEGINNING}, READ_COUNT, BLOCK_MS))
        except redis.RedisError as error:
            if self._redis_answers:
                log.warning("redis_away", error=type(error).__name__)
            self._redis_answers = False
            # What comes back may be another server, whose clock numbers its entries lower.
            self._position = BEGINNING
            time.sleep(BLOCK_MS / 1000)
            return [], None
        self._redis_answers = True
        entries: list[Logged] = []
        last_id: str | None = None
        for _, messages in answer or []:
            for entry_id, fields in messages:
                last_id = entry_id.decode()
                try:
                    entries.append(Logged(last_id, decode(fields.get(keys.BODY, b""))))
                except msgspec.DecodeError as error:
                    log.error("entry_unreadable", entry=last_id, error=str(error))
        return entries, last_id

    def _forget(self, last_id: str) -> None:
        """Drop from the log what is committed, up to this entry. Not done is no harm: it would be recognised."""
        millis, _, sequence = last_id.partition("-")
        try:
            self._redis.xtrim(keys.PINGS, minid=f"{millis}-{int(sequence) + 1}", approximate=False)
        except redis.RedisError as error:
            log.warning("redis_away", error=type(error).__name__)

    def _follow(self) -> None:
        """Take over pauses and deletions: those that PostgreSQL tells of, and all of them now and then."""
        named = [note.payload for note in connection.connection.notifies(timeout=0)]
        if self._is_due("follow", FOLLOW_S):
            follow_monitors()
        elif monitors := [name for name in named if not name.startswith("region:")]:
            follow_monitors(monitors)

    def _sweep(self) -> None:
        more = True
        while more:
            swept = sweep(self._enqueue)
            more = swept.more
            if swept.reasons:
                log.info("swept", **{why.value: count for why, count in swept.reasons.items()})

    def _is_due(self, duty: str, every_s: float) -> bool:
        now_s = time.monotonic()
        if now_s < self._due_s.get(duty, 0.0):
            return False
        self._due_s[duty] = now_s + every_s
        return True
