"""Rows and columns: a region that fails alone is sick, a target that fails everywhere is down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.sick_regions import ANCHORS_REST_MS, CLEAN_ROUND_MS, CLEAN_ROUNDS, GONE_MS, ROWS, VIEW_MS, SickRegions
from consensus.vocabulary import Exclusion

DOMAINS = {"ap-south": "gcp", "eu-north": "ovh", "eu-west": "aws", "us-east": "aws", "us-west": "hetzner"}
MONITORS = [f"mon_{number}" for number in range(10)]
T0 = 1_000_000


def placed(domains: dict[str, str] = DOMAINS) -> SickRegions:
    sickness = SickRegions()
    for region, domain in domains.items():
        sickness.place(region, domain)
    return sickness


def see(sickness: SickRegions, failing: dict[str, list[str]], at_ms: int = T0, monitors: list[str] = MONITORS) -> None:
    """Every region looks at every monitor; `failing` names what fails where. Failures are told first."""
    views = [(region, monitor, monitor in failing.get(region, [])) for region in DOMAINS for monitor in monitors]
    for region, monitor, fails in sorted(views, key=lambda view: not view[2]):
        sickness.saw(region, monitor, fails, at_ms)


def judged(sickness: SickRegions, at_ms: int = T0 + 1_000, monitors: int = len(MONITORS)) -> dict[str, Exclusion]:
    sickness.judge(at_ms, dict.fromkeys(DOMAINS, monitors))
    return sickness.quarantined


@pytest.mark.parametrize(
    ("failing", "sick"),
    [
        ({}, set()),
        ({"eu-west": MONITORS}, {"eu-west"}),
        ({"eu-west": MONITORS[:5]}, {"eu-west"}),
        ({"eu-west": MONITORS[:4]}, set()),
        # One provider loses its network with both of its regions: both are sick, since the other domains pass.
        ({"eu-west": MONITORS, "us-east": MONITORS}, {"eu-west", "us-east"}),
        # A target that fails everywhere is down, and nobody is sick for seeing it.
        (dict.fromkeys(DOMAINS, MONITORS), set()),
        (dict.fromkeys(["ap-south", "eu-north", "us-west", "us-east"], MONITORS), set()),
        # Three domains against one: nobody can say who is sick.
        (dict.fromkeys(["ap-south", "eu-north", "us-west"], MONITORS), set()),
    ],
)
def test_a_region_that_fails_alone_is_sick(failing: dict[str, list[str]], sick: set[str]) -> None:
    sickness = placed()
    see(sickness, failing)

    assert judged(sickness) == dict.fromkeys(sick, Exclusion.SICK)


def test_a_fifth_of_what_the_region_watches_must_fail() -> None:
    sickness = placed()
    see(sickness, {"eu-west": MONITORS[:6]})

    assert judged(sickness, monitors=31) == {}
    assert judged(sickness, monitors=30) == {"eu-west": Exclusion.SICK}


def test_old_failures_alone_make_nobody_sick() -> None:
    sickness = placed()
    for after_ms in range(0, 900_000, 60_000):
        see(sickness, {"eu-west": MONITORS[:5]}, T0 + after_ms)

    assert judged(sickness, T0 + 900_000) == {}


def test_two_regions_in_two_domains_cannot_judge_each_other() -> None:
    sickness = placed({"a": "one", "b": "two"})
    for monitor in MONITORS:
        sickness.saw("a", monitor, True, T0)
        sickness.saw("b", monitor, False, T0)

    assert judged(sickness) == {}


def test_regions_that_share_one_domain_judge_each_other() -> None:
    sickness = placed({"a": "home", "b": "home", "c": "home"})
    for monitor in MONITORS:
        sickness.saw("a", monitor, True, T0)
        sickness.saw("b", monitor, False, T0)
        sickness.saw("c", monitor, False, T0)

    assert judged(sickness) == {"a": Exclusion.SICK}


def test_a_sick_region_returns_after_three_clean_rounds() -> None:
    sickness = placed()
    see(sickness, {"eu-west": MONITORS})
    at_ms = T0 + 1_000
    assert judged(sickness, at_ms)
    for _ in range(CLEAN_ROUNDS - 1):
        at_ms += CLEAN_ROUND_MS
        see(sickness, {}, at_ms)
        assert judged(sickness, at_ms) == {"eu-west": Exclusion.SICK}

    at_ms += CLEAN_ROUND_MS
    see(sickness, {}, at_ms)

    assert judged(sickness, at_ms) == {}


@pytest.mark.parametrize("relapse", [{"eu-west": MONITORS}, None])
def test_a_round_that_is_not_clean_or_silent_starts_the_count_again(relapse: dict[str, list[str]] | None) -> None:
    sickness = placed()
    see(sickness, {"eu-west": MONITORS})
    at_ms = T0 + 1_000
    assert judged(sickness, at_ms)
    for views in [{}, {}, relapse, {}, {}]:
        at_ms += CLEAN_ROUND_MS
        if views is not None:
            see(sickness, views, at_ms)
        assert judged(sickness, at_ms) == {"eu-west": Exclusion.SICK}
    at_ms += CLEAN_ROUND_MS
    see(sickness, {}, at_ms)

    assert judged(sickness, at_ms) == {}


def test_a_region_without_anchors_has_no_vote_until_it_has_reached_them_for_a_while() -> None:
    sickness = placed()
    sickness.anchors("eu-west", True, T0)
    assert judged(sickness, T0) == {"eu-west": Exclusion.ANCHORS}
    sickness.anchors("eu-west", True, T0 + 10_000)
    sickness.anchors("eu-west", False, T0 + 20_000)

    assert judged(sickness, T0 + 10_000 + ANCHORS_REST_MS - 1) == {"eu-west": Exclusion.ANCHORS}
    assert judged(sickness, T0 + 10_000 + ANCHORS_REST_MS) == {}


def test_a_successor_takes_up_what_was_found_before() -> None:
    before, after = placed(), placed()
    see(before, {"eu-west": MONITORS})
    judged(before)

    after.restore(before.quarantines(), T0 + 5_000)

    assert after.quarantined == {"eu-west": Exclusion.SICK}
    assert after.quarantines() == before.quarantines()
    assert "fails 10 of its monitors at once" in after.quarantines()[0].text


def test_memory_follows_trouble_and_is_bounded() -> None:
    sickness = placed()
    for number in range(ROWS + 100):
        sickness.saw("eu-west", f"mon_{number}", True, T0)

    assert len(sickness) == ROWS

    for turn in range(ROWS // 500 + 1):
        sickness.judge(T0 + VIEW_MS + 1 + turn, {})
    assert len(sickness) == 0


@given(
    st.lists(st.tuples(st.sampled_from(["eu-west", "us-east"]), st.sampled_from(MONITORS), st.booleans()), max_size=200)
)
def test_one_domain_cannot_put_another_in_quarantine(lies: list[tuple[str, str, bool]]) -> None:
    sickness = placed()
    see(sickness, dict.fromkeys(["ap-south", "eu-north", "us-west"], MONITORS[:7]))
    for at, (region, monitor, failing) in enumerate(lies):
        sickness.saw(region, monitor, failing, T0 + at)

    assert judged(sickness).keys() <= {"eu-west", "us-east"}
    assert sickness.quarantined.keys() <= {region for region, _, failing in lies if failing}


def test_a_region_that_is_gone_is_not_held_for_ever() -> None:
    sickness = placed()
    see(sickness, {"eu-west": MONITORS})
    assert judged(sickness)

    assert judged(sickness, T0 + GONE_MS) == {"eu-west": Exclusion.SICK}
    assert judged(sickness, T0 + 2_000 + GONE_MS) == {}
