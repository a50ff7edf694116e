"""Score of a rule: false and missed incidents, detection and recovery delays. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vigil.simulation.worlds.scenario import Scenario
from vigil.simulation.worlds.spells import Ailment, Spell
from vigil.simulation.worlds.world import World

YEAR_MS = 365.25 * 24 * 3_600_000
#: An incident that began this long after an outage is not part of it.
AFTERMATH_MS = 90_000


@dataclass(frozen=True, slots=True)
class RuleReport:
    """One incident of a rule; `resolved_ms` is None while open."""

    opened_ms: float
    resolved_ms: float | None


@dataclass(slots=True)
class Score:
    """Counts and delays of a rule; scores of worlds can be added."""

    monitor_ms: float = 0.0
    outages: int = 0
    reported: int = 0
    false: int = 0
    missed: int = 0
    refused_s: list[float] = field(default_factory=list)
    hung_s: list[float] = field(default_factory=list)
    recovered_s: list[float] = field(default_factory=list)

    def add(self, other: Score) -> None:
        self.monitor_ms += other.monitor_ms
        self.outages += other.outages
        self.reported += other.reported
        self.false += other.false
        self.missed += other.missed
        self.refused_s += other.refused_s
        self.hung_s += other.hung_s
        self.recovered_s += other.recovered_s

    def figures(self) -> dict[str, float | int | None]:
        """Figures by their public names."""
        years = self.monitor_ms / YEAR_MS
        return {
            "false_per_monitor_year": round(self.false / years, 4) if years else 0.0,
            "false": self.false,
            "monitor_years": round(years, 3),
            "outages": self.outages,
            "missed": self.missed,
            "detect_mean_s": mean(self.refused_s),
            "detect_p50_s": percentile(self.refused_s, 50),
            "detect_p95_s": percentile(self.refused_s, 95),
            "detect_p99_s": percentile(self.refused_s, 99),
            "detect_hang_mean_s": mean(self.hung_s),
            "detect_hang_p50_s": percentile(self.hung_s, 50),
            "detect_hang_p95_s": percentile(self.hung_s, 95),
            "detect_hang_p99_s": percentile(self.hung_s, 99),
            "recover_mean_s": mean(self.recovered_s),
            "recover_p95_s": percentile(self.recovered_s, 95),
        }


def mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 2) if values else None


def percentile(values: Iterable[float], percent: int) -> float | None:
    """Value at a percentile."""
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)], 2) if ordered else None


def is_quorum(scenario: Scenario, regions: frozenset[int]) -> bool:
    """Whether these are a majority of regions in more than half of the domains."""
    domains = {scenario.regions[index][1] for index in regions}
    everywhere = {domain for _, domain in scenario.regions}
    return len(regions) > len(scenario.regions) // 2 and 2 * len(domains) > len(everywhere)


def _may_be_most(scenario: Scenario, regions: frozenset[int]) -> bool:
    """Whether these are a quorum while other regions are out: at least two, in two domains."""
    return len(regions) >= 2 and len({scenario.regions[index][1] for index in regions}) >= 2


def score(world: World, monitor: int, reports: Sequence[RuleReport], honest: frozenset[int], *, slow: bool) -> Score:
    """Score a rule's reports on one monitor against the truth.

    An outage must be reported if it lasts longer than two intervals and a quorum of the `honest` regions sees it;
    delays are of outages that all regions see. `slow`: slow answers count too.
    """
    found = Score(monitor_ms=len(world.span))
    taken: set[int] = set()
    for outage in world.outages(monitor):
        if outage.ailment is Ailment.SLOW and not slow:
            continue
        own = [
            index
            for index, report in enumerate(reports)
            if outage.from_ms <= report.opened_ms <= outage.to_ms + AFTERMATH_MS
        ]
        if not is_quorum(world.scenario, outage.regions & honest):
            # Seen by a minority only: reporting it as an outage is wrong. Where regions are broken, that minority may
            # be most of those that can see.
            if not world.scenario.quiet and _may_be_most(world.scenario, outage.regions & honest):
                taken.update(own)
            continue
        found.outages += 1
        already = any(
            report.opened_ms < outage.from_ms and (report.resolved_ms or math.inf) > outage.from_ms
            for report in reports
        )
        taken.update(own)
        if already:
            continue
        long_enough = outage.to_ms - outage.from_ms > 2 * world.scenario.interval_ms
        if long_enough and not any(reports[index].opened_ms <= outage.to_ms for index in own):
            found.missed += 1
        elif own:
            _measure(found, world, outage, reports[own[0]])
    found.reported = len(reports)
    found.false = len(reports) - len(taken)
    return found


def _measure(found: Score, world: World, outage: Spell, first: RuleReport) -> None:
    if len(outage.regions) < len(world.scenario.regions):
        return
    delay_s = (first.opened_ms - outage.from_ms) / 1000
    if outage.ailment is Ailment.REFUSES:
        found.refused_s.append(delay_s)
    elif outage.ailment is Ailment.HANGS:
        found.hung_s.append(delay_s)
    if first.resolved_ms is not None and first.resolved_ms >= outage.to_ms:
        found.recovered_s.append((first.resolved_ms - outage.to_ms) / 1000)
