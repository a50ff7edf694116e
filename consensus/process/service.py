"""The consensus process: reads results, folds them, and writes calls and verdicts while it holds the lease.

All its state can be read again: killed at any line, it starts by reading the last few minutes, and the same rounds get
the same verdicts. A second process folds along and takes over when the lease is free.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import redis
import structlog

from consensus.fold import Fold
from consensus.process.beliefs import BeliefReader
from consensus.process.connection import await_answer, connect
from consensus.process.handover import Handover
from consensus.process.metrics import note_written
from consensus.process.settings import ConsensusSettings
from consensus.process.shard_lease import ShardLease, SharedMap
from consensus.process.shard_marks import ShardMarks
from consensus.process.stream import LATE_MS, Arrival, Keep, Streams
from consensus.unsaid import Unsaid
from consensus.verdicts import Call, Round, Verdict
from probes.admission import Refusal
from probes.process.dead_letters import NO_ENTRY, DeadLetterStream
from probes.process.duties import Duties
from probes.process.health import Health
from probes.process.isolation import Isolation
from probes.process.key_repair import put_right, refusal
from probes.process.main_loop import turn_until_stopped
from probes.process.published_keys import PublishedRegionKeys
from probes.process.redis_streams import RedisClock
from probes.process.region_statuses import read_statuses

log = structlog.get_logger()

TICK_MS = 100
RENEW_S = 1.0
HOUSEKEEPING_S = 5.0
BELIEFS_S = 0.1
#: How often regions are judged, and a part of the baselines is saved.
REGIONS_S = 1.0
#: Calls are forgotten after this long.
CALLS_KEPT_MS = 600_000


class Consensus:
    """One consensus process. `run` returns when `stop` is set; anything unexpected ends the process."""

    def __init__(self, settings: ConsensusSettings, health: Health) -> None:
        self._client = connect(settings.redis_url.get_secret_value(), settings.control_redis_url.get_secret_value())
        macs, shard = settings.macs(), settings.own_shard
        self._shard, self._clock = shard, RedisClock(self._client)
        shared = SharedMap(self._client, macs, self._clock.control_ms)
        self._lease = ShardLease(self._client, "consensus", shard, shared)
        self._published = PublishedRegionKeys(self._client, macs)
        self._streams = Streams(self._client, self._published, settings.replay_s * 1000 + LATE_MS, shard)
        self._streams.clock = self._clock
        self._beliefs = BeliefReader(self._client, macs, self._clock.control_ms, shard)
        self._handover = Handover(self._client, macs, self._clock.control_ms, shard)
        self._alive = ShardMarks(self._client, "consensus", shard, macs)
        self._fold = Fold(shard)
        self._health = health
        self._replay_ms = settings.replay_s * 1000
        self._keep = Keep(self._replay_ms, max(settings.keep_results_s, settings.replay_s) * 1000)
        self._duties = Duties()
        self._letters = DeadLetterStream(self._client, macs)
        self._isolation = Isolation("consensus", self._letters, refusal, time.monotonic)
        self._unreadable = ""
        self._unsaid = Unsaid(shard)
        self._primed = False
        self._led = False
        self._stop = threading.Event()

    def await_redis(self, stop: threading.Event) -> None:
        """Wait until Redis answers; raises `redis.RedisError` when it does not. At the start only."""
        await_answer(self._clock, stop)

    def run(self, stop: threading.Event) -> None:
        """Fold until told to stop; while Redis is away, or refuses work, keep the memory and try again."""
        self._stop = stop
        turn_until_stopped(self._turn, stop, self._isolation, self._health, self._recover)
        try:
            self._lease.release()
        except redis.RedisError as error:
            log.warning("lease.not_released", error=type(error).__name__)

    def _recover(self, error: Exception) -> bool:
        return isinstance(error, redis.ResponseError) and put_right(self._client, error)

    def _turn(self) -> None:
        """One turn of the loop: duties that are due, then messages, then deadlines."""
        self._do_duties()
        if not self._primed:
            self._stop.wait(BELIEFS_S)
            return
        deadline_ms = self._fold.rounds.next_deadline_ms()
        wait_ms = TICK_MS if deadline_ms is None else min(TICK_MS, max(1, deadline_ms - self._clock.now_ms()))
        self._read(wait_ms)
        now_ms, attempt = self._clock.now_ms(), self._isolation.attempt
        if not self._streams.behind:
            self._decide(now_ms)
        self._unsaid.extend(attempt("rechecks", lambda: self._fold.rechecks(now_ms), []))
        self._say(now_ms)
        if self._lease.epoch:
            attempt("alive", self._alive.beat, None)
        self._health.beat(open_rounds=len(self._fold.rounds), leading=self._lease.epoch > 0)

    def _read(self, wait_ms: int) -> None:
        """Take what has arrived; an entry that fails twice is a dead letter, and the others count."""
        try:
            for message in self._streams.read(wait_ms, self._clock.now_ms()):
                try:
                    self._take(message)
                except Exception:  # noqa: BLE001  # rare: a message is taken without the cost of a call around it
                    self._take_again(message)
        except Exception as error:
            entry = self._streams.reading
            if self._isolation.refusal(error) or entry is None:
                raise
            if entry.entry == self._unreadable:
                self._isolation.bury("decode", entry.origin, error, entry)
                self._streams.pass_entry()
            self._unreadable = entry.entry

    def _take_again(self, message: Round | Arrival) -> None:
        """Take a round or every result of an entry by itself; what was taken already changes nothing."""
        entry = self._streams.reading or NO_ENTRY
        if isinstance(message, Round):
            self._isolation.entry("fold", message.monitor, partial(self._take, message), entry)
            return
        passed = Arrival(message.region, (), message.at_ms, message.passed)
        for alone in (passed, *(Arrival(message.region, (one,), message.at_ms) for one in message.results)):
            self._isolation.entry("fold", message.region, partial(self._take, alone), entry)

    def _decide(self, now_ms: int) -> None:
        """Judge the deadlines that have passed; a round that cannot be decided is gone once it has failed."""
        for _ in range(len(self._fold.rounds) + 1):
            try:
                self._unsaid.extend(self._fold.rounds.due(now_ms))
                return
            except Exception as error:  # noqa: BLE001  # of one round, which is forgotten
                self._isolation.bury("decide", "round", error)

    def _take(self, message: Round | Arrival) -> None:
        """Fold a message; what follows from it is to be said."""
        now_ms = self._clock.now_ms()
        if isinstance(message, Round):
            for elector in message.electorate:
                self._streams.follow_region(elector.region, message.opened_ms)
            verdict = self._fold.open(message, now_ms)
            if verdict is not None:
                self._unsaid.append(verdict)
            return
        fold, region, at_ms, unsaid = self._fold, message.region, message.at_ms, self._unsaid
        if message.passed:
            fold.passed_elsewhere(region, message.passed, at_ms)
        for result in message.results:
            answer = fold.result(region, result, at_ms, now_ms)
            if answer is not None:
                unsaid.append(answer)

    def _say(self, now_ms: int) -> None:
        """Write what was decided; a follower keeps it."""
        if self._led and not self._lease.epoch:
            # A turn after a long pause takes longer than the lease: no other process need have led since.
            self._note_leadership(self._lease.renew())
        epoch = self._lease.epoch
        signed = self._unsaid.to_write(epoch, now_ms)
        if not epoch:
            return

        def bury(message: Call | Verdict, error: Exception) -> None:
            self._isolation.bury("write", message.monitor, error)

        self._isolation.apply(signed, self._streams.write, bury)
        self._unsaid.clear()
        note_written(self._health.counts, signed, self._streams.taken)
        for message in signed:
            if isinstance(message, Verdict):
                log.info("verdict.decided", monitor=message.monitor, status=message.status, reason=message.reason)

    def _do_duties(self) -> None:
        if self._duties.is_due("beliefs", BELIEFS_S):
            self._retry("beliefs", self._read_beliefs)
        # Not before it can decide: other shards stand back for one that leads.
        if self._primed and self._duties.is_due("renew", RENEW_S):
            self._clock.measure()
            self._note_leadership(self._lease.renew())
        if self._primed and self._duties.is_due("regions", REGIONS_S):
            self._retry("regions", lambda: self._judge_regions(self._clock.now_ms()))
        if self._duties.is_due("housekeeping", HOUSEKEEPING_S):
            self._retry("housekeeping", lambda: self._keep_house(self._clock.now_ms()))
            self._health.beat(waiting_for_beliefs=not self._primed)
        self._letters.flush()

    def _retry(self, duty: str, work: Callable[[], None]) -> None:
        """Do a duty; one that fails is due again as soon as it has rested."""
        failed: bool | None = self._isolation.attempt(duty, work, True)
        if failed:
            self._duties.make_due(duty)

    def _read_beliefs(self) -> None:
        believed = self._beliefs.read()
        if believed is not None:
            self._fold.believe(believed.beliefs, believed.changed)
            self._prime()

    def _keep_house(self, now_ms: int) -> None:
        self._streams.follow(now_ms - self._replay_ms)
        over_budget, self._fold.over_budget = self._fold.over_budget, Counter()
        for region, count in over_budget.items():
            self._streams.refusals.add(region, {Refusal.OVER_BUDGET: count})
        if self._lease.epoch:
            self._streams.repair_ids()
            self._streams.trim(now_ms, self._keep)
            self._streams.tell_refusals()
        self._streams.repair_positions(now_ms, now_ms - self._replay_ms)
        self._fold.forget_before(now_ms - CALLS_KEPT_MS)

    def _prime(self) -> None:
        """Begin to decide once beliefs, quarantines and baselines are loaded."""
        if not self._primed:
            self._fold.sick_regions.restore(self._handover.quarantines(), self._clock.now_ms())
            series = self._handover.restore(self._fold.baselines, self._clock.now_ms())
            self._primed = True
            self._health.mark_ready()
            log.info("consensus.primed", series=series)

    def _judge_regions(self, now_ms: int) -> None:
        """Find sick regions; the leader writes them every time, since Redis may lose them."""
        for region, status in read_statuses(self._client, self._streams.regions, self._published).items():
            if status is not None:
                self._fold.sick_regions.anchors(region, status.is_adrift, now_ms)
        if self._fold.judge_regions(now_ms, self._handover.listed()):
            log.warning("quarantine.changed", regions=dict(self._fold.sick_regions.quarantined))
        if self._lease.epoch:
            if self._shard.is_first:
                self._handover.write_quarantines(self._fold.sick_regions.quarantines())
            self._handover.write_some(self._fold.baselines, REGIONS_S)

    def _note_leadership(self, epoch: int) -> None:
        if bool(epoch) != self._led:
            self._led = bool(epoch)
            log.info("lease.acquired" if epoch else "lease.lost", epoch=epoch)
