"""Simulation runs: many worlds from one seed, one report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from vigil.incidents.core.model import IncidentKind
from vigil.simulation.judges.breaks import Break
from vigil.simulation.judges.checkers import judge
from vigil.simulation.judges.losses import recognised
from vigil.simulation.judges.rivals import RIVALS, reports_of
from vigil.simulation.judges.score import RuleReport, Score, mean, percentile, score
from vigil.simulation.simulation import SimulationResult, lying_regions, simulate
from vigil.simulation.worlds.scenario import HOUR_MS, SCENARIOS, Scenario

#: Limit of monitors and hours of one world; a run takes several.
MONITORS_MOST = 120
HOURS_MOST = 24.0
_SEEDS = 1_000
_MAIN_KINDS = frozenset({IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT})

#: Share of each kind of world in a mixed run. Figures on false incidents and delays come from the first two; the others
#: inject faults.
SHARES = {"noise": 0.44, "paths": 0.40, "partial": 0.09, "faults": 0.05, "liars": 0.02}
MEASURED = ("noise", "paths")


@dataclass(frozen=True, slots=True)
class RunPlace:
    """One world of a run: enough to reproduce it."""

    scenario: Scenario
    hours: float
    seed: int
    number: int

    @property
    def world_seed(self) -> int:
        return self.seed * _SEEDS + self.number

    def replay(self) -> str:
        """Command that reruns this world."""
        return (
            f"python3 manage.py simulate --world {self.scenario.name} --sensitivity {self.scenario.sensitivity} "
            f"--hours {self.hours:g} --seed {self.seed} --only {self.number}"
        )


@dataclass(slots=True)
class RunRow:
    """Results of all worlds of one kind."""

    scenario: Scenario
    checks: int = 0
    worlds: int = 0
    regional: int = 0
    #: How long it took to recognise that most regions had lost their way (s); None where it was not.
    lost_s: list[float | None] = field(default_factory=list)
    score: Score = field(default_factory=Score)
    rules: dict[str, Score] = field(default_factory=dict)
    breaks: list[tuple[RunPlace, Break]] = field(default_factory=list)

    def take(self, place: RunPlace, outcome: SimulationResult, *, rivals: bool) -> None:
        """Score and check one world."""
        world, history = outcome.world, outcome.history
        honest = frozenset(range(len(world.scenario.regions))) - lying_regions(world.scenario)
        self.checks += history.checks
        self.worlds += 1
        self.breaks += [(place, found) for found in judge(outcome)]
        self.lost_s += [None if after_ms is None else after_ms / 1000 for _, after_ms in recognised(outcome)]
        self.regional += sum(one.kind is IncidentKind.REGIONAL for one in history.incidents)
        for number, monitor in enumerate(world.monitors):
            incidents = [one for one in history.of_monitor(monitor) if one.kind in _MAIN_KINDS]
            reports = [RuleReport(one.opened_ms, one.resolved_ms) for one in incidents]
            self.score.add(score(world, number, reports, honest, slow=True))
            for name, rival in RIVALS.items() if rivals else ():
                theirs = score(world, number, reports_of(world, number, rival), honest, slow=False)
                self.rules.setdefault(name, Score()).add(theirs)

    def figures(self) -> dict[str, object]:
        """Figures by their public names."""
        return {
            "checks": self.checks,
            **self.score.figures(),
            "regional_incidents": self.regional,
            "lost_ways": len(self.lost_s),
            "lost_way_mean_s": mean([found for found in self.lost_s if found is not None]),
            "lost_way_p95_s": percentile([found for found in self.lost_s if found is not None], 95),
            "invariant_breaks": len(self.breaks),
            "rules": {name: theirs.figures() for name, theirs in self.rules.items()},
        }


def places(scenario: Scenario, hours: float, seed: int) -> list[RunPlace]:
    """Worlds for this many monitor-hours of one kind."""
    count = max(1, round(hours / (MONITORS_MOST * HOURS_MOST)))
    return [RunPlace(scenario, hours, seed, number) for number in range(count)]


def run_place(place: RunPlace) -> SimulationResult:
    """Run one world: its hours on as many monitors as fit."""
    share = place.hours / len(places(place.scenario, place.hours, place.seed))
    monitors = max(1, min(MONITORS_MOST, int(share / place.scenario.hours_least)))
    span_ms = round(share / monitors * HOUR_MS)
    return simulate(place.scenario, place.world_seed, monitors, span_ms)


def run(todo: Sequence[RunPlace], progress: Callable[[int], None] = lambda done: None) -> list[RunRow]:
    """Run worlds in turn; one row for each kind of scenario."""
    rows: dict[Scenario, RunRow] = {}
    for done, place in enumerate(todo, start=1):
        row = rows.setdefault(place.scenario, RunRow(place.scenario))
        row.take(place, run_place(place), rivals=place.scenario.quiet)
        progress(done)
    return list(rows.values())


def mixed(hours: float, seed: int, change: Callable[[Scenario], Scenario]) -> Iterator[RunPlace]:
    """Worlds of a mixed run."""
    for name, share in SHARES.items():
        yield from places(change(SCENARIOS[name]), hours * share, seed)
