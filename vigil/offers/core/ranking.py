"""Ranking of offers: the best alternative now, by a stated rule. Pure.

Fit are offers that the gateway calls normal and that answered at least 95 % of requests in the last 30 minutes; one
whose uptime nobody tells comes after those. Among the fit ones the cheapest is best, or the fastest, as asked; what is
equal is ordered by the other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from probes.ai.offers.offer import Offer
from vigil.offers.core.change import price_in_words

UPTIME_FLOOR = 95.0
#: What gateways call an offer that works; the words of OpenRouter, of an old form of it, and of Hugging Face.
_NORMAL = frozenset({"", "0", "default", "live"})
#: Tokens read for each that is written, in the price of a usual request.
_INPUT_SHARE = 3


class RankedBy(StrEnum):
    """What makes an offer the best of those that are fit."""

    PRICE = "price"
    LATENCY = "latency"
    THROUGHPUT = "throughput"


#: The rule as people read it.
RULE_WORDS = {
    RankedBy.PRICE: "of those up 95 % of the last 30 minutes, the cheapest (three tokens read for each written)",
    RankedBy.LATENCY: "of those up 95 % of the last 30 minutes, the one with the fastest first token (median)",
    RankedBy.THROUGHPUT: "of those up 95 % of the last 30 minutes, the one that writes fastest (median)",
}


class Fitness(StrEnum):
    """Whether an offer may be the best, and why not."""

    FIT = "fit"
    UNKNOWN = "uptime_unknown"
    LOW = "uptime_low"
    NOT_NORMAL = "status_not_normal"


@dataclass(frozen=True, slots=True)
class RankedOffer:
    offer: Offer
    fitness: Fitness


def fitness_of(offer: Offer) -> Fitness:
    """The uptime of 30 minutes counts, else that of 5; and a failing one of 5 minutes at once."""
    if offer.status.lower() not in _NORMAL:
        return Fitness.NOT_NORMAL
    known = [uptime for uptime in (offer.uptime_30m, offer.uptime_5m) if uptime is not None]
    if not known:
        return Fitness.UNKNOWN
    return Fitness.FIT if min(known) >= UPTIME_FLOOR else Fitness.LOW


def ranked(offers: Sequence[Offer], by: RankedBy = RankedBy.PRICE) -> list[RankedOffer]:
    """All offers, the best first; those that are not fit come last."""
    order = list(Fitness)
    found = [RankedOffer(one, fitness_of(one)) for one in offers]
    return sorted(found, key=lambda one: (order.index(one.fitness), _place(one.offer, by), one.offer.tag))


def best(offers: Sequence[Offer], by: RankedBy = RankedBy.PRICE, without: Collection[str] = ()) -> Offer | None:
    """The best fit offer, without those of some providers (tags or names, in lower case, up to their slash)."""
    excluded = {_provider(one) for one in without}
    for one in ranked(offers, by):
        names = {_provider(one.offer.tag), _provider(one.offer.name)}
        if one.fitness in (Fitness.FIT, Fitness.UNKNOWN) and not names & excluded:
            return one.offer
    return None


def in_words(offer: Offer) -> str:
    """`DeepInfra: $0.10 in, $0.40 out for 1M tokens, 99.9 % up, first token after 412 ms`."""
    uptime = offer.uptime_30m if offer.uptime_30m is not None else offer.uptime_5m
    parts = [price_in_words(offer)]
    if uptime is not None:
        parts.append(f"{uptime:g} % up")
    if offer.latency_ms:
        parts.append(f"first token after {offer.latency_ms[0]:.0f} ms")
    return f"{offer.name or offer.tag}: {', '.join(parts)}"


def _place(offer: Offer, by: RankedBy) -> tuple[float | Decimal, ...]:
    price = _price(offer)
    latency = offer.latency_ms[0] if offer.latency_ms else float("inf")
    throughput = -offer.throughput[0] if offer.throughput else 0.0
    orders: dict[RankedBy, tuple[float | Decimal, ...]] = {
        RankedBy.PRICE: (price, latency),
        RankedBy.LATENCY: (latency, price),
        RankedBy.THROUGHPUT: (throughput, price),
    }
    return orders[by]


def _price(offer: Offer) -> Decimal:
    """Price of a usual request; one that is not told comes last."""
    if not offer.price_in or not offer.price_out:
        return Decimal("Infinity")
    return _INPUT_SHARE * Decimal(offer.price_in) + Decimal(offer.price_out)


def _provider(name: str) -> str:
    return "".join(char for char in name.partition("/")[0].lower() if char.isalnum())
