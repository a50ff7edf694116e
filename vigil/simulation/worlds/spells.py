"""Bad spells: of targets, paths, regions and providers. Drawn once from the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from vigil.simulation.worlds.draws import stream
from vigil.simulation.worlds.scenario import MINUTE_MS, Scenario

_REGION, _PROVIDER, _PATH, _TARGET, _LOSS = range(10, 15)
#: The number under which outages that targets have together are drawn.
_TOGETHER = 1_000_000
#: Pause after an outage, so that its incident is resolved before the next.
_REST_MS = 20 * MINUTE_MS


class Origin(StrEnum):
    """Cause of a failing check."""

    OUTAGE = "outage"
    PATH = "path"
    REGION = "region"
    PROVIDER = "provider"
    BLIP = "blip"
    LOSS = "loss"


class Ailment(StrEnum):
    """How a target fails."""

    REFUSES = "refuses"
    HANGS = "hangs"
    SLOW = "slow"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Spell:
    """A bad spell. `regions` (by index) see it; `hit` of their checks fail."""

    from_ms: int
    to_ms: int
    origin: Origin
    ailment: Ailment
    regions: frozenset[int]
    hit: float = 1.0


@dataclass(slots=True)
class Spells:
    """All bad spells of a world."""

    targets: list[list[Spell]]
    paths: dict[tuple[int, int], list[Spell]] = field(default_factory=dict)
    regions: dict[int, list[Spell]] = field(default_factory=dict)
    #: Times in which several regions lose their way, each as of the last of them.
    losses: list[Spell] = field(default_factory=list)

    def of_target(self, monitor: int) -> list[Spell]:
        return self.targets[monitor]

    def of_path(self, monitor: int, region: int) -> tuple[Spell, ...]:
        """Spells of one region's path to one target; the target's own failure hides the others."""
        own = [spell for spell in self.targets[monitor] if region in spell.regions]
        return (*own, *self.paths.get((monitor, region), ()), *self.regions.get(region, ()))


def all_spells(scenario: Scenario, seed: int, monitors: int, span: range) -> Spells:
    """Draw all bad spells of a world."""
    noise = scenario.noise
    spells = Spells([_outages(scenario, stream(seed, _TARGET, monitor), span) for monitor in range(monitors)])
    shared = round(scenario.truth.together * monitors)
    if shared:
        spells.targets[:shared] = [_outages(scenario, stream(seed, _TARGET, _TOGETHER), span)] * shared
    for index in range(len(scenario.regions)):
        source = stream(seed, _REGION, index)
        spells.regions[index] = [
            Spell(start, start + noise.spell_ms, Origin.REGION, _either(source), frozenset({index}), noise.spell_hit)
            for start in _starts(source, span, noise.region_every_ms)
        ]
    for number, domain in enumerate(sorted({domain for _, domain in scenario.regions})):
        source = stream(seed, _PROVIDER, number)
        members = frozenset(index for index, (_, own) in enumerate(scenario.regions) if own == domain)
        for start in _starts(source, span, noise.provider_every_ms):
            spell = Spell(start, start + noise.spell_ms, Origin.PROVIDER, _either(source), members, noise.spell_hit)
            for index in members:
                spells.regions[index].append(spell)
    for lost in _losses(scenario, stream(seed, _LOSS), span):
        spells.losses.append(max(lost, key=lambda spell: spell.from_ms))
        for spell in lost:
            for index in spell.regions:
                spells.regions[index].append(spell)
    if noise.path_share > 0:
        for monitor in range(monitors):
            for index in range(len(scenario.regions)):
                source = stream(seed, _PATH, monitor, index)
                spells.paths[monitor, index] = list(_path_spells(scenario, source, span, index))
    return spells


def _losses(scenario: Scenario, source: random.Random, span: range) -> Iterator[list[Spell]]:
    """Spells of regions that lose their way, one list for each time; those that still see are in two domains."""
    losses, regions = scenario.losses, list(range(len(scenario.regions)))
    at = span.start + 10 * MINUTE_MS if losses.every_ms else span.stop
    turn = 0
    while (at := at + round(source.expovariate(1 / max(1, losses.every_ms)))) < span.stop - 5 * MINUTE_MS:
        lost = source.sample(regions, losses.regions)
        if len({scenario.regions[index][1] for index in set(regions) - set(lost)}) < 2:
            continue
        ends, ailment = at + round(source.uniform(*losses.lasts_ms)), _either(source)
        turn += 1
        begins = [at + (round(source.uniform(0, losses.apart_ms)) if turn % 2 else 0) for _ in lost]
        yield [
            Spell(begun, ends, Origin.LOSS, ailment, frozenset({index}))
            for begun, index in zip(begins, lost, strict=True)
        ]
        at = ends + _REST_MS


def _path_spells(scenario: Scenario, source: random.Random, span: range, region: int) -> Iterator[Spell]:
    least, most = scenario.noise.path_ms
    every_ms = (least + most) / 2 / scenario.noise.path_share
    for start in _starts(source, span, every_ms):
        lasts = round(source.uniform(least, most))
        yield Spell(start, start + lasts, Origin.PATH, _either(source), frozenset({region}))


def _outages(scenario: Scenario, source: random.Random, span: range) -> list[Spell]:
    """Outages of a target, spaced; the first leaves time to learn that it is up."""
    truth = scenario.truth
    if not truth.every_ms:
        return []
    found: list[Spell] = []
    start = span.start + 5 * MINUTE_MS + source.expovariate(1 / truth.every_ms)
    while True:
        lasts = round(source.uniform(*truth.lasts_ms))
        if start + lasts > span.stop - 5 * MINUTE_MS:
            return found
        regions = range(len(scenario.regions))
        if source.random() < truth.partial:
            seen_by = frozenset(source.sample(regions, source.randint(1, len(regions))))
        else:
            seen_by = frozenset(regions)
        at_ms = round(start)
        found.append(Spell(at_ms, at_ms + lasts, Origin.OUTAGE, _ailment(scenario, source), seen_by))
        start += lasts + _REST_MS + source.expovariate(1 / truth.every_ms)


def _ailment(scenario: Scenario, source: random.Random) -> Ailment:
    luck = source.random()
    if luck < scenario.truth.slow:
        return Ailment.SLOW
    if luck < scenario.truth.slow + scenario.truth.account:
        return Ailment.ACCOUNT
    return _either(source)


def _either(source: random.Random) -> Ailment:
    return Ailment.REFUSES if source.random() < 0.5 else Ailment.HANGS


def _starts(source: random.Random, span: range, every_ms: float) -> Iterator[int]:
    """Random starts of spells at a mean interval."""
    if not every_ms:
        return
    at = span.start + source.expovariate(1 / every_ms)
    while at < span.stop:
        yield round(at)
        at += source.expovariate(1 / every_ms)
