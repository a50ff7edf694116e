"""Passing over the uneventful checks changes nothing: the same world run check by check has the same history."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from consensus.verdicts import Verdict
from consensus.vocabulary import Sensitivity
from vigil.simulation.simulation import SimulationResult, simulate
from vigil.simulation.worlds.scenario import HOUR_MS, MINUTE_MS, SCENARIOS, Noise, Scenario, Truth

BUSY = Truth(every_ms=HOUR_MS, lasts_ms=(20_000, 10 * MINUTE_MS), partial=0.4, slow=0.2, account=0.2)
BAD_REGIONS = Noise(path_share=0.01, region_every_ms=3 * HOUR_MS, provider_every_ms=6 * HOUR_MS)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "scenario",
    [
        replace(SCENARIOS["noise"], truth=BUSY),
        replace(SCENARIOS["paths"], truth=BUSY, noise=BAD_REGIONS, sensitivity=Sensitivity.HIGH),
        replace(SCENARIOS["stress"], truth=BUSY, sensitivity=Sensitivity.LOW),
    ],
    ids=["noise", "bad regions", "stress"],
)
def test_the_fast_way_and_the_slow_way_give_the_same_history(scenario: Scenario, seed: int) -> None:
    fast = simulate(scenario, seed, 12, 3 * HOUR_MS)
    slow = simulate(scenario, seed, 12, 3 * HOUR_MS, thorough=True)

    assert len(fast.history.applied) > 50
    assert told(fast) == told(slow)
    assert fast.history.rounds == slow.history.rounds
    assert verdicts(fast) == verdicts(slow)
    assert fast.database.states == slow.database.states


def test_both_ways_count_the_same_checks() -> None:
    scenario = SCENARIOS["noise"]
    fast = simulate(scenario, 5, 10, 2 * HOUR_MS)
    slow = simulate(scenario, 5, 10, 2 * HOUR_MS, thorough=True)

    # The last slots of the span may still be on their way to a region when it ends.
    assert abs(fast.history.checks - slow.history.checks) <= 10


def test_the_same_seed_gives_the_same_history_and_another_seed_another() -> None:
    one, again, other = (told(simulate(SCENARIOS["faults"], seed, 6, HOUR_MS)) for seed in (3, 3, 4))

    assert one == again != other


def verdicts(outcome: SimulationResult) -> list[Verdict]:
    """Every verdict that was applied, but for the usual times: those who passed over checks know them less finely."""
    applied = [one.verdict for one in outcome.history.applied]
    return [
        structs.replace(verdict, votes=[structs.replace(vote, usual_us=0) for vote in verdict.votes])
        for verdict in applied
    ]


def told(outcome: SimulationResult) -> list[tuple[object, ...]]:
    """Every incident, with the time of each of its steps."""
    return [(one.monitor, one.kind, one.suspected_ms, *one.steps) for one in outcome.history.incidents]
