"""Rows and columns: a region that fails alone is sick, a target that fails everywhere is down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.lost_way.views import ROWS, VIEW_MS
from consensus.proof import LostWay
from consensus.sick_regions import (
    ANCHORS_REST_MS,
    CLEAN_ROUND_MS,
    CLEAN_ROUNDS,
    FOUND_REST_MS,
    GONE_MS,
    PROOF_ALONE_MS,
    SickRegions,
)
from consensus.vocabulary import Exclusion

DOMAINS = {"ap-south": "gcp", "eu-north": "ovh", "eu-west": "aws", "us-east": "aws", "us-west": "hetzner"}
MONITORS = [f"mon_{number}" for number in range(10)]
T0 = 1_000_000


def placed(domains: dict[str, str] = DOMAINS) -> SickRegions:
    sick_regions = SickRegions()
    for region, domain in domains.items():
        sick_regions.place(region, domain, T0)
    return sick_regions


def see(
    sick_regions: SickRegions, failing: dict[str, list[str]], at_ms: int = T0, monitors: list[str] = MONITORS
) -> None:
    """Every region looks at every monitor; `failing` names what fails where. Failures are told first."""
    views = [(region, monitor, monitor in failing.get(region, [])) for region in DOMAINS for monitor in monitors]
    for region, monitor, fails in sorted(views, key=lambda view: not view[2]):
        sick_regions.saw(region, monitor, fails, at_ms)


def judged(sick_regions: SickRegions, at_ms: int = T0 + 1_000, monitors: int = len(MONITORS)) -> dict[str, Exclusion]:
    sick_regions.judge(at_ms, dict.fromkeys(DOMAINS, monitors))
    return sick_regions.quarantined


@pytest.mark.parametrize(
    ("failing", "sick"),
    [
        ({}, set()),
        ({"eu-west": MONITORS}, {"eu-west"}),
        ({"eu-west": MONITORS[:5]}, {"eu-west"}),
        ({"eu-west": MONITORS[:4]}, set()),
        # One provider loses its network with both of its regions: both are sick, since the other domains pass.
        ({"eu-west": MONITORS, "us-east": MONITORS}, {"eu-west", "us-east"}),
        # A target that fails everywhere is down, and no region is sick for seeing it.
        (dict.fromkeys(DOMAINS, MONITORS), set()),
        (dict.fromkeys(["ap-south", "eu-north", "us-west", "us-east"], MONITORS), set()),
        # Three domains against one: no majority says which is sick.
        (dict.fromkeys(["ap-south", "eu-north", "us-west"], MONITORS), set()),
    ],
)
def test_a_region_that_fails_alone_is_sick(failing: dict[str, list[str]], sick: set[str]) -> None:
    sick_regions = placed()
    see(sick_regions, failing)

    assert judged(sick_regions) == dict.fromkeys(sick, Exclusion.SICK)


def test_a_fifth_of_what_the_region_watches_must_fail() -> None:
    sick_regions = placed()
    see(sick_regions, {"eu-west": MONITORS[:6]})

    assert judged(sick_regions, monitors=31) == {}
    assert judged(sick_regions, monitors=30) == {"eu-west": Exclusion.SICK}


def test_old_failures_alone_make_nobody_sick() -> None:
    sick_regions = placed()
    for after_ms in range(0, 900_000, 60_000):
        see(sick_regions, {"eu-west": MONITORS[:5]}, T0 + after_ms)

    assert judged(sick_regions, T0 + 900_000) == {}


def test_two_regions_in_two_domains_cannot_judge_each_other() -> None:
    sick_regions = placed({"a": "one", "b": "two"})
    for monitor in MONITORS:
        sick_regions.saw("a", monitor, True, T0)
        sick_regions.saw("b", monitor, False, T0)

    assert judged(sick_regions) == {}


def test_regions_that_share_one_domain_judge_each_other() -> None:
    sick_regions = placed({"a": "home", "b": "home", "c": "home"})
    for monitor in MONITORS:
        sick_regions.saw("a", monitor, True, T0)
        sick_regions.saw("b", monitor, False, T0)
        sick_regions.saw("c", monitor, False, T0)

    assert judged(sick_regions) == {"a": Exclusion.SICK}


def test_a_sick_region_returns_after_three_clean_rounds() -> None:
    sick_regions = placed()
    see(sick_regions, {"eu-west": MONITORS})
    at_ms = T0 + 1_000
    assert judged(sick_regions, at_ms)
    for _ in range(CLEAN_ROUNDS - 1):
        at_ms += CLEAN_ROUND_MS
        see(sick_regions, {}, at_ms)
        assert judged(sick_regions, at_ms) == {"eu-west": Exclusion.SICK}

    at_ms += CLEAN_ROUND_MS
    see(sick_regions, {}, at_ms)

    assert judged(sick_regions, at_ms) == {}


@pytest.mark.parametrize("relapse", [{"eu-west": MONITORS}, None])
def test_a_round_that_is_not_clean_or_silent_starts_the_count_again(relapse: dict[str, list[str]] | None) -> None:
    sick_regions = placed()
    see(sick_regions, {"eu-west": MONITORS})
    at_ms = T0 + 1_000
    assert judged(sick_regions, at_ms)
    for views in [{}, {}, relapse, {}, {}]:
        at_ms += CLEAN_ROUND_MS
        if views is not None:
            see(sick_regions, views, at_ms)
        assert judged(sick_regions, at_ms) == {"eu-west": Exclusion.SICK}
    at_ms += CLEAN_ROUND_MS
    see(sick_regions, {}, at_ms)

    assert judged(sick_regions, at_ms) == {}


def test_a_region_without_anchors_has_no_vote_until_it_has_reached_them_for_a_while() -> None:
    sick_regions = placed()
    sick_regions.anchors("eu-west", True, T0)
    assert judged(sick_regions, T0) == {"eu-west": Exclusion.ANCHORS}
    sick_regions.anchors("eu-west", True, T0 + 10_000)
    sick_regions.anchors("eu-west", False, T0 + 20_000)

    assert judged(sick_regions, T0 + 10_000 + ANCHORS_REST_MS - 1) == {"eu-west": Exclusion.ANCHORS}
    assert judged(sick_regions, T0 + 10_000 + ANCHORS_REST_MS) == {}


def test_a_successor_takes_up_what_was_found_before() -> None:
    before, after = placed(), placed()
    see(before, {"eu-west": MONITORS})
    judged(before)

    after.restore(before.quarantines(), T0 + 5_000)

    assert after.quarantined == {"eu-west": Exclusion.SICK}
    assert after.quarantines() == before.quarantines()
    assert "fails 10 of its monitors at once" in after.quarantines()[0].text


def test_memory_follows_trouble_and_is_bounded() -> None:
    sick_regions = placed()
    for number in range(ROWS + 100):
        sick_regions.saw("eu-west" if number % 2 else "us-east", f"mon_{number}", True, T0)

    assert len(sick_regions) == ROWS

    for turn in range(ROWS // 500 + 1):
        sick_regions.judge(T0 + VIEW_MS + 1 + turn, {})
    assert len(sick_regions) == 0


@given(
    st.lists(st.tuples(st.sampled_from(["eu-west", "us-east"]), st.sampled_from(MONITORS), st.booleans()), max_size=200)
)
def test_one_domain_cannot_put_another_in_quarantine(lies: list[tuple[str, str, bool]]) -> None:
    sick_regions = placed()
    see(sick_regions, dict.fromkeys(["ap-south", "eu-north", "us-west"], MONITORS[:7]))
    for at, (region, monitor, failing) in enumerate(lies):
        sick_regions.saw(region, monitor, failing, T0 + at)

    assert judged(sick_regions).keys() <= {"eu-west", "us-east"}
    assert sick_regions.quarantined.keys() <= {region for region, _, failing in lies if failing}


def test_a_region_that_is_gone_is_not_held_for_ever() -> None:
    sick_regions = placed()
    see(sick_regions, {"eu-west": MONITORS})
    assert judged(sick_regions)

    assert judged(sick_regions, T0 + GONE_MS) == {"eu-west": Exclusion.SICK}
    assert judged(sick_regions, T0 + 2_000 + GONE_MS) == {}


def lost_one_after_the_other() -> SickRegions:
    """Three regions of three domains, half a minute apart."""
    sick_regions = placed()
    regions = ["ap-south", "eu-north", "eu-west"]
    for number in range(1, 4):
        at_ms = T0 + 30_000 * number
        see(sick_regions, dict.fromkeys(regions[:number], MONITORS), at_ms)
        sick_regions.judge(at_ms + 1_000, dict.fromkeys(DOMAINS, len(MONITORS)))
    return sick_regions


def test_issue13_8_regions_that_are_lost_one_after_the_other_are_lost_together() -> None:
    sick_regions = lost_one_after_the_other()

    assert sick_regions.quarantined == dict.fromkeys(["ap-south", "eu-north", "eu-west"], Exclusion.LOST_WAY)
    assert {tuple(one.seeing) for one in sick_regions.quarantines()} == {("us-east", "us-west")}


def test_regions_that_were_lost_together_vote_again_after_half_a_minute_of_sight() -> None:
    sick_regions = lost_one_after_the_other()
    back_ms = T0 + 200_000
    judged(sick_regions, back_ms - 1_000)
    see(sick_regions, {"eu-west": MONITORS}, back_ms)
    judged(sick_regions, back_ms)
    for after_ms in range(0, FOUND_REST_MS + 2_000, 1_000):
        see(sick_regions, {"eu-west": MONITORS}, back_ms + after_ms)
        judged(sick_regions, back_ms + after_ms)

    assert sick_regions.quarantined == {"eu-west": Exclusion.LOST_WAY}


def test_a_lost_region_that_says_nothing_stays_lost() -> None:
    sick_regions = lost_one_after_the_other()
    for after_ms in range(0, 600_000, 10_000):
        judged(sick_regions, T0 + 100_000 + after_ms)

    assert len(sick_regions.quarantined) == 3


def test_a_new_process_goes_on_with_regions_that_are_lost_together() -> None:
    before = lost_one_after_the_other()
    after = placed()
    after.restore(before.quarantines(), T0 + 120_000)

    assert after.quarantined == before.quarantined
    judged(after, T0 + 121_000)
    assert {tuple(one.seeing) for one in after.quarantines()} == {("us-east", "us-west")}


def test_three_regions_without_anchors_are_one_event_too() -> None:
    sick_regions = placed()
    for region in ("ap-south", "eu-north", "eu-west"):
        sick_regions.anchors(region, True, T0)

    assert {tuple(one.together) for one in sick_regions.quarantines()} == {("ap-south", "eu-north", "eu-west")}


def test_one_sick_region_alone_is_no_event_of_many() -> None:
    sick_regions = placed()
    see(sick_regions, {"eu-west": MONITORS})
    judged(sick_regions)

    assert [one.together for one in sick_regions.quarantines()] == [[]]


@pytest.mark.parametrize("judged_between", [False, True])
def test_issue13_8_a_region_back_from_a_cut_is_not_sick_for_what_it_saw_while_cut(judged_between: bool) -> None:
    sick_regions = placed()
    sick_regions.saw("eu-west", "mon_before", False, T0 - 6_000)
    see(sick_regions, {"eu-west": MONITORS})
    if judged_between:
        assert judged(sick_regions) == {"eu-west": Exclusion.SICK}
    sick_regions.was_late("eu-west", T0 - 4_000, T0 + 1_500)

    assert judged(sick_regions, T0 + 2_000) == {}
    assert sick_regions.is_of_a_cut("eu-west", T0 - 1_000)
    assert not sick_regions.is_of_a_cut("eu-west", T0 + 1_000)
    see(sick_regions, {"eu-west": MONITORS}, T0 + 5_000)
    assert judged(sick_regions, T0 + 6_000) == {"eu-west": Exclusion.SICK}


def test_no_region_avoids_quarantine_by_being_late_all_the_time() -> None:
    sick_regions = placed()
    held = False
    for at_ms in range(T0, T0 + 90_000, 3_000):
        see(sick_regions, {"eu-west": MONITORS}, at_ms)
        sick_regions.was_late("eu-west", at_ms - 2_500, at_ms)
        held = bool(judged(sick_regions, at_ms))

    assert held


def test_a_late_copy_among_others_is_no_cut() -> None:
    sick_regions = placed()
    for at_ms in range(T0, T0 + 5_000, 500):
        see(sick_regions, {"eu-west": MONITORS}, at_ms)
    sick_regions.was_late("eu-west", T0 + 1_000, T0 + 5_000)

    assert judged(sick_regions, T0 + 5_100) == {"eu-west": Exclusion.SICK}


def test_another_shard_takes_the_list_of_the_first_and_judges_again_once_there_is_none() -> None:
    first, other = placed(), placed()
    see(first, {"eu-west": MONITORS})
    assert set(judged(first)) == {"eu-west"}
    # What this shard sees in its own order makes another region sick.
    see(other, {"us-west": MONITORS})
    assert other.follow(first.quarantines(), T0 + 1_000)
    assert other.quarantined == first.quarantined
    assert not other.follow(first.quarantines(), T0 + 2_000)
    assert other.follow([], T0 + 3_000) and other.quarantined == {}
    assert set(judged(other, T0 + 4_000)) == {"us-west"}


def test_a_proof_of_this_moment_counts_before_the_first_shard_lists_it() -> None:
    shard = placed()
    shard.hold_together(LostWay(["eu-west", "us-east"], ["ap-south", "us-west"], 9, 9), T0)
    shard.follow([], T0 + PROOF_ALONE_MS)
    assert set(shard.quarantined) == {"eu-west", "us-east"}
    shard.follow([], T0 + PROOF_ALONE_MS + 1)
    assert shard.quarantined == {}
