"""Recorder service: one leader of each shard; a standby takes over within seconds.

A region's stream is recorded by one shard, by a hash of the region: each entry is read once, and the position of the
stream in PostgreSQL keeps two recorders from storing it twice while the number of shards changes.

Crash-safe: positions are written in the transaction of their results. Unwritten results are still on the stream:
consensus trims it behind the recorder's position, bounded by `VIGIL_KEEP_RESULTS_S`; results trimmed before they were
read are recorded as a gap.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import redis
import structlog
from django.db import connection

from consensus.process.shard_lease import ShardLease, SharedMap
from consensus.shards import WHOLE, Shard
from probes import keys
from probes.process.duties import Duties
from probes.process.health import Health
from probes.process.key_repair import put_right
from probes.process.main_loop import turn_until_stopped
from probes.process.redis_streams import redis_now_ms
from vigil.accounts.idempotency import purge_answers
from vigil.away import is_postgresql
from vigil.clock import database_now
from vigil.control_keys import control_macs
from vigil.deadletters.record import LetterSource, isolation
from vigil.history.models import GapReason, Position
from vigil.history.reading import objectives
from vigil.history.recording.intake import Intake, ReadPosition
from vigil.history.recording.isolated import EntryRecorder
from vigil.history.recording.metrics import note_lag, note_written
from vigil.history.recording.monitor_keys import MonitorKeys
from vigil.history.recording.streams import EntryHeard, ResultStreams
from vigil.history.recording.write import Overtaken, write
from vigil.history.storage import daily_rollup, packer, retention, size
from vigil.history.storage.deleted_monitors import purge_deleted_monitors
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.monitors.cost_pauses import pause_billed

log = structlog.get_logger()

#: Batching once a second costs a tenth of reading each entry.
READ_EVERY_S = 1.0
#: Results in memory that force a write.
RESULTS_MOST = 200_000


@dataclass(frozen=True, slots=True)
class RecorderTimings:
    """Intervals of writing, packing and housekeeping."""

    write_s: float = 20.0
    settled_after: timedelta = packer.SETTLED_AFTER
    housekeeping_s: float = 60.0


class Recorder:
    """A recorder, also of objectives; `enqueue` writes their deliveries. `run` returns when `stop` is set."""

    def __init__(
        self,
        client: redis.Redis,
        health: Health,
        pace: RecorderTimings | None = None,
        enqueue: EnqueueDeliveries | None = None,
        shard: Shard = WHOLE,
    ) -> None:
        self._shard = shard
        self._redis = client
        self._streams = ResultStreams(client)
        shared = SharedMap(client, control_macs(), partial(redis_now_ms, client))
        self._lease = ShardLease(client, "record", shard, shared)
        self._health = health
        self._pace = pace or RecorderTimings()
        self._enqueue = enqueue
        self._directory = MonitorKeys()
        self._intake = self._new_intake()
        self._reaches: dict[int, ReadPosition] = {}
        self._write_at_s = 0.0
        self._duties = Duties()
        self._isolation = isolation(LetterSource.RECORD)
        self._entries = EntryRecorder(self._streams, self._directory, self._isolation, self._new_intake)
        self._stop = threading.Event()

    def tell(self, heard: EntryHeard) -> None:
        """Call `heard` with each entry that is taken."""
        self._streams.heard = heard

    def run(self, stop: threading.Event) -> None:
        """Record until stopped; drops its memory and retries while PostgreSQL or Redis is unavailable."""
        self._stop = stop
        turn_until_stopped(self._turn, stop, self._isolation, self._health, self._recover)
        self._finish()

    def _recover(self, error: Exception) -> bool:
        """Forget what is in hand; go on at once where that is all there is to do."""
        self._forget()
        if is_postgresql(error):
            connection.close()
        if isinstance(error, Overtaken):
            log.info("recorder.overtaken", why=str(error))
            return True
        return isinstance(error, redis.ResponseError) and put_right(self._redis, error)

    def _turn(self) -> None:
        """Read, write what is due, do one piece of the work that is left over; then wait unless more is there."""
        if not self._lease.renew():
            self._forget()
            self._health.beat(leading=False)
            self._health.mark_ready()
            self._stop.wait(READ_EVERY_S)
            return
        if self._duties.is_due("housekeeping", self._pace.housekeeping_s):
            self._resume()
            if self._shard.is_first:
                self._isolation.attempt("housekeeping", self._keep_house, None)
                self._isolation.attempt("objectives", self._evaluate, None)
        more = self._read_and_write()
        worked = self._shard.is_first and self._isolation.attempt("pack", self._pack_or_close, False)
        self._health.beat(leading=True, waiting=self._intake.results)
        self._health.mark_ready()
        if not (more or worked):
            self._stop.wait(READ_EVERY_S)

    def _read_and_write(self) -> bool:
        """Read on, and write what is due; where an entry does not go in, the others without it."""
        try:
            more = self._read()
            if self._intake.results >= RESULTS_MOST or time.monotonic() >= self._write_at_s:
                self._write()
            return more
        except Exception as error:
            if isinstance(error, Overtaken) or self._isolation.refusal(error):
                raise
            log.warning("recorder.batch_failed", error=type(error).__name__)
        failed_at = {region: keys.entry_id(reach.read) for region, reach in self._reaches.items()}
        self._forget()
        self._resume()
        while self._entries.record(self._reaches):
            self._health.beat()
            if all(keys.entry_id(reach.read) >= failed_at.get(key, (0, 0)) for key, reach in self._reaches.items()):
                break
        return True

    def _read(self) -> bool:
        """Read every region's stream."""
        if not self._reaches:
            self._resume()
        more, now_ms = False, self._streams.now_ms()
        for region, found in self._streams.read({key: reach.read for key, reach in self._reaches.items()}):
            if found.cut_ms is not None:
                self._intake.cut(region, min(found.cut_ms, found.first_ms, now_ms), min(found.first_ms, now_ms))
            if found.entries:
                note_lag(self._health.counts, self._directory.regions.get(region, ""), found.entries[-1][0], now_ms)
            for entry_id, fields in found.entries:
                self._streams.hand(self._intake, region, (entry_id, fields), now_ms)
                self._reaches[region].read = entry_id
            more = more or found.more
        self._directory.learn(result.monitor for _, result, _ in self._intake.strangers)
        self._intake.introduce()
        for monitor, region in self._intake.billed.items():
            if self._isolation.attempt("pause", partial(pause_billed, monitor, region), False, monitor):
                log.warning("monitor.paused", monitor=monitor, why="every check would be billed")
        self._intake.billed.clear()
        return more

    def _resume(self) -> None:
        """Start from stored positions; a new region from the beginning of its stream."""
        if not self._reaches:
            self._write_at_s = time.monotonic() + self._pace.write_s
        self._directory.load()
        self._streams.follow(self._directory.regions)
        stored = dict(Position.objects.values_list("region_id", "entry_id"))
        for region, slug in self._directory.regions.items():
            if region not in self._reaches and self._shard.owns(slug):
                recorded = stored.get(region)
                self._reaches[region] = ReadPosition(recorded, recorded or keys.STREAM_START)

    def _write(self) -> None:
        """Write, then publish the recorded positions for trimming."""
        self._write_at_s = time.monotonic() + self._pace.write_s
        moved = {region: reach for region, reach in self._reaches.items() if reach.read != reach.recorded}
        moved = {region: reach for region, reach in moved.items() if reach.read != keys.STREAM_START}
        if not moved:
            return
        write(self._intake, moved)
        note_written(self._health.counts, self._intake)
        for (region, why), missing in self._intake.missing.items():
            slug = self._directory.regions.get(region, str(region))
            log.warning("results.missing", region=slug, why=GapReason(why).value, results=missing.results)
        self._intake = self._new_intake()
        for reach in moved.values():
            reach.recorded = reach.read
        self._streams.publish({region: reach.read for region, reach in moved.items()})

    def _pack_or_close(self) -> bool:
        """Pack, or roll up, one piece; True when there was one."""
        now_ms = self._streams.now_ms()
        hour = packer.next_hour(now_ms, self._pace.settled_after)
        if hour is not None:
            if not packer.pack_some(hour):
                log.info("history.hour_packed", hour=hour)
                packer.drop_packed_chunks()
            return True
        day = daily_rollup.next_day(now_ms)
        if day is not None:
            if not daily_rollup.close_some(day):
                log.info("history.day_rolled_up", day=day)
            return True
        return False

    def _keep_house(self) -> None:
        packer.drop_packed_chunks()
        now_ms = self._streams.now_ms()
        for name in retention.drop_outdated(now_ms):
            log.info("history.partition_dropped", partition=name)
        size.sample(now_ms)
        purge_answers()
        if purged := purge_deleted_monitors(database_now()):
            log.info("monitors.purged", monitors=purged)

    def _evaluate(self) -> None:
        if self._enqueue is not None:
            objectives.evaluate(database_now(), self._enqueue)

    def _finish(self) -> None:
        """Write and release leadership at shutdown; what cannot be written is still on the stream."""
        try:
            if self._lease.epoch:
                self._write()
            self._lease.release()
        except Exception as error:  # noqa: BLE001  # it ends: what is not written is read again
            log.warning("recorder.not_flushed", error=type(error).__name__)

    def _forget(self) -> None:
        """Drop the intake, to be read again from the stored positions."""
        self._intake = self._new_intake()
        self._reaches.clear()

    def _new_intake(self) -> Intake:
        return Intake(self._directory.monitors, oldest_ms=retention.late_ms())
