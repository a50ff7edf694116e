"""Simulated world with known truth: which checks fail, when and why. Deterministic by seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from probes.reasons import Reason, Status
from vigil.dispatch.core.plans import Plan, RegionPlan
from vigil.dispatch.core.schedule import phase_ms
from vigil.simulation.worlds.draws import between, stream, unit
from vigil.simulation.worlds.scenario import Scenario
from vigil.simulation.worlds.spells import Ailment, Origin, Spell, all_spells

SECOND_ATTEMPT_MS = 1_000
_BLIP, _STAYS, _MANNER, _SPEED, _HIT = range(5)

_SAYS = {
    Ailment.REFUSES: (Status.DOWN, Reason.REFUSED),
    Ailment.HANGS: (Status.DOWN, Reason.TIMEOUT),
    Ailment.SLOW: (Status.DEGRADED, Reason.SLOW),
    Ailment.ACCOUNT: (Status.DOWN, Reason.AUTH),
}
FINE = (Status.UP, Reason.OK)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Result of one check: status, total time, time of the counted attempt, and cause."""

    status: Status
    reason: Reason
    took_ms: float
    attempt_ms: float
    attempts: int = 1
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """A region's path to a target: slots, blips, and bad spells."""

    monitor: int
    region: int
    phase_ms: int
    spells: tuple[Spell, ...]
    blips: frozenset[int]
    speed_ms: float
    #: What most of its checks see.
    fine: Sighting


class World:
    """Targets, regions and the truth between two instants."""

    def __init__(self, scenario: Scenario, seed: int, monitors: int, span: range) -> None:
        self.scenario = scenario
        self.seed = seed
        self.span = span
        self.monitors = [f"mon_{seed % 100_000:05d}{index:03d}" for index in range(monitors)]
        self._numbers = {name: index for index, name in enumerate(self.monitors)}
        self.spells = all_spells(scenario, seed, monitors, span)
        self.paths = [
            [self._path(monitor, region) for region in range(len(scenario.regions))] for monitor in range(monitors)
        ]

    def plans(self) -> list[Plan]:
        """The monitors as dispatch plans."""
        scenario = self.scenario
        regions = tuple(RegionPlan(slug, domain) for slug, domain in scenario.regions)
        return [
            Plan(
                name,
                "http",
                scenario.interval_ms,
                scenario.timeout_ms,
                b"",
                regions,
                scenario.sensitivity,
                0,
                name,
                site=f"domain:{name}.test",
            )
            for name in self.monitors
        ]

    def number(self, monitor: str) -> int:
        return self._numbers[monitor]

    def scheduled(self, monitor: int, region: int, at_ms: int) -> Sighting:
        """Result of a scheduled check: one attempt."""
        path = self.paths[monitor][region]
        return self._attempt(path, at_ms, at_ms, at_ms in path.blips)

    def again(self, monitor: int, region: int, slot_ms: int, at_ms: float) -> Sighting:
        """Second attempt, for rules that retry at once."""
        path = self.paths[monitor][region]
        stays = unit(self.seed, _STAYS, monitor, region, slot_ms) < self.scenario.noise.blip_stays
        return self._attempt(path, at_ms, slot_ms, slot_ms in path.blips and stays)

    def glance(self, monitor: int, region: int, at_ms: int) -> Sighting:
        """One attempt at any time, for rules with other slots."""
        blip = unit(self.seed, _BLIP, monitor, region, at_ms) < self.scenario.noise.blip
        return self._attempt(self.paths[monitor][region], at_ms, at_ms, blip)

    def look(self, monitor: int, region: int, at_ms: float, look: int) -> Sighting:
        """Result of a look: two attempts a second apart; either success is a pass."""
        path = self.paths[monitor][region]
        key = int(at_ms) * 8 + look
        blip = unit(self.seed, _BLIP, monitor, region, key) < self.scenario.noise.blip
        first = self._attempt(path, at_ms, key, blip)
        if first.status is Status.UP and first.took_ms <= SECOND_ATTEMPT_MS:
            return first
        stays = blip and unit(self.seed, _STAYS, monitor, region, key) < self.scenario.noise.blip_stays
        second = self._attempt(path, at_ms + SECOND_ATTEMPT_MS, key, stays)
        if second.status is Status.UP:
            took_ms = SECOND_ATTEMPT_MS + second.took_ms
            return Sighting(second.status, second.reason, took_ms, second.took_ms, 2)
        took_ms = max(first.took_ms, SECOND_ATTEMPT_MS + second.took_ms)
        return Sighting(second.status, second.reason, took_ms, second.took_ms, 2, second.origin)

    def eventful_slots(self, path: Path) -> list[int]:
        """Slots of a path whose check may see a failure."""
        slots = set(path.blips)
        for spell in path.spells:
            start = max(spell.from_ms, self.span.start)
            first = start + (path.phase_ms - start) % self.scenario.interval_ms
            slots.update(range(first, min(spell.to_ms, self.span.stop), self.scenario.interval_ms))
        return sorted(slots)

    def outages(self, monitor: int) -> list[Spell]:
        """Real outages of a target, in order of time."""
        return self.spells.of_target(monitor)

    def _path(self, monitor: int, region: int) -> Path:
        name = self.monitors[monitor]
        interval_ms = self.scenario.interval_ms
        phase = phase_ms(name, interval_ms, region, len(self.scenario.regions))
        speed_ms = between(15, 180, self.seed, _SPEED, monitor, region)
        return Path(
            monitor,
            region,
            phase,
            self.spells.of_path(monitor, region),
            self._blips(monitor, region, phase),
            speed_ms,
            Sighting(*FINE, speed_ms, speed_ms),
        )

    def _blips(self, monitor: int, region: int, phase: int) -> frozenset[int]:
        """Slots with a blip; gaps are geometric, so not every slot is tried."""
        chance = self.scenario.noise.blip
        if chance <= 0:
            return frozenset()
        interval_ms = self.scenario.interval_ms
        rate = -math.log(1 - chance)
        source = stream(self.seed, _BLIP, monitor, region)
        slot = self.span.start + (phase - self.span.start) % interval_ms - interval_ms
        found = []
        while slot < self.span.stop:
            slot += interval_ms * (1 + int(source.expovariate(rate)))
            found.append(slot)
        return frozenset(found)

    def _attempt(self, path: Path, at_ms: float, key: int, blip: bool) -> Sighting:
        for spell in path.spells:
            if spell.from_ms <= at_ms < spell.to_ms and (
                spell.hit >= 1 or unit(self.seed, _HIT, path.monitor, path.region, key) < spell.hit
            ):
                return self._ailing(path, spell.ailment, spell.origin)
        if blip:
            hangs = unit(self.seed, _MANNER, path.monitor, path.region, key) < 0.5
            return self._ailing(path, Ailment.HANGS if hangs else Ailment.REFUSES, Origin.BLIP)
        return path.fine

    def _ailing(self, path: Path, ailment: Ailment, origin: Origin) -> Sighting:
        took_ms = path.speed_ms
        if ailment is Ailment.HANGS:
            took_ms = float(self.scenario.timeout_ms)
        elif ailment is Ailment.SLOW:
            took_ms += 700
        return Sighting(*_SAYS[ailment], took_ms, took_ms, origin=origin)
