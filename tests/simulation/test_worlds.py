"""Twenty thousand monitor-hours, judged: no invariant broken, no outage missed, and the delays that are promised."""

from __future__ import annotations

from dataclasses import replace

import pytest

import vigil.simulation.faults
from consensus.vocabulary import Sensitivity
from vigil.simulation.judges.checkers import judge
from vigil.simulation.judges.endurance import kept_shares
from vigil.simulation.processes.engine import EPOCH_MS
from vigil.simulation.runs import RunPlace, RunRow, places, run
from vigil.simulation.simulation import simulate
from vigil.simulation.worlds.isolation import Disturbance, Fault
from vigil.simulation.worlds.scenario import HOUR_MS, MINUTE_MS, SCENARIOS, Links, Noise, Scenario, Truth

# Each takes seconds on a machine that has nothing else to do.
pytestmark = pytest.mark.timeout(300)

SEED = 20_000
LONG = (5 * MINUTE_MS, 12 * MINUTE_MS)


def played(world: str, hours: float, seed: int, sensitivity: Sensitivity = Sensitivity.NORMAL) -> RunRow:
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


def test_regions_that_are_cut_off_for_a_day_lose_neither_slots_nor_results() -> None:
    row = played("cut", 60, SEED)

    assert row.score.outages > 5
    assert row.score.false == 0


@pytest.mark.parametrize("what", [Fault.DISPATCH_DIES, Fault.REDIS_DIES, Fault.CUT])
def test_whatever_silences_the_control_plane_for_hours_every_region_goes_on(
    what: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = Disturbance(EPOCH_MS + HOUR_MS / 2, EPOCH_MS + 4 * HOUR_MS, what)
    monkeypatch.setattr(vigil.simulation.faults, "disturbances", lambda *a: [silence])
    outcome = simulate(replace(SCENARIOS["cut"], truth=Truth(every_ms=0)), SEED, 4, 5 * HOUR_MS)
    shares = [share for _, _, share in kept_shares(outcome)]

    assert len(shares) == (1 if what is Fault.CUT else 5)
    assert min(shares) > 0.99
    assert judge(outcome) == []


def test_a_dead_dispatcher_opens_no_round(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = Disturbance(EPOCH_MS + HOUR_MS / 2, EPOCH_MS + 4 * HOUR_MS, Fault.DISPATCH_DIES)
    monkeypatch.setattr(vigil.simulation.faults, "disturbances", lambda *a: [silence])
    outages = replace(SCENARIOS["cut"], truth=Truth(every_ms=HOUR_MS, lasts_ms=LONG))
    opened_ms = [one.opened_ms for one in simulate(outages, SEED, 4, 5 * HOUR_MS).history.rounds.values()]

    assert min(opened_ms) < silence.from_ms and max(opened_ms) > silence.to_ms
    assert not any(silence.from_ms < at < silence.to_ms for at in opened_ms)


def test_the_flood_of_late_results_misleads_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outages that a region saw while it was cut off are over when it tells of them."""
    cut = Disturbance(EPOCH_MS + HOUR_MS / 2, EPOCH_MS + 4 * HOUR_MS, Fault.CUT)
    monkeypatch.setattr(vigil.simulation.faults, "disturbances", lambda *a: [cut])
    late = replace(SCENARIOS["cut"], truth=Truth(every_ms=HOUR_MS, lasts_ms=LONG, slow=0), noise=Noise(blip=0.0))

    assert after_the_flood(late) == (0, 0)

    monkeypatch.setattr("consensus.fold.STALE_MS", 24 * HOUR_MS)
    calls, rounds = after_the_flood(late)
    assert calls + rounds > 0


def after_the_flood(scenario: Scenario) -> tuple[int, int]:
    """Rounds that were opened for nothing, and rounds without a region that was in quarantine, once the cut is over."""
    outcome = simulate(scenario, SEED, 8, 5 * HOUR_MS)
    assert judge(outcome) == []
    over_ms = EPOCH_MS + 4 * HOUR_MS
    rounds = [one for one in outcome.history.rounds.values() if over_ms <= one.opened_ms <= over_ms + 10 * MINUTE_MS]
    outages = [outage for number in range(8) for outage in outcome.world.outages(number)]
    vain = [one for one in rounds if not any(o.from_ms <= one.opened_ms <= o.to_ms + 2 * MINUTE_MS for o in outages)]
    return len(vain), sum(bool(outcome.history.barred.get(one.id)) for one in rounds)


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


@pytest.mark.parametrize("sensitivity", [Sensitivity.HIGH, Sensitivity.NORMAL])
def test_issue13_8_regions_that_lose_their_way_make_no_outage_and_hide_none(sensitivity: Sensitivity) -> None:
    few_for_long = replace(SCENARIOS["lost"], sensitivity=sensitivity, hours_least=8.0)
    (row,) = run([RunPlace(few_for_long, 240, SEED, 0)])

    assert row.breaks == []
    assert (row.score.missed, row.score.false) == (0, 0)
    assert row.score.outages > 40
    assert len(row.lost_s) > 2 and None not in row.lost_s


@pytest.mark.parametrize("world", ["mass", "shared"])
def test_issue13_8_what_many_targets_stand_on_fails_and_two_liars_hide_none_of_them(world: str) -> None:
    few_for_long = replace(SCENARIOS[world], sensitivity=Sensitivity.HIGH, hours_least=12.0)
    (row,) = run([RunPlace(few_for_long, 240, SEED, 0)])

    assert row.breaks == []
    assert (row.score.missed, row.score.false) == (0, 0)
    assert row.score.outages >= 20
    assert row.lost_s == []
