"""The best alternative now: which offers are fit, and which of them is best by which rule."""

from __future__ import annotations

import pytest

from probes.ai.offers.offer import Offer
from vigil.offers.core.ranking import Fitness, RankedBy, best, fitness_of, in_words, ranked

CHEAP = Offer("cheap/fp8", "Cheap", "0", 99.0, 97.0, None, [900, 1, 1, 1], [20, 1, 1, 1], "0.1", "0.4")
FAST = Offer("fast", "Fast Co", "0", 100.0, 100.0, None, [200, 1, 1, 1], [90, 1, 1, 1], "0.5", "1")
DOWN = Offer("down", "Down", "0", 40.0, 96.0, None, [1, 1, 1, 1], [999, 1, 1, 1], "0", "0")
SILENT = Offer("silent", "Silent", price_in="0.01", price_out="0.01")
ODD = Offer("odd", "Odd", "-5", 100.0, 100.0, price_in="0", price_out="0")
ALL = [ODD, SILENT, DOWN, FAST, CHEAP]


@pytest.mark.parametrize(
    ("offer", "fitness"),
    [
        (CHEAP, Fitness.FIT), (DOWN, Fitness.LOW), (SILENT, Fitness.UNKNOWN), (ODD, Fitness.NOT_NORMAL),
        (Offer("x", status="live", uptime_30m=95.0), Fitness.FIT), (Offer("x", uptime_30m=94.9), Fitness.LOW),
        (Offer("x", uptime_1d=99.0), Fitness.UNKNOWN),
    ],
)  # fmt: skip
def test_only_what_is_up_now_is_fit(offer: Offer, fitness: Fitness) -> None:
    assert fitness_of(offer) is fitness


@pytest.mark.parametrize(
    ("by", "order"),
    [
        (RankedBy.PRICE, ["cheap/fp8", "fast", "silent", "down", "odd"]),
        (RankedBy.LATENCY, ["fast", "cheap/fp8", "silent", "down", "odd"]),
        (RankedBy.THROUGHPUT, ["fast", "cheap/fp8", "silent", "down", "odd"]),
    ],
)
def test_the_rule_orders_the_fit_ones_and_the_others_come_last(by: RankedBy, order: list[str]) -> None:
    assert [one.offer.tag for one in ranked(ALL, by)] == order


def test_an_alternative_is_none_of_the_failing_provider() -> None:
    assert best(ALL) == CHEAP
    assert best(ALL, without=["Cheap"]) == FAST
    assert best(ALL, without=["cheap", "fast-co"]) == SILENT
    assert best([DOWN, ODD]) is None and best([]) is None


def test_an_offer_in_words_says_price_uptime_and_speed() -> None:
    assert in_words(FAST) == "Fast Co: $0.50 in, $1.00 out for 1M tokens, 100 % up, first token after 200 ms"
    assert in_words(Offer("x")) == "x: no price"
