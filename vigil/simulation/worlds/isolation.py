"""Partitions: long cuts of regions from the control plane, drawn from the seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from vigil.simulation.worlds.draws import stream
from vigil.simulation.worlds.scenario import MINUTE_MS, Scenario

_ISOLATION = 41
#: The first cut comes once every region has its orders.
_AFTER_MS = 10 * MINUTE_MS


class Fault(StrEnum):
    KILL = "kill"
    PAUSE = "pause"
    REDIS_DIES = "redis_dies"
    REDIS_FORGETS = "redis_forgets"
    REDIS_TRIMS = "redis_trims"
    POSTGRES_DIES = "postgres_dies"
    CUT = "cut"
    CLOCK_STEPS = "clock_steps"
    REGION_DIES = "region_dies"
    DISPATCH_DIES = "dispatch_dies"


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One planned fault; `region` is its index, if it is of one."""

    from_ms: float
    to_ms: float
    fault: Fault
    region: int = 0


def disturbances(scenario: Scenario, seed: int, span: range) -> list[Disturbance]:
    """All cuts of a world, deaths within them, and dispatcher silences."""
    cuts = scenario.cuts
    source = stream(seed, _ISOLATION)
    found: list[Disturbance] = []
    regions = list(range(len(scenario.regions)))
    if cuts.whole_ms:
        start = span.start + _AFTER_MS
        found.append(Disturbance(start, start + cuts.whole_ms, Fault.CUT, regions.pop(source.randrange(len(regions)))))
    # One after another, so that a quorum remains.
    at: float = span.start + _AFTER_MS if cuts.every_ms else span.stop
    while (at := at + source.expovariate(1 / max(1, cuts.every_ms))) < span.stop:
        lasts = cuts.lasts_ms[0] * (cuts.lasts_ms[1] / cuts.lasts_ms[0]) ** source.random()
        found.append(Disturbance(at, at + lasts, Fault.CUT, source.choice(regions)))
        at += lasts
    for cut in list(found):
        for died_at in _times(source, range(int(cut.from_ms), int(cut.to_ms)), cuts.dies_every_ms):
            found.append(
                Disturbance(died_at, died_at + source.uniform(1_000, MINUTE_MS), Fault.REGION_DIES, cut.region)
            )
    for silent_at in _times(source, range(span.start + _AFTER_MS, span.stop), cuts.silence_every_ms):
        fault = source.choice([Fault.DISPATCH_DIES, Fault.REDIS_DIES])
        found.append(Disturbance(silent_at, silent_at + source.uniform(*cuts.silence_ms), fault))
    return found


def _times(source: random.Random, span: range, every_ms: int) -> Iterator[float]:
    if not every_ms:
        return
    at = span.start + source.expovariate(1 / every_ms)
    while at < span.stop:
        yield at
        at += source.expovariate(1 / every_ms)
