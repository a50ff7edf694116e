"""Simulated region worker: runs queued checks against the world and publishes results."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from msgspec.structs import replace

from probes.checks.lateness import missed, order_of, overdue, too_late, wait_ms
from probes.checks.soft_limits import ENOUGH, SoftLimits
from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Check, Phases, RegionStatus, Result
from probes.worker.status import INTERVAL_S
from vigil.simulation.processes.autonomy import SimAutonomy
from vigil.simulation.processes.broker import Away
from vigil.simulation.processes.engine import SimProcess
from vigil.simulation.processes.publisher import SimPublisher
from vigil.simulation.processes.surroundings import SimContext
from vigil.simulation.worlds.draws import between
from vigil.simulation.worlds.history import Probe
from vigil.simulation.worlds.scenario import Luck
from vigil.simulation.worlds.world import FINE, Sighting

STATUS_MS = INTERVAL_S * 1000
UNANSWERED_MS = 5_000
_FLUSH_MS = 20
_LOOK_AT_CLOCK_MS = 250
_HOP_MS = (3, 90)
_REMEMBERED = 200_000
#: A check dated further ahead means a wrong clock.
_AHEAD_MOST_MS = 60_000
_HOP, _LUCK = range(20, 22)


class SimRegion(SimProcess):
    """A region. `cut` from Redis it still checks; `clock_ms` is its clock error."""

    def __init__(self, around: SimContext, index: int, lies: bool) -> None:
        slug, self.domain = around.world.scenario.regions[index]
        super().__init__(around.engine, slug)
        self.index = index
        self.lies = lies
        self.clock_ms = 0
        self._measured_ms = 0
        self._around = around
        self._seen: OrderedDict[tuple[str, int, str, int], None] = OrderedDict()
        self._inbox: list[Check] = []
        self.publisher = SimPublisher(around, self)
        self.autonomy = SimAutonomy(self)
        self.begin()
        for number, paths in enumerate(around.world.paths):
            usual = Phases(total_us=int(paths[index].speed_ms * 1000))
            for _ in range(ENOUGH):
                self._soft_limits.note(Result(WIRE_VERSION, around.world.monitors[number], 0, *FINE, 0, usual))

    def begin(self) -> None:
        """Measure the clock and start reporting; unpublished results in memory are lost."""
        self._seen.clear()
        self._soft_limits = SoftLimits(_REMEMBERED)
        self.publisher.begin()
        if self._around.history.thorough:
            self.autonomy.begin(self.connected)
        self._report()
        self._take_inbox()

    @property
    def connected(self) -> bool:
        return self.publisher.connected

    def queue(self, check: Check) -> None:
        """A check arrives in this region's queue; a live worker takes it."""
        if not self.alive or not self.connected:
            self._inbox.append(check)
        elif self.paused:
            self.hold(self._obey, (check,))
        else:
            self._obey(check)

    def reconnect(self) -> None:
        """Redis is back: take the queue."""
        if self.alive and self.connected:
            self._take_inbox()

    def lose_queue(self) -> None:
        self._inbox.clear()

    def _take_inbox(self) -> None:
        waiting, self._inbox = self._inbox, []
        for check in waiting:
            self.queue(check)

    def now_ms(self) -> int:
        """Estimate of Redis' clock, with the unmeasured error."""
        return int(self.engine.now + self.clock_ms - self._measured_ms)

    def set_clock(self, by_ms: int) -> None:
        """Step the machine's clock: a live worker detects it at its next check."""
        self.clock_ms += by_ms
        if self.alive:
            self.later(_LOOK_AT_CLOCK_MS, self._mind_the_clock, by_ms)

    def _mind_the_clock(self, by_ms: int) -> None:
        if abs(self.clock_ms - self._measured_ms) >= abs(by_ms):
            self._measured_ms += by_ms

    def steady_ms(self) -> float:
        """Monotonic clock."""
        return self.engine.now

    def submit(self, checks: Iterable[Check]) -> None:
        """Run checks of its own schedule."""
        for check in checks:
            self._take(check)

    def _report(self) -> None:
        try:
            if not self.connected:
                raise Away
            self._measured_ms = self.clock_ms
            now_ms = self.now_ms()
            status = RegionStatus(WIRE_VERSION, now_ms, self.clock_ms, 0, 0, now_ms, str(self.boot), "simulated")
            self._around.broker.report(self.name, status)
            if self._around.history.thorough:
                self.autonomy.listen(self._around.broker.mark)
                self.publisher.settle()
            self.later(STATUS_MS, self._report)
        except Away:
            self.later(1_000, self._report)

    def _obey(self, check: Check) -> None:
        history = self._around.history
        if history.thorough:
            if not check.round:
                history.told.setdefault((self.name, check.monitor), {}).setdefault(self.boot, self.engine.now)
            self.autonomy.ordered(check)
        self._take(check)

    def _take(self, check: Check) -> None:
        order = order_of(check)
        if order in self._seen:
            return
        self._seen[order] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        now_ms = self.now_ms()
        ahead_ms = wait_ms(check, now_ms)
        if ahead_ms > _AHEAD_MOST_MS:
            self._publish(missed(check, now_ms, "dated too far ahead of the clock"))
        elif ahead_ms:
            self.later(ahead_ms, self._start, check)
        else:
            self._start(check)

    def _start(self, check: Check) -> None:
        now_ms = self.now_ms()
        if too_late(check, now_ms):
            self._publish(missed(check, now_ms, "it came too late to be started"))
            return
        world, number = self._around.world, self._around.world.number(check.monitor)
        if check.round:
            sighting = world.look(number, self.index, self.engine.now, check.look)
        else:
            sighting = world.scheduled(number, self.index, check.at_ms)
            soft_ms = self._soft_limits.soft_ms(check)
            if 0 < soft_ms < sighting.took_ms:
                self._publish(overdue(check, now_ms), soft_ms)
        self._note(check)
        result = _result(check, sighting, now_ms)
        self._soft_limits.note(result)
        self._publish(result, sighting.took_ms)

    def _note(self, check: Check) -> None:
        history = self._around.history
        history.checks += 1
        if not history.thorough:
            history.planned -= not check.round
        else:
            history.probes.append(
                Probe(self.name, self.boot, check.monitor, check.at_ms, self.engine.now, check.round, check.look)
            )

    def _publish(self, result: Result, after_ms: float = 0.0) -> None:
        """Publish a result once it is ready."""
        world = self._around.world
        key = (world.seed, world.number(result.monitor), self.index, result.at_ms * 8 + result.look, len(result.reason))
        luck, late_ms = world.scenario.links.luck(_LUCK, *key)
        if self.lies:
            result = lie(result)
        delay_ms = after_ms + _FLUSH_MS + between(*_HOP_MS, _HOP, *key)
        if luck is Luck.LOST:
            self.later(delay_ms, self.publisher.redis_was_away)
            delay_ms += UNANSWERED_MS
        self.later(delay_ms + (late_ms if luck is Luck.LATE else 0.0), self.publisher.write, result)
        if luck is Luck.TWICE:
            self.later(delay_ms + late_ms, self.publisher.write, lie(result) if self.lies else result)


def lie(result: Result) -> Result:
    """Invert a result; without durations, or a pass would count as slow."""
    if result.status is Status.UP:
        return replace(result, status=Status.DOWN, reason=Reason.REFUSED)
    if result.status is Status.UNKNOWN:
        return result
    return replace(result, status=Status.UP, reason=Reason.OK, phases=Phases())


def _result(check: Check, seen: Sighting, started_ms: int) -> Result:
    return Result(
        WIRE_VERSION, check.monitor, check.at_ms, seen.status, seen.reason, started_ms,
        Phases(total_us=int(seen.attempt_ms * 1000)), check.round, check.look, seen.attempts, revision=check.revision,
    )  # fmt: skip
