"""Heartbeats service: applies logged pings, and sweeps overdue jobs.

Crash-safe: it reads the log again and recognises applied pings. Several may run: one applies at a time, and each due
heartbeat has one sweeper.
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

#: Entries per read; each may be a megabyte.
READ_COUNT = 50
BLOCK_MS = 200
#: Largest sequence number of a stream id.
_LARGEST = 2**64 - 1
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
        """Apply and sweep until stopped; waits during database outages, while the log keeps the pings."""
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
        """Apply before sweeping, so that no job counts as late whose ping has arrived."""
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
        # While the log is behind, the watermark does not move and a sweep has nothing to judge.
        if len(entries) < READ_COUNT and self._duties.is_due("sweep", SWEEP_S):
            self._sweep()
            if self._duties.is_due("silence", SILENCE_S):
                receiver_gaps.alert_on_silence(self._enqueue)
        self._health.beat(position=self._position, redis=self._redis_answers)

    def _start(self) -> None:
        listen()
        self._duties.make_all_due()

    def _read(self) -> tuple[list[Logged], str | None]:
        """New log entries and the last id. While Redis is unavailable the spool may have entries."""
        try:
            position = (self._position or keys.STREAM_START).encode()
            streams = read_streams(self._redis, {keys.PINGS.encode(): position}, READ_COUNT, BLOCK_MS)
        except redis.RedisError as error:
            if self._redis_answers:
                log.warning("redis.away", error=type(error).__name__)
            self._redis_answers = False
            # Redis may have been replaced by a server with lower stream ids.
            self._position = keys.STREAM_START
            time.sleep(BLOCK_MS / 1000)
            return [], None
        self._redis_answers = True
        if not streams:
            # Applied entries are trimmed, so nothing is read twice; a log that was begun anew has lower ids.
            self._position = keys.STREAM_START
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
        """Trim the log up to a committed entry; a failure is harmless."""
        millis, sequence = keys.entry_id(last_id)
        try:
            if sequence < _LARGEST:
                self._redis.xtrim(keys.PINGS, minid=keys.entry_id_text((millis, sequence + 1)), approximate=False)
            else:
                # No id follows this one: receivers write to PostgreSQL until the log is begun anew.
                self._redis.delete(keys.PINGS)
        except redis.RedisError as error:
            log.warning("redis.away", error=type(error).__name__)

    def _follow(self) -> None:
        """Follow pauses and deletions: those that PostgreSQL notifies, and periodically all."""
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
