"""Doubts: a failure that most regions prove and others contradict waits for a comparison, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from consensus.fold import Fold
from consensus.lost_way.doubts import HANG_MS, HOLD_MS, network_of
from consensus.verdicts import Call, Round, Verdict
from consensus.vocabulary import Cause, Exclusion, Sensitivity
from probes.reasons import Status
from tests.consensus.examples import make_result, make_round
from vigil.simulation.worlds.scenario import FIVE_REGIONS

T0 = 1_000_000
LOST = ("ap-south", "eu-north", "eu-west")
SEEING = ("us-east", "us-west")


class Scene:
    """A fold that has opened rounds, and whatever it decided."""

    def __init__(self, other_sites: int = 20, sensitivity: Sensitivity = Sensitivity.HIGH) -> None:
        self.fold = Fold()
        self.decided: list[Verdict] = []
        self.other_sites, self.sensitivity = other_sites, sensitivity

    def open(self, number: int, at_ms: int = T0, cause: Cause = Cause.FAILURE, site: str = "") -> Round:
        round = make_round(FIVE_REGIONS, self.sensitivity, opened_ms=at_ms + number)
        round = replace(
            round, id=f"rnd_{number}", monitor=f"mon_{number}", cause=cause, site=site or f"domain:{number}.test",
            other_sites=self.other_sites,
        )  # fmt: skip
        self._take(self.fold.open(round, at_ms))
        return round

    def vote(self, round: Round, saw: str, regions: Iterable[str], at_ms: int, look: int = 1) -> None:
        for region in regions:
            result = replace(make_result(saw, round.id, look, at_ms), monitor=round.monitor)
            self._take(self.fold.result(region, result, at_ms, at_ms))

    def until(self, at_ms: int) -> None:
        for verdict in self.fold.rounds.due(at_ms):
            self._take(verdict)

    def asked(self) -> list[Cause]:
        return [call.cause for call in self.fold.rechecks(T0)]

    def status_of(self, round: Round) -> Status | None:
        return next((one.status for one in self.decided if one.round == round.id), None)

    def _take(self, answer: Call | Verdict | None) -> None:
        if isinstance(answer, Verdict):
            self.decided.append(answer)


def contradicted(scene: Scene, number: int = 0, at_ms: int = T0, site: str = "") -> Round:
    """A round that three regions fail and two pass."""
    round = scene.open(number, at_ms, site=site)
    scene.vote(round, "pass", SEEING, at_ms + 100)
    scene.vote(round, "fail", LOST, at_ms + 1_050)
    return round


def test_an_outage_that_all_regions_see_waits_for_nothing() -> None:
    scene = Scene()
    round = scene.open(0)
    scene.vote(round, "fail", FIVE_REGIONS, T0 + 1_050)

    assert scene.status_of(round) is Status.DOWN
    assert scene.asked() == []


@pytest.mark.parametrize(
    "seeing", [("us-east",), ("us-east", "eu-west")], ids=["one region", "two of one domain, perhaps liars"]
)
def test_no_doubt_is_raised_by_those_that_could_prove_nothing(seeing: tuple[str, ...]) -> None:
    scene = Scene()
    round = scene.open(0)
    scene.vote(round, "pass", seeing, T0 + 100)
    scene.vote(round, "fail", FIVE_REGIONS.keys() - set(seeing), T0 + 1_050)

    assert scene.status_of(round) is Status.DOWN
    assert scene.asked() == []


def test_with_few_other_sites_nothing_can_be_compared_and_nothing_waits() -> None:
    scene = Scene(other_sites=3)
    round = contradicted(scene)
    scene.until(T0 + 1_300)

    assert scene.status_of(round) is Status.DOWN
    assert scene.asked() == []


def test_a_target_that_some_regions_see_well_is_down_as_soon_as_the_others_reach_other_targets() -> None:
    scene = Scene()
    round = contradicted(scene)
    assert scene.status_of(round) is None
    assert scene.asked() == [Cause.COMPARISON]

    for number in range(1, 5):
        compared = scene.open(number, T0 + 1_100, Cause.COMPARISON)
        scene.vote(compared, "pass", FIVE_REGIONS, T0 + 1_200)
    scene.until(T0 + 1_300)
    scene.until(T0 + 1_550)

    assert scene.status_of(round) is Status.DOWN
    assert scene.fold.rounds.quarantined == {}


def test_regions_that_fail_every_other_target_too_have_lost_their_way() -> None:
    scene = Scene()
    round = contradicted(scene)
    for number in range(1, 7):
        compared = scene.open(number, T0 + 1_100, Cause.COMPARISON)
        scene.vote(compared, "pass", SEEING, T0 + 1_200)
        scene.vote(compared, "fail", LOST, T0 + 2_200)
    scene.until(T0 + 2_400)
    scene.until(T0 + 2_700)

    assert scene.fold.rounds.quarantined == dict.fromkeys(LOST, Exclusion.LOST_WAY)
    assert {one.status for one in scene.decided} == {Status.UP}
    assert scene.status_of(round) is Status.UP
    (first, *_) = scene.fold.sick_regions.quarantines()
    assert (first.together, first.seeing) == (sorted(LOST), sorted(SEEING))
    assert first.proof is not None
    assert first.proof.lost == sorted(LOST)


def lost(scene: Scene) -> None:
    for number in range(7):
        contradicted(scene, number)
    scene.until(T0 + 1_500)
    assert set(scene.fold.rounds.quarantined) == set(LOST)


def test_meanwhile_two_votes_tell_a_true_outage_and_say_so() -> None:
    scene = Scene()
    lost(scene)
    round = scene.open(50, T0 + 20_000)
    scene.vote(round, "fail", FIVE_REGIONS, T0 + 21_050)

    verdict = next(one for one in scene.decided if one.round == round.id)
    assert (verdict.status, verdict.m, verdict.k) == (Status.DOWN, 2, 2)
    assert "2 votes are enough, because 3 regions have lost their own way." in verdict.explanation


def test_meanwhile_one_of_the_two_alone_decides_nothing() -> None:
    scene = Scene()
    lost(scene)
    round = scene.open(50, T0 + 20_000)
    scene.vote(round, "fail", (*LOST, "us-east"), T0 + 21_050)
    scene.vote(round, "pass", ["us-west"], T0 + 21_050)

    assert scene.status_of(round) is Status.UNKNOWN


def test_regions_that_answer_nothing_at_all_have_lost_their_way_once_one_look_is_over() -> None:
    scene = Scene()
    rounds = [scene.open(number, T0 + 1_000 * number) for number in range(7)]
    for number, round in enumerate(rounds):
        scene.vote(round, "pass", SEEING, T0 + 1_000 * number + 100)
    scene.vote(rounds[0], "timeout", LOST, T0 + 11_050)
    scene.until(T0 + 11_400)

    assert scene.status_of(rounds[0]) is Status.UP
    assert set(scene.fold.rounds.quarantined) == set(LOST)


@pytest.mark.parametrize("answered", [False, True])
def test_no_doubt_lasts_without_end(answered: bool) -> None:
    """Without a dispatcher nothing is compared; with one whose regions hang, the looks themselves end."""
    scene = Scene()
    round = contradicted(scene)
    if answered:
        for number in range(1, 4):
            compared = scene.open(number, T0 + 1_100, Cause.COMPARISON)
            scene.vote(compared, "pass", SEEING, T0 + 1_200)
    for after_ms in range(1_200, HANG_MS + 2_000, 200):
        scene.until(T0 + after_ms)

    verdict = next(one for one in scene.decided if one.round == round.id)
    assert verdict.status is Status.DOWN
    assert verdict.decided_ms - T0 <= 1_050 + HOLD_MS + 400


def test_many_monitors_of_one_host_that_most_regions_lose_are_down() -> None:
    scene = Scene()
    rounds = [contradicted(scene, number, site="host:db:5432") for number in range(9)]
    for number in range(10, 14):
        compared = scene.open(number, T0 + 1_100, Cause.COMPARISON)
        scene.vote(compared, "pass", FIVE_REGIONS, T0 + 1_200)
    for after_ms in (1_300, 1_500, 1_700):
        scene.until(T0 + after_ms)

    assert {scene.status_of(round) for round in rounds} == {Status.DOWN}


def test_with_two_looks_the_comparison_is_over_before_the_second_and_nothing_is_delayed() -> None:
    scene = Scene(sensitivity=Sensitivity.NORMAL)
    round = contradicted(scene)
    assert scene.asked() == [Cause.COMPARISON]
    for number in range(1, 5):
        compared = scene.open(number, T0 + 1_100, Cause.COMPARISON)
        scene.vote(compared, "pass", FIVE_REGIONS, T0 + 1_200)
    scene.vote(round, "pass", SEEING, T0 + 10_100, look=2)
    scene.vote(round, "fail", LOST, T0 + 11_050, look=2)
    scene.until(T0 + 11_300)

    assert scene.status_of(round) is Status.DOWN


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("151.101.1.67", "net:151.101"),
        ("2a04:4e42::323", "net:2a04:4e42"),
        ("10.1.2.3", ""),
        ("127.0.0.1", ""),
        ("", ""),
        ("no address", ""),
    ],
)
def test_public_addresses_have_a_network_that_targets_may_share(address: str, network: str) -> None:
    assert network_of(address) == network


def test_votes_of_a_minority_that_come_first_ask_for_nothing() -> None:
    scene = Scene(sensitivity=Sensitivity.NORMAL)
    round = scene.open(0)
    scene.vote(round, "pass", ("ap-south", "eu-north"), T0 + 100)
    scene.vote(round, "fail", ("eu-west", "us-east"), T0 + 1_050)

    assert scene.asked() == []


def test_the_third_region_that_is_lost_calls_nothing_down_together_with_a_blip_of_another() -> None:
    """Two regions are in quarantine already, so two votes of three were a majority."""
    scene = Scene()
    scene.fold.rounds.quarantined = dict.fromkeys(LOST[1:], Exclusion.SICK)
    round = scene.open(0)
    scene.vote(round, "pass", ["us-west"], T0 + 100)
    scene.vote(round, "fail", (*LOST, "us-east"), T0 + 1_050)
    assert scene.status_of(round) is None
    for number in range(1, 7):
        compared = scene.open(number, T0 + 1_100, Cause.COMPARISON)
        scene.vote(compared, "pass", SEEING, T0 + 1_200)
        scene.vote(compared, "fail", LOST, T0 + 2_200)
    scene.until(T0 + 2_400)

    assert set(scene.fold.rounds.quarantined) == set(LOST)
    assert scene.status_of(round) is not Status.DOWN
