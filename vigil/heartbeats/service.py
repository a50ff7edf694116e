"""Heartbeats service: applies logged pings, and sweeps overdue jobs.

Crash-safe: it reads the log again and recognises applied pings. Several may run: one applies at a time, and each due
heartbeat has one sweeper.
"""

from __future__ import annotations

import threading
import time

import msgspec
import redis
import structlog
from django.db import connection

from probes import keys
from probes.process.dead_letters import entry_of
from probes.process.duties import Duties
from probes.process.health import Health
from probes.process.main_loop import turn_until_stopped
from probes.process.metrics import families
from probes.process.redis_streams import read_streams
from vigil.away import is_postgresql, refusal
from vigil.deadletters.record import LetterSource, isolation
from vigil.heartbeats import receiver_gaps
from vigil.heartbeats.apply import Logged, anything_spooled, apply_each
from vigil.heartbeats.core.pings.wire import LogEntry, decode
from vigil.heartbeats.core.reception import RETRIES
from vigil.heartbeats.sweep import Swept, due_keys, follow_monitors, sweep
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.monitors.live.config_channel import listen, notified

log = structlog.get_logger()

READ_COUNT = 50
BLOCK_MS = 200
#: Largest sequence number of a stream id.
_LARGEST = 2**64 - 1
SWEEP_S = 1.0
FOLLOW_S = 30.0
SILENCE_S = 5.0
#: While Redis is away, acknowledged pings may be unread in it; jobs are judged without them after this long.
UNREAD_S = RETRIES.total_seconds()


class HeartbeatService:
    """One process. `run` returns when `stop` is set, and only then."""

    def __init__(self, client: redis.Redis, health: Health, enqueue: EnqueueDeliveries) -> None:
        self._redis = client
        self._health = health
        self._enqueue = enqueue
        self._duties = Duties()
        self._isolation = isolation(LetterSource.HEARTBEATS)
        self._position: str | None = None
        self._redis_answers = True
        self._away_since_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Apply and sweep until stopped; waits during database outages, while the log keeps the pings."""
        turn_until_stopped(self._turn, stop, self._isolation, self._health, self._recover)

    def _recover(self, error: Exception) -> bool:
        if is_postgresql(error):
            connection.close()
        self._position = None
        return False

    def _turn(self) -> None:
        """Apply before sweeping, so that no job counts as late whose ping has arrived."""
        if self._position is None:
            self._start()
            self._position = keys.STREAM_START
        entries, last_id = self._read()
        if entries or anything_spooled():
            applied = apply_each(entries, self._enqueue, self._isolation)
            self._health.counts.add(families.PINGS_APPLIED, by=sum(len(logged.entry.pings) for logged in entries))
            if applied.unknown:
                log.info("ping.unknown_address", pings=applied.unknown)
        if last_id:
            self._position = last_id
            self._forget(last_id)
        attempt = self._isolation.attempt
        attempt("follow", self._follow, None)
        # While the log is behind, the watermark does not move and a sweep has nothing to judge.
        if len(entries) < READ_COUNT and not self._may_be_unread() and self._duties.is_due("sweep", SWEEP_S):
            attempt("sweep", self._sweep, None)
            if self._duties.is_due("silence", SILENCE_S):
                attempt("silence", lambda: receiver_gaps.alert_on_silence(self._enqueue), None)
        self._health.beat(position=self._position, redis=self._redis_answers)
        self._health.mark_ready()

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
                log.warning("redis.away", why=refusal(error) or type(error).__name__)
                self._away_since_s = time.monotonic()
            self._redis_answers = False
            self._health.beat(away=refusal(error))
            # Redis may have been replaced by a server with lower stream ids.
            self._position = keys.STREAM_START
            time.sleep(BLOCK_MS / 1000)
            return [], None
        if not self._redis_answers:
            self._redis_answers = True
            self._health.beat(away=None)
        if not streams:
            # Applied entries are trimmed, so nothing is read twice; a log that was begun anew has lower ids.
            self._position = keys.STREAM_START
        entries: list[Logged] = []
        last_id: str | None = None
        for _, messages in streams:
            for entry_id, fields in messages:
                last_id = entry_id.decode()
                entry = self._decoded(last_id, fields.get(keys.BODY, b""))
                if entry is not None:
                    entries.append(Logged(last_id, entry))
        return entries, last_id

    def _may_be_unread(self) -> bool:
        return not self._redis_answers and time.monotonic() - self._away_since_s < UNREAD_S

    def _decoded(self, entry_id: str, payload: bytes) -> LogEntry | None:
        def read() -> LogEntry | None:
            try:
                return decode(payload)
            except msgspec.DecodeError as error:
                log.error("ping.unreadable", entry=entry_id, error=str(error))
                return None

        return self._isolation.entry("decode", keys.PINGS, read, entry_of(keys.PINGS, entry_id, payload))

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
            log.warning("redis.away", why=refusal(error) or type(error).__name__)

    def _follow(self) -> None:
        """Follow pauses and deletions: those that PostgreSQL notifies, and periodically all."""
        named = notified()
        if self._duties.is_due("follow", FOLLOW_S):
            follow_monitors(each=self._isolation.each)
        elif monitors := [name for name in named if not name.startswith("region:")]:
            follow_monitors(monitors, self._isolation.each)

    def _sweep(self) -> None:
        more = True
        while more:
            more = False
            for swept in self._sweep_some():
                more = more or swept.more
                if swept.reasons:
                    log.info("heartbeats.swept", **{why.value: count for why, count in swept.reasons.items()})

    def _sweep_some(self) -> list[Swept]:
        """The heartbeats whose time has come; where one of them fails, the others without it."""
        resting = [int(key) for key in self._isolation.resting("sweep") if key]
        due: list[int] = []

        def some(_: object) -> Swept:
            swept = sweep(self._enqueue, but=resting)
            self._isolation.settle_rested("sweep")
            return swept

        def find(_: object, error: Exception) -> None:
            log.warning("heartbeats.not_swept", error=type(error).__name__)
            due.extend(due_keys(but=resting))

        found = self._isolation.apply([None], some, find)
        if not due:
            return found
        return self._isolation.apply_rows("sweep", due, lambda part: sweep(self._enqueue, only=part))
