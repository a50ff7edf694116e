"""Ingest process (single writer): applies verdicts, commits incidents, publishes beliefs.

Crash-safe: it resumes from its position in PostgreSQL, so verdicts are applied once; `believed` is rebuilt from it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import cast

import msgspec
import redis
import structlog
from django.db import connection, transaction

from consensus.admission import admit_verdict
from consensus.process.shard_marks import ShardMarks
from consensus.quarantine_list import read_quarantines
from consensus.shards import WHOLE, Shard
from consensus.verdicts import Quarantine
from probes import keys
from probes.process.duties import Duties
from probes.process.health import Health
from probes.process.key_repair import put_right
from probes.process.liveness import silent_parts
from probes.process.main_loop import turn_until_stopped
from probes.process.redis_streams import RedisClock, redis_now_ms
from probes.process.refusals import Refusals
from probes.process.region_statuses import read_signed_statuses
from vigil.alerts.notice_outbox import enqueue_notices
from vigil.alerts.outbox import enqueue
from vigil.alerts.selftest.selftest import run_self_tests
from vigil.away import is_postgresql
from vigil.canaries.judging import CanarySweep
from vigil.clock import database_now
from vigil.control_keys import control_macs, control_signer, published_keys
from vigil.deadletters.record import LetterSource, isolation, move_from_redis
from vigil.external.take import end_unvouched
from vigil.incidents.access.sweep import AccessSweep
from vigil.incidents.apply import AppliedVerdicts, VerdictEntry, apply_verdicts, pass_entry
from vigil.incidents.beliefs import Beliefs
from vigil.incidents.composites import sweep_composites
from vigil.incidents.core.dark_regions import Darkness
from vigil.incidents.installation.dead_letters import note_dead_letters
from vigil.incidents.installation.quarantines import note_quarantines
from vigil.incidents.installation.verdict_metrics import note_applied
from vigil.incidents.provider_incidents import settle_providers
from vigil.incidents.shards import IngestStanding
from vigil.incidents.sweep import note_dark_regions, reconcile_monitors, settle_flapping
from vigil.incidents.verdict_stream import BLOCK_MS, LogMessage, VerdictStream
from vigil.monitors.live.config_channel import listen, notified
from vigil.monitors.live.regions_away import RegionsAway
from vigil.monitors.live.workers import Workers, publish_signing_keys
from vigil.monitors.models import Region

log = structlog.get_logger()

RECONCILE_S, REBUILD_S, ACCESS_S, COMPOSITES_S = 30.0, 60.0, 15.0, 2.0
COMPLETE_S = QUARANTINES_S = DEAD_LETTERS_S = 1.0
DARKNESS_S = CLOCK_S = SELF_TEST_S = CANARIES_S = EXTERNAL_S = 5.0
#: Verdicts are kept for an hour, and a clock may be slow.
VERDICT_AGE_MOST_MS = 7_200_000


class Ingest:
    """The ingest of one shard; the first does what is done once for all. `run` returns when `stop` is set."""

    def __init__(self, client: redis.Redis, health: Health, shard: Shard = WHOLE) -> None:
        self._redis = client
        self._shard = shard
        self._stream = VerdictStream(client, shard)
        self._beliefs = Beliefs(client)
        self._regions_away = RegionsAway(client, health)
        self._darkness = Darkness(time.monotonic())
        self._health = health
        self._published = published_keys(client)
        self._refusals = Refusals()
        self._clock = RedisClock(client)
        self._alive = ShardMarks(client, "ingest", shard, control_macs(), control_signer(self._clock.now_ms))
        self._standing = IngestStanding(client, shard, self._alive, self._clock.control_ms)
        self._isolation = isolation(LetterSource.INGEST)
        self._canaries = CanarySweep(enqueue, enqueue_notices, self._isolation.each)
        self._access = AccessSweep(client, enqueue, self._isolation.each)
        self._regions: list[str] = []
        self._quarantined: list[Quarantine] | None = None
        self._workers = Workers()
        self._duties = Duties()

    def run(self, stop: threading.Event) -> None:
        """Apply until told to stop; while PostgreSQL or Redis is away, or refuses work, try again."""
        turn_until_stopped(self._turn, stop, self._isolation, self._health, self._recover)

    def _recover(self, error: Exception) -> bool:
        """Make the connection anew, or put right what a region has written over its keys."""
        if is_postgresql(error):
            connection.close()
        self._stream.position = None
        return isinstance(error, redis.ResponseError) and put_right(self._redis, error)

    def _turn(self) -> None:
        """One pass: periodic duties, configuration changes, then new verdicts."""
        reach = self._regions_away.attempt
        if self._stream.position is None:
            self._start()
        self._publish(self._isolation.attempt("monitors", self._changed_monitors, frozenset()))
        self._duty("clock", CLOCK_S, lambda: reach("clock", self._clock.measure))
        self._duty("shards", DARKNESS_S, self._standing.look)
        if not self._standing.standing.may_lead:
            self._stand_back()
            return
        if self._shard.is_first:
            self._do_common_duties()
        self._duty("refusals", DEAD_LETTERS_S, lambda: self._refusals.write(self._redis))
        self._duty("position", COMPLETE_S, self._stream.repair_position)
        self._apply(self._stream.read())
        self._isolation.attempt("alive", lambda: reach("alive", lambda: self._alive.beat(self._regions)), None)
        self._health.beat(position=self._stream.position)
        self._health.mark_ready()

    def _stand_back(self) -> None:
        """Others do the work: the number of shards has changed."""
        self._health.beat(standing=self._standing.standing.value)
        self._health.mark_ready()
        time.sleep(BLOCK_MS / 1000)

    def _do_common_duties(self) -> None:
        reach = self._regions_away.attempt
        self._duty("complete", COMPLETE_S, self._complete_beliefs)
        self._duty("rebuild", REBUILD_S, self._beliefs.rebuild)
        self._duty("region_keys", DARKNESS_S, lambda: publish_signing_keys(self._redis))
        self._duty("darkness", DARKNESS_S, lambda: reach("darkness", self._watch_regions))
        self._duty("quarantines", QUARANTINES_S, self._watch_quarantines)
        self._duty("canaries", CANARIES_S, lambda: self._publish(self._canaries.run()))
        self._duty("composites", COMPOSITES_S, lambda: self._publish(sweep_composites(enqueue)))
        self._duty("providers", COMPOSITES_S, lambda: settle_providers(enqueue))
        self._duty("access", ACCESS_S, lambda: reach("access", self._access.run))
        self._duty("external", EXTERNAL_S, lambda: end_unvouched(enqueue, self._isolation.each))
        self._duty("self_test", SELF_TEST_S, self._prove)
        self._duty("dead_letters", DEAD_LETTERS_S, self._tell_of_dead_letters)

    def _duty(self, name: str, every_s: float, work: Callable[[], object]) -> None:
        """Do what is due; what fails is said, and holds up nothing else."""
        if self._duties.is_due(name, every_s):
            self._isolation.attempt(name, work, None)

    def _complete_beliefs(self) -> None:
        if not self._beliefs.is_complete():
            log.info("beliefs.rebuilt", why="redis has lost it")
            self._beliefs.rebuild()

    def _tell_of_dead_letters(self) -> None:
        move_from_redis(self._redis)
        note_dead_letters(enqueue)

    def _apply(self, messages: list[LogMessage]) -> None:
        """Apply what has arrived, in order; one that cannot be read or applied is passed, and the rest goes on."""
        now_ms = redis_now_ms(self._redis) if messages else 0
        readable = [self._readable(message, now_ms) for message in messages]
        entries = [entry for entry in readable if entry is not None and self._shard.owns(entry.verdict.monitor)]
        payloads = {message.id: message for message in messages}

        def bury(entry: VerdictEntry, error: Exception) -> None:
            with transaction.atomic():
                self._isolation.bury("apply", entry.verdict.monitor, error, payloads[entry.id].as_letter())
                pass_entry(entry.id, self._shard)

        for applied in self._isolation.apply(entries, self._apply_part, bury):
            self._publish(applied.changed)
            log.info("verdicts.applied", changed=len(applied.changed), reasons=" ".join(applied.reasons))
        note_applied(self._health.counts, entries, self._clock.control_ms())
        if messages:
            # Unreadable entries are skipped: a retry would fail too.
            self._stream.position = messages[-1].id

    def _apply_part(self, entries: Sequence[VerdictEntry]) -> AppliedVerdicts:
        return apply_verdicts(entries, enqueue, self._shard)

    def _readable(self, message: LogMessage, now_ms: int) -> VerdictEntry | None:
        why = control_macs().refusal(keys.VERDICTS, message.payload, message.mac, now_ms, VERDICT_AGE_MOST_MS)
        if why is not None:
            self._refusals.add("verdicts", {why: 1})
            return None

        def decode() -> VerdictEntry | None:
            try:
                return VerdictEntry(message.id, admit_verdict(message.payload))
            except msgspec.DecodeError as error:
                log.error("message.unreadable", entry=message.id, error=str(error))
                return None

        return self._isolation.entry("decode", keys.VERDICTS, decode, message.as_letter())

    def _start(self) -> None:
        listen()
        self._stream.start()
        self._duties.make_all_due()

    def _changed_monitors(self) -> frozenset[str]:
        """Apply configuration changes and the end of flapping to monitor states."""
        named = notified()
        if not named and not self._duties.is_due("reconcile", RECONCILE_S):
            return frozenset()
        # Other names (regions, silences) do not affect states.
        monitors = frozenset(name for name in named if name.startswith("mon_") and self._shard.owns(name))
        if not self._shard.is_first:
            return monitors
        each = self._isolation.each
        return monitors | reconcile_monitors(enqueue, each) | settle_flapping(database_now(), enqueue, each)

    def _watch_regions(self) -> None:
        enabled = Region.objects.filter(enabled=True)
        known = set(Region.objects.values_list("slug", flat=True))
        regions = self._regions = list(enabled.values_list("slug", flat=True))
        self._alive.dismiss(regions, named=known - set(regions))
        alive = self._workers.hear(read_signed_statuses(self._redis, regions, self._published))
        # A region whose worker was never heard waits for it: it cannot fall silent.
        started = set(enabled.filter(worker_since__isnull=False).values_list("slug", flat=True))
        dark = self._darkness.dark(regions, alive, time.monotonic()) & started
        note_dark_regions(dark, set(regions) - alive, enqueue)
        # Again, although nothing may have changed: what was not written is written now.
        self._quarantined = None

    def _watch_quarantines(self) -> None:
        quarantines = self._quarantines()
        if quarantines is not None and self._regions and quarantines != self._quarantined:
            note_quarantines([one for one in quarantines if one.region in self._regions], enqueue)
            self._quarantined = quarantines

    def _quarantines(self) -> list[Quarantine] | None:
        """Quarantined regions; None while Redis does not have all."""
        fields = cast(dict[bytes, bytes], self._redis.hgetall(keys.QUARANTINED))
        return read_quarantines(control_macs(), fields, redis_now_ms(self._redis))

    def _prove(self) -> None:
        """Start self-tests, if the processes before ingest are alive."""
        silent = silent_parts(self._redis, ("dispatch", "consensus"), control_macs())
        if silent:
            log.warning("self_test.not_started", silent=" ".join(silent))
        elif run_self_tests(self._isolation.each):
            log.info("self_test.started")

    def _publish(self, monitors: Collection[str]) -> None:
        """Publish what is believed of monitors, in parts where one of them fails; a rebuild comes within a minute."""

        def bury(monitor: str, error: Exception) -> None:
            self._isolation.bury("publish", monitor, error)

        self._isolation.apply(sorted(monitors), self._beliefs.publish, bury)
