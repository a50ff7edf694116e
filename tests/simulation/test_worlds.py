"""Twenty thousand monitor-hours, judged: no invariant broken, no outage missed, and the delays that are promised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consensus.verdicts import Sensitivity
from vigil.simulation.runs import Row, places, run
from vigil.simulation.scenario import HOUR_MS, MINUTE_MS, SCENARIOS, Links, Truth

# Each takes seconds on a machine that has nothing else to do.
pytestmark = pytest.mark.timeout(300)

SEED = 20_000
LONG = (5 * MINUTE_MS, 12 * MINUTE_MS)


def played(world: str, hours: float, seed: int, sensitivity: Sensitivity = Sensitivity.NORMAL) -> Row:
    """Run worlds of one kind; a broken invariant ends the test with the command that runs its world again."""
    (row,) = run(places(replace(SCENARIOS[world], sensitivity=sensitivity), hours, seed))
    broken = [f"{found.invariant} {found.subject}: {found.says}\n  {place.replay()}" for place, found in row.breaks]
    assert not broken, "\n".join(broken[:10])
    assert row.score.missed == 0, f"missed {row.score.missed} of {row.score.outages}: {world}, seed {seed}"
    return row


@pytest.mark.parametrize("seed", range(SEED, SEED + 6))
@pytest.mark.parametrize("world", ["noise", "paths"])
def test_no_incident_is_invented_and_outages_are_told_within_the_promised_time(world: str, seed: int) -> None:
    row = played(world, 1_320, seed)
    figures = row.score.figures()

    assert row.score.false == 0
    assert figures["outages"] > 150  # type: ignore[operator]
    assert figures["detect_mean_s"] <= 19  # type: ignore[operator]
    assert figures["detect_hang_mean_s"] <= 30  # type: ignore[operator]
    assert figures["detect_hang_p95_s"] <= 40  # type: ignore[operator]
    assert row.rules["majority"].figures()["detect_mean_s"] > 25  # type: ignore[operator]


def test_high_sensitivity_tells_of_an_outage_in_half_the_time() -> None:
    figures = played("noise", 1_320, SEED, Sensitivity.HIGH).score.figures()

    assert figures["detect_mean_s"] <= 9  # type: ignore[operator]
    assert figures["detect_hang_mean_s"] <= 19  # type: ignore[operator]


@pytest.mark.parametrize("sensitivity", [Sensitivity.NORMAL, Sensitivity.LOW])
def test_an_outage_that_only_some_regions_see_is_told_when_they_are_a_quorum(sensitivity: Sensitivity) -> None:
    row = played("partial", 1_120, SEED, sensitivity)

    assert row.score.outages > 20
    assert row.regional > 5


@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_nothing_is_lost_or_invented_while_everything_breaks(seed: int) -> None:
    row = played("faults", 120, seed)

    assert row.score.outages > 20
    assert row.score.false == 0


def test_a_lying_domain_neither_invents_nor_hides_an_outage() -> None:
    row = played("liars", 120, SEED)

    assert row.score.outages > 20
    assert row.score.false == 0


def test_an_outage_whose_first_rounds_prove_nothing_is_asked_about_again_at_once() -> None:
    lossy = replace(SCENARIOS["noise"], links=Links(lost=0.1), truth=Truth(every_ms=HOUR_MS, lasts_ms=LONG, slow=0))
    (row,) = run(places(lossy, 120, 3))

    assert row.breaks == []
    assert row.score.missed == 0
    assert max(row.score.refused_s + row.score.hung_s) < 150
