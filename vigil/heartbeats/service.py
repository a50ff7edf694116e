"""The heartbeats process: pings from the log into states, and what the clock does to jobs that stay silent.

Killed at any line, it reads again what is still on the log, and recognises what it has applied. More than one may run:
one applies at a time, and a heartbeat that is due has one sweeper.
"""

from __future__ import annotations

import threading
import time

import msgspec
import psycopg
import redis
import structlog
from django.db import InterfaceError, OperationalError, connection

from probes import keys
from probes.process.duties import Duties
from probes.process.health import Health
from probes.process.redis_streams import read_streams
from vigil.heartbeats import receiver_gaps
from vigil.heartbeats.apply import Logged, anything_spooled, apply_entries
from vigil.heartbeats.core.wire import decode
from vigil.heartbeats.sweep import follow_monitors, sweep
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.monitors.config_channel import listen, notified

log = structlog.get_logger()

#: Entries taken at once; each may be a megabyte.
READ_COUNT = 50
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
        self._duties = Duties()
        self._position: str | None = None
        self._redis_answers = True

    def run(self, stop: threading.Event) -> None:
        """Apply and sweep until told to stop; while PostgreSQL is away, wait: the log keeps what comes."""
        while not stop.is_set():
            try:
                self._turn()
                self._health.mark_ready()
            except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
                log.warning("postgresql.away", error=type(error).__name__)
                self._health.beat(away="postgresql")
                connection.close()
                self._position = None
                stop.wait(RETRY_S)

    def _turn(self) -> None:
        """What has come first, so that nobody is called late whose ping is already here."""
        if self._position is None:
            self._start()
            self._position = keys.STREAM_START
        entries, last_id = self._read()
        if entries or anything_spooled():
            applied = apply_entries(entries, self._enqueue)
            if applied.unknown:
                log.info("ping.unknown_address", pings=applied.unknown)
        if last_id:
            self._position = last_id
            self._forget(last_id)
        self._follow()
        # Behind on the log there is nothing to judge: the horizon would stand still anyway.
        if len(entries) < READ_COUNT and self._duties.is_due("sweep", SWEEP_S):
            self._sweep()
            if self._duties.is_due("silence", SILENCE_S):
                receiver_gaps.tell_of_silence(self._enqueue)
        self._health.beat(position=self._position, redis=self._redis_answers)

    def _start(self) -> None:
        listen()
        self._duties.make_all_due()

    def _read(self) -> tuple[list[Logged], str | None]:
        """What has come to the log, and the last id seen. While Redis is away there may be entries in the spool."""
        try:
            position = (self._position or keys.STREAM_START).encode()
            streams = read_streams(self._redis, {keys.PINGS.encode(): position}, READ_COUNT, BLOCK_MS)
        except redis.RedisError as error:
            if self._redis_answers:
                log.warning("redis.away", error=type(error).__name__)
            self._redis_answers = False
            # What comes back may be another server, whose clock numbers its entries lower.
            self._position = keys.STREAM_START
            time.sleep(BLOCK_MS / 1000)
            return [], None
        self._redis_answers = True
        entries: list[Logged] = []
        last_id: str | None = None
        for _, messages in streams:
            for entry_id, fields in messages:
                last_id = entry_id.decode()
                try:
                    entries.append(Logged(last_id, decode(fields.get(keys.BODY, b""))))
                except msgspec.DecodeError as error:
                    log.error("ping.unreadable", entry=last_id, error=str(error))
        return entries, last_id

    def _forget(self, last_id: str) -> None:
        """Drop from the log what is committed, up to this entry. Not done is no harm: it would be recognised."""
        millis, sequence = keys.entry_id(last_id)
        try:
            self._redis.xtrim(keys.PINGS, minid=keys.entry_id_text((millis, sequence + 1)), approximate=False)
        except redis.RedisError as error:
            log.warning("redis.away", error=type(error).__name__)

    def _follow(self) -> None:
        """Take over pauses and deletions: those that PostgreSQL tells of, and all of them now and then."""
        named = notified()
        if self._duties.is_due("follow", FOLLOW_S):
            follow_monitors()
        elif monitors := [name for name in named if not name.startswith("region:")]:
            follow_monitors(monitors)

    def _sweep(self) -> None:
        more = True
        while more:
            swept = sweep(self._enqueue)
            more = swept.more
            if swept.reasons:
                log.info("heartbeats.swept", **{why.value: count for why, count in swept.reasons.items()})
