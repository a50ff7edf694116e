"""What of a gateway's offers is told: a table of what was told, the last two reads, and the change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.ai.offers.offer import OFFERS_MOST, Offer
from vigil.offers.core.change import OfferChangeKind, decide, key_of, listed, title_of

A = Offer("a", "A", price_in="0.1", price_out="0.4", quantization="fp8", context=131_072)
B = Offer("b", "B", price_in="2", price_out="8", context=8_192)


def of_a(**changed: object) -> Offer:
    fields = {name: getattr(A, name) for name in A.__struct_fields__}
    return Offer(**{**fields, **changed})  # type: ignore[arg-type]


DEARER, SMALLER, SHORTER = of_a(price_out="0.5"), of_a(quantization="fp4"), of_a(context=8_192)


@pytest.mark.parametrize(
    ("told", "last", "now", "kinds"),
    [
        # The first read is where it begins.
        ([], [], [A], []),
        ([A], [A], [A], []),
        # Uptime and speed are not told.
        ([A], [A], [of_a(uptime_5m=20.0, latency_ms=[1, 1, 1, 1], status="-5")], []),
        ([A], [DEARER], [DEARER], [OfferChangeKind.PRICE]),
        ([A], [SMALLER], [SMALLER], [OfferChangeKind.QUANTIZATION]),
        ([A], [SHORTER], [SHORTER], [OfferChangeKind.CONTEXT]),
        ([A], [A, B], [A, B], [OfferChangeKind.NEW]),
        ([A, B], [A], [A], [OfferChangeKind.GONE]),
        # Seen once only, or in turn: not yet.
        ([A], [A], [DEARER], []),
        ([A], [DEARER], [A], []),
        ([A, B], [A, B], [A], []),
        ([A, B], [A], [A, B], []),
        # An empty page is no sign that all are gone.
        ([A, B], [], [], []),
        ([A], [of_a(price_in="0.1005")], [of_a(price_in="0.1005")], []),
        ([A], [of_a(price_in="")], [of_a(price_in="")], [OfferChangeKind.PRICE]),
        ([of_a(price_in="0")], [A], [A], [OfferChangeKind.PRICE]),
    ],
)
def test_a_change_is_told_once_it_is_seen_twice(
    told: list[Offer], last: list[Offer], now: list[Offer], kinds: list[OfferChangeKind]
) -> None:
    found = decide(told, last, now)
    assert [one.kind for one in found.changes] == kinds
    # What was told is told once.
    if kinds:
        assert decide(found.told, now, now).changes == ()


@pytest.mark.parametrize(
    ("others", "is_told"),
    [([], True), ([[A]], False), ([[DEARER]], True), ([[A], [DEARER]], True), ([[A], [A]], False)],
)
def test_a_change_is_told_where_most_regions_read_it(others: list[list[Offer]], is_told: bool) -> None:
    assert bool(decide([A], [DEARER], [DEARER], others).changes) is is_told


def test_what_is_behind_the_end_of_a_full_list_is_neither_gone_nor_new() -> None:
    full = [Offer(f"p{number:02}", price_in="1") for number in range(OFFERS_MOST)]
    first = Offer("a", price_in="1")
    found = decide(full, [first, *full[:-1]], [first, *full[:-1]])
    assert [(one.kind, one.tag) for one in found.changes] == [(OfferChangeKind.NEW, "a")]
    shorter = decide(full, [*full[1:], Offer("q")], [*full[1:], Offer("q")])
    assert [(one.kind, one.tag) for one in shorter.changes] == [(OfferChangeKind.GONE, "p00")]
    assert "q" in {one.tag for one in shorter.told}


def test_slow_steps_below_the_band_are_told_in_the_end() -> None:
    told: tuple[Offer, ...] = (A,)
    last, changes = A, 0
    for step in range(1, 40):
        now = of_a(price_in=f"{0.1 * (1 + step / 250):.5f}")
        for _ in range(2):
            decision = decide(told, [last], [now])
            told, last = decision.told, now
            changes += len(decision.changes)
    assert changes == 13


def test_a_notice_says_before_and_after() -> None:
    changes = decide([A, B], [DEARER], [DEARER]).changes
    assert title_of("meta/m", changes) == "meta/m: 2 changes of its offers"
    assert title_of("meta/m", changes[:1]) == "meta/m: another price of A"
    assert title_of("meta/m", changes[1:]) == "meta/m: B offers it no more"
    assert listed(changes, "before") == (
        "A: $0.10 in, $0.40 out for 1M tokens; B: $2.00 in, $8.00 out for 1M tokens, 8,192 tokens of context"
    )
    assert listed(changes, "after") == "A: $0.10 in, $0.50 out for 1M tokens; B: not offered"
    assert key_of("mon_1", changes, "2026-01-01") != key_of("mon_1", changes[:1], "2026-01-01")
    assert "and 8 more" in listed(changes * 10, "after")


OFFERS = st.lists(
    st.builds(
        Offer, st.sampled_from("abc"), price_in=st.sampled_from(["", "1", "2"]), context=st.sampled_from([0, 8, 16])
    ),
    max_size=3,
    unique_by=lambda one: one.tag,
)


@given(OFFERS, st.lists(OFFERS, max_size=6))
def test_whatever_is_read_what_stands_still_is_told_once(first: list[Offer], reads: list[list[Offer]]) -> None:
    told, last = tuple(first), list(first)
    for now in reads:
        told, last = decide(told, last, now).told, now
    for _ in range(2):
        told = decide(told, last, last).told
    assert decide(told, last, last).changes == ()
    if last and told:
        assert {(one.tag, one.price_in, one.context) for one in told} == {
            (one.tag, one.price_in, one.context) for one in last
        }
