"""Rows and columns of several regions: what several regions lose together is no outage, and hides none."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.lost_way.law import SITES, count_sites, decide, is_same, may_judge, replay
from consensus.proof import ComparedRow, LostWay, as_evidence, from_evidence, is_proof
from vigil.simulation.worlds.scenario import FIVE_REGIONS

EVERY = sorted(FIVE_REGIONS)
THREE = ["ap-south", "eu-north", "eu-west"]
REST = ["us-east", "us-west"]


def rows(
    count: int, failing: list[str], passing: list[str], site: str = "domain:{n}.test", start: int = 0
) -> list[ComparedRow]:
    numbers = range(start, start + count)
    return [ComparedRow(f"mon_{n}", [site.format(n=n)], sorted(failing), sorted(passing)) for n in numbers]


LOST = rows(8, THREE, REST)

CASES = {
    "most regions fail everything that two others see well": (LOST, THREE),
    "five unrelated sites are enough": (rows(5, THREE, REST), THREE),
    "four are not: what few share may be unknown": (rows(4, THREE, REST), None),
    "many monitors of one site are one": (rows(30, THREE, REST, "provider:openai"), None),
    "three monitors in all prove nothing": (rows(3, THREE, REST), None),
    "what fails everywhere is an outage": (rows(20, EVERY, []), None),
    "one region that sees them well proves nothing": (rows(9, EVERY[:4], EVERY[4:]), None),
    "two that share a domain prove nothing: two liars of one provider": (
        rows(9, ["ap-south", "eu-north", "us-west"], ["eu-west", "us-east"]),
        None,
    ),
    "a minority is sick by the rule for one region": (rows(9, REST, THREE), None),
    "regions that reach other sites have not lost their way": (
        rows(8, THREE, REST) + rows(5, [], EVERY, start=50),
        None,
    ),
    "a site or two that they still reach is their neighbour": (
        rows(8, THREE, REST) + rows(2, [], EVERY, start=50),
        THREE,
    ),
    "a true outage meanwhile is a row of its own": (rows(8, THREE, REST) + rows(3, EVERY, [], start=50), THREE),
    "every target in another set of regions is no event": (
        [row for n in range(5) for row in rows(2, [r for r in EVERY if r != EVERY[n]][:3], REST[:1], start=n * 10)],
        None,
    ),
    "a vote that is missing in some rows changes nothing": (
        rows(6, THREE, REST) + rows(3, THREE, REST[:1], start=20),
        THREE,
    ),
    "half of the regions that can see, one being out": (rows(6, ["ap-south", "eu-west"], ["eu-north", "us-west"]),
                                                       ["ap-south", "eu-west"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_issue13_8_who_has_lost_the_way(name: str) -> None:
    table, lost = CASES[name]
    found = decide(table, FIVE_REGIONS)

    assert (found.lost if found else None) == lost


@pytest.mark.parametrize(
    ("sites", "count"),
    [
        ([["a"], ["b"], ["c"]], 3),
        ([["a", "net:1.2"], ["b", "net:1.2"], ["c"]], 2),
        ([["a", "x"], ["b", "y"], ["c", "x", "y"]], 1),
        ([[], ["a"], []], 1),
    ],
)
def test_monitors_that_share_anything_are_one_site(sites: list[list[str]], count: int) -> None:
    table = [ComparedRow(f"mon_{n}", own, ["a"], ["b"]) for n, own in enumerate(sites)]

    assert count_sites(table) == count
    assert count_sites(reversed(table)) == count


def a_table() -> st.SearchStrategy[list[ComparedRow]]:
    """Rows with any sites, and any votes of five regions: one number for a row, ten sites by three votes of each."""
    return st.lists(st.integers(0, 10 * 3**5 - 1), max_size=20).map(lambda drawn: [*map(a_row, range(20), drawn)])


def a_row(number: int, drawn: int) -> ComparedRow:
    said = {region: drawn // 3**place % 3 for place, region in enumerate(EVERY)}
    failing = [region for region, what in said.items() if what == 0]
    passing = [region for region, what in said.items() if what == 1]
    return ComparedRow(f"mon_{number}", [f"site-{drawn // 3**5}"], failing, passing)


@given(a_table(), st.integers(0, 2**32))
def test_an_event_needs_unrelated_sites_and_two_that_see_in_any_order_of_the_rows(
    table: list[ComparedRow], seed: int
) -> None:
    found = decide(table, FIVE_REGIONS)
    shuffled = list(table)
    Random(seed).shuffle(shuffled)
    again = decide(shuffled, FIVE_REGIONS)

    assert (found is None) == (again is None)
    if found is None or again is None:
        return
    assert (found.lost, found.seeing, found.sites) == (again.lost, again.seeing, again.sites)
    assert found.sites >= SITES
    assert len({FIVE_REGIONS[region] for region in found.seeing}) >= 2
    assert not set(found.lost) & set(found.seeing)


@given(a_table(), st.sets(st.sampled_from(EVERY), min_size=1, max_size=2))
def test_no_two_regions_of_one_domain_hide_what_all_others_fail(table: list[ComparedRow], liars: set[str]) -> None:
    """Whatever liars of one domain say, what the honest regions fail or pass alike makes no event of them."""
    if len({FIVE_REGIONS[region] for region in liars}) > 1:
        return
    honest = [region for region in EVERY if region not in liars]
    truth = [
        ComparedRow(
            row.monitor,
            row.sites,
            sorted({*(honest if n % 2 else []), *(liars & set(row.failing))}),
            sorted({*([] if n % 2 else honest), *(liars & set(row.passing))}),
        )
        for n, row in enumerate(table)
    ]
    found = decide(truth, FIVE_REGIONS)

    assert found is None or not set(found.lost) & set(honest)


@pytest.mark.parametrize("against", [0, 2])
def test_a_proof_is_stored_and_replayed(against: int) -> None:
    found = decide(rows(60, THREE, REST) + rows(against, [], EVERY, start=90), FIVE_REGIONS)
    assert found is not None
    stored = as_evidence(found)

    assert is_proof(stored)
    assert from_evidence(stored) == found
    assert is_same(found, replay(from_evidence(stored)))
    assert not is_same(found, replay(LostWay(found.lost, found.seeing, 9, 9, found.rows[:3], found.domains)))


def test_regions_without_known_domains_are_each_their_own() -> None:
    assert may_judge({"a", "b"}, {"c", "d"}, {})
    assert not may_judge({"a", "b"}, {"c"}, {})
