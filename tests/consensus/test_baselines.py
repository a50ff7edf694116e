"""A baseline is robust, teaches itself from passes alone, and calls slow what is slow for this region."""

from __future__ import annotations

import random
import statistics
from math import exp, log

import pytest
from msgspec.structs import replace

from consensus.baselines import CHUNK, ENOUGH, FORGOTTEN_AFTER_S, SLOW, STILL_SLOW, Baselines
from consensus.fold import Fold
from consensus.verdicts import Belief, Call, Verdict
from consensus.vocabulary import Cause, VerdictReason
from probes.checks.running_median import MEMORY, SPREAD_FLOOR, learned
from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from tests.consensus.examples import FIVE_REGIONS, make_result, make_round

T0 = 1_700_000_000_000
MS = 1_000


def taught(usual_ms: float = 80, samples: int = 200, spread: float = 0.1, regions: list[str] | None = None) -> Fold:
    """A fold that knows `mon_example` from every region."""
    fold, dice = Fold(), random.Random(7)
    for region in regions or sorted(FIVE_REGIONS):
        for number in range(samples):
            total_us = int(usual_ms * MS * exp(dice.gauss(0, spread)))
            at_ms = T0 - (samples - number) * 60_000
            fold.result(region, scheduled(total_us, at_ms), at_ms, T0)
    return fold


def passed(total_ms: int, monitor: str = "mon_example", revision: int = 0) -> Result:
    return replace(scheduled(total_ms * MS), monitor=monitor, revision=revision)


def scheduled(total_us: int, at_ms: int = T0, saw: str = "pass") -> Result:
    return replace(make_result(saw, started_ms=at_ms), phases=Phases(total_us=total_us))


@pytest.mark.parametrize("spread", [0.1, 0.3, 1.0])
def test_the_tracked_median_and_mad_are_those_of_the_samples(spread: float) -> None:
    dice = random.Random(11)
    logs = [dice.gauss(log(80_000), spread) for _ in range(6_000)]
    tracked = None
    for x in logs:
        tracked = learned(tracked, exp(x))
    assert tracked is not None

    median = statistics.median(logs)
    mad = statistics.median(abs(x - median) for x in logs)
    assert tracked[1] == pytest.approx(median, abs=0.15 * spread)
    assert tracked[2] == pytest.approx(mad, rel=0.2)


def test_wild_samples_hardly_move_what_is_usual() -> None:
    baselines, dice = Baselines(), random.Random(3)
    for number in range(2_000):
        wild = number % 10 == 0
        total_us = 30_000_000 if wild else int(80_000 * exp(dice.gauss(0, 0.1)))
        baselines.learn("eu-west", "mon_a", 1, total_us, T0)

    assert baselines.usual_us("eu-west", passed(0, "mon_a", 1)) == pytest.approx(80_000, rel=0.05)
    assert baselines.is_slow("eu-west", passed(800, "mon_a", 1), SLOW)


@pytest.mark.parametrize(
    ("usual_ms", "now_ms", "slow", "still_slow"),
    [
        (80, 80, False, False),
        (80, 120, False, False),
        (80, 160, False, True),
        (80, 200, True, True),
        (80, 800, True, True),
        (5, 60, False, True),
        (5, 200, True, True),
        (2_000, 2_400, False, False),
        (2_000, 2_800, False, True),
        (2_000, 3_200, True, True),
    ],
)
def test_slow_is_far_out_and_half_as_much_again_and_a_tenth_of_a_second_more(
    usual_ms: int, now_ms: int, slow: bool, still_slow: bool
) -> None:
    baselines = taught(usual_ms).baselines

    assert baselines.is_slow("eu-west", passed(now_ms), SLOW) is slow
    assert baselines.is_slow("eu-west", passed(now_ms), STILL_SLOW) is still_slow


def test_an_endpoint_that_always_varies_is_not_slow_for_varying() -> None:
    baselines = taught(80, samples=1_000, spread=1.0).baselines

    assert not baselines.is_slow("eu-west", passed(800), SLOW)


def test_nothing_is_slow_before_enough_is_known() -> None:
    fold = taught(samples=ENOUGH - 1)

    assert not fold.baselines.is_slow("eu-west", passed(80_000), SLOW)
    assert fold.baselines.usual_us("eu-west", passed(80)) == 0


def test_a_region_suspects_slowness_when_most_of_its_last_samples_are_slow() -> None:
    fold = taught()
    said = [fold.result("eu-west", scheduled(800 * MS, T0), T0, T0) for _ in range(3)]

    assert said[:2] == [None, None]
    assert isinstance(said[2], Call)
    assert (said[2].cause, said[2].status, said[2].reason) == (Cause.DEGRADED, Status.DEGRADED, Reason.SLOW)


def hold_round(fold: Fold, answers_ms: dict[str, int]) -> Verdict:
    round = make_round(opened_ms=T0, caller="eu-west")
    fold.open(round, T0)
    said = [
        fold.result(
            region, replace(make_result("pass", round.id, 1, T0), phases=Phases(total_us=ms * MS)), T0 + 900, T0
        )
        for region, ms in answers_ms.items()
    ]
    (verdict,) = [one for one in said if isinstance(one, Verdict)]
    return verdict


def test_ten_times_the_usual_is_degraded_when_a_quorum_sees_it() -> None:
    verdict = hold_round(taught(), dict.fromkeys(sorted(FIVE_REGIONS), 800))

    assert (verdict.status, verdict.reason, verdict.failure) == (
        Status.DEGRADED,
        VerdictReason.QUORUM_DEGRADED,
        Reason.SLOW,
    )
    assert all(vote.usual_us == pytest.approx(80 * MS, rel=0.1) for vote in verdict.votes)
    assert "eu-west (aws): slow, 800 ms, usually 8" in verdict.explanation


def test_slowness_in_fewer_than_a_quorum_is_none() -> None:
    verdict = hold_round(taught(), {**dict.fromkeys(sorted(FIVE_REGIONS), 80), "eu-west": 800, "us-east": 800})

    assert verdict.status is Status.UP
    assert verdict.dissent == ["eu-west", "us-east"]


def test_a_monitor_that_is_known_to_be_slow_must_be_well_below_to_be_up() -> None:
    fold = taught()
    fold.believe({"mon_example": Belief(1, Status.DEGRADED, T0 - 90_000)})

    assert fold.result("eu-west", scheduled(170 * MS), T0, T0) is None
    said = fold.result("eu-west", scheduled(90 * MS), T0, T0)

    assert isinstance(said, Call)
    assert said.cause is Cause.SUCCESS


def test_outage_samples_never_teach() -> None:
    fold = taught(regions=["eu-west"])
    before = fold.baselines.saved("eu-west", 0)
    fold.believe({"mon_example": Belief(1, Status.DOWN, T0 - 90_000)})
    for _ in range(500):
        fold.result("eu-west", scheduled(9_000 * MS), T0, T0)
        fold.result("eu-west", scheduled(9_000 * MS, saw="timeout"), T0, T0)

    assert fold.baselines.saved("eu-west", 0) == before


def test_a_new_normal_is_accepted_after_about_a_day_and_not_before_six_hours() -> None:
    baselines = taught(samples=600).baselines
    minutes = 0
    while baselines.is_slow("eu-west", passed(800), STILL_SLOW):
        baselines.learn("eu-west", "mon_example", 0, 800 * MS, T0)
        minutes += 1

    assert 6 * 60 < minutes < 48 * 60


def test_another_configuration_begins_anew_and_late_samples_of_the_old_one_are_ignored() -> None:
    baselines = Baselines()
    for _ in range(ENOUGH):
        baselines.learn("eu-west", "mon_a", 1, 80_000, T0)
    baselines.learn("eu-west", "mon_a", 2, 5_000_000, T0)
    baselines.learn("eu-west", "mon_a", 1, 80_000, T0)

    assert baselines.saved("eu-west", 0)[0][1:3] == (2, 1)


def test_the_first_looks_at_another_configuration_are_not_held_to_the_old_one() -> None:
    baselines = taught().baselines

    assert not baselines.is_slow("eu-west", passed(800, revision=1), SLOW)
    assert baselines.usual_us("eu-west", passed(800, revision=1)) == 0


def test_what_was_learned_survives_a_restart() -> None:
    before, after = Baselines(), Baselines()
    for number in range(CHUNK + 50):
        for _ in range(ENOUGH + 10):
            before.learn("eu-west", f"mon_{number}", 3, 80_000 + number, T0)

    assert before.chunks() == [("eu-west", 0), ("eu-west", 1)]
    for region, chunk in before.chunks():
        after.restore(region, before.saved(region, chunk), T0 // 1000)

    assert len(after) == CHUNK + 50
    assert [after.saved("eu-west", chunk) for chunk in (0, 1)] == [before.saved("eu-west", chunk) for chunk in (0, 1)]
    assert after.is_slow("eu-west", passed(800, "mon_7", 3), SLOW)
    seven = passed(80, "mon_7", 3)
    after.restore("eu-west", [("mon_7", 3, 40, 0.0, 1.0)], T0 // 1000)
    assert after.usual_us("eu-west", seven) == pytest.approx(before.usual_us("eu-west", seven), rel=1e-3)


def test_series_that_are_not_heard_any_more_are_forgotten_and_their_rows_used_again() -> None:
    baselines = Baselines()
    baselines.learn("eu-west", "mon_gone", 1, 80_000, T0)
    later_ms = T0 + (FORGOTTEN_AFTER_S + 60) * 1000
    baselines.learn("us-east", "mon_kept", 1, 80_000, later_ms)

    baselines.forget_before(later_ms // 1000 - FORGOTTEN_AFTER_S)
    baselines.learn("us-east", "mon_new", 1, 90_000, later_ms)

    assert baselines.counts() == {"us-east": 2}
    assert len(baselines) == 2


def test_the_floor_of_the_spread_keeps_regular_endpoints_from_being_slow_for_nothing() -> None:
    tracked = None
    for _ in range(MEMORY):
        tracked = learned(tracked, 80_000)

    assert tracked is not None
    assert tracked[2] == SPREAD_FLOOR
