"""Rules of other systems on the same world: what each would have reported. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from probes.reasons import Status
from vigil.simulation.judges.score import RuleReport
from vigil.simulation.worlds.world import Path, World

#: After this many passes in a row no rule remembers a failure.
_FORGOTTEN_AFTER = 3


@dataclass(frozen=True, slots=True)
class RivalView:
    """One scheduled check: when its result is known, and whether it failed."""

    at_ms: float
    region: int
    failed: bool


@dataclass(slots=True)
class RivalRegions:
    """Consecutive failures (negative: passes) of each region, and whether it counts as failing."""

    runs: list[int]
    failing: list[bool]
    fails_after: int
    passes_after: int

    def take(self, seen: RivalView) -> int:
        """Count a check; returns the number of failing regions."""
        run = self.runs[seen.region]
        run = max(run, 0) + 1 if seen.failed else min(run, 0) - 1
        self.runs[seen.region] = run
        if run >= self.fails_after:
            self.failing[seen.region] = True
        elif -run >= self.passes_after:
            self.failing[seen.region] = False
        return sum(self.failing)


@dataclass(frozen=True, slots=True)
class Rival:
    """A rule: which checks it makes, and how many failing regions of n are an outage."""

    name: str
    says: str
    is_down: Callable[[int, int], bool]
    retries: bool = False
    fails_after: int = 1
    passes_after: int = 1
    round_robin: bool = False


RIVALS = {
    rival.name: rival
    for rival in (
        Rival("majority", "more than half of the regions' last checks failed", lambda failing, n: failing > n / 2),
        Rival("at_least_half", "at least half of the regions' last checks failed", lambda failing, n: failing >= n / 2),
        Rival(
            "majority_retry",
            "majority, each failed check tried once more",
            lambda failing, n: failing > n / 2,
            retries=True,
        ),
        Rival(
            "three_in_a_row",
            "one region after the other checks; three failures in a row",
            lambda failing, n: failing > 0,
            fails_after=3,
            round_robin=True,
        ),
        Rival(
            "18_percent",
            "each region needs three in a row; 18 % or less of them are healthy",
            lambda failing, n: (n - failing) <= 0.18 * n,
            fails_after=3,
            passes_after=3,
        ),
    )
}


def reports_of(world: World, monitor: int, rival: Rival) -> list[RuleReport]:
    """Reports of a rule on one monitor over the world's span."""
    n = 1 if rival.round_robin else len(world.scenario.regions)
    regions = RivalRegions([0] * n, [False] * n, rival.fails_after, rival.passes_after)
    checks = _in_turn(world, monitor) if rival.round_robin else _of_all(world, monitor, rival)
    reports: list[RuleReport] = []
    opened_ms: float | None = None
    for seen in checks:
        down = rival.is_down(regions.take(seen), n)
        if down and opened_ms is None:
            opened_ms = seen.at_ms
        elif opened_ms is not None and not down:
            reports.append(RuleReport(opened_ms, seen.at_ms))
            opened_ms = None
    return [*reports, RuleReport(opened_ms, None)] if opened_ms is not None else reports


def _of_all(world: World, monitor: int, rival: Rival) -> Iterable[RivalView]:
    """Checks that matter to a rule, by time of result: failures, and the passes after them."""
    regions = range(len(world.scenario.regions))
    paths = (_of_path(world, world.paths[monitor][region], rival) for region in regions)
    return heapq.merge(*paths, key=attrgetter("at_ms"))


def _of_path(world: World, path: Path, rival: Rival) -> list[RivalView]:
    interval_ms = world.scenario.interval_ms
    slots = world.eventful_slots(path)
    wanted = {slot + interval_ms * after for slot in slots for after in range(_FORGOTTEN_AFTER + 1)}
    found: list[RivalView] = []
    for slot in sorted(wanted):
        sighting = world.scheduled(path.monitor, path.region, slot)
        failed = sighting.status is Status.DOWN
        known_ms = slot + sighting.took_ms
        if failed and rival.retries:
            again = world.again(path.monitor, path.region, slot, known_ms)
            failed = again.status is Status.DOWN
            known_ms += again.took_ms
        found.append(RivalView(known_ms, path.region, failed))
    return sorted(found, key=attrgetter("at_ms"))


def _in_turn(world: World, monitor: int) -> Iterator[RivalView]:
    """One check an interval, by each region in turn."""
    interval_ms = world.scenario.interval_ms
    n = len(world.scenario.regions)
    start = world.span.start + world.paths[monitor][0].phase_ms
    for turn, at_ms in enumerate(range(start, world.span.stop, interval_ms)):
        sighting = world.glance(monitor, turn % n, at_ms)
        yield RivalView(at_ms + sighting.took_ms, 0, sighting.status is Status.DOWN)
