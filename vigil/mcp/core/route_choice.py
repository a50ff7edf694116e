"""Choice of what to route to instead: the next of a chain, the same model elsewhere, an offer of a gateway. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from probes.reasons import Status
from vigil.mcp.core.state_facts import Alternative, ChainSight, StateFacts

#: Ways of one answer.
ROUTES_MOST = 3
#: Offers that may be routed to, as the API calls their fitness.
_FIT = frozenset({"fit", "uptime_unknown"})


class RouteReason(StrEnum):
    """Why this is what to route to."""

    SERVING_IN_CHAIN = "serving_in_chain"
    NEXT_IN_CHAIN = "next_in_chain"
    SAME_MODEL = "same_model"
    BEST_OFFER = "best_offer"


@dataclass(frozen=True, slots=True)
class RouteTo:
    """One way; `id` is a monitor's, empty for an offer of a gateway."""

    id: str
    name: str
    reason: RouteReason
    words: str


def routes_of(facts: StateFacts) -> list[RouteTo]:
    """The best ways, at most `ROUTES_MOST`: those of a chain first, because somebody has chosen them."""
    found: dict[str, RouteTo] = {}
    for route in (*_of_chains(facts), *_of_same_model(facts), *_of_offers(facts)):
        found.setdefault(route.id or route.name, route)
    return list(found.values())[:ROUTES_MOST]


def _of_chains(facts: StateFacts) -> Iterator[RouteTo]:
    for chain in facts.chains:
        serving = _member(chain, chain.serving)
        if serving is not None and serving.id != facts.id:
            words = f"It serves the chain {chain.name} now{_figures(serving)}."
            yield RouteTo(serving.id, serving.name, RouteReason.SERVING_IN_CHAIN, words)
        following = _member(chain, chain.next)
        if following is not None and following.id != facts.id:
            words = f"It is the next of the chain {chain.name}{_figures(following)}."
            yield RouteTo(following.id, following.name, RouteReason.NEXT_IN_CHAIN, words)


def _of_same_model(facts: StateFacts) -> Iterator[RouteTo]:
    well = [one for one in facts.same_model if one.status is Status.UP and one.id != facts.id]
    # Another provider first: what fails here may fail for all of its keys.
    for one in sorted(well, key=lambda one: (one.short, one.provider == facts.provider, one.p50_ms or 0.0, one.name)):
        yield RouteTo(one.id, one.name, RouteReason.SAME_MODEL, f"It checks the same model and is up{_figures(one)}.")


def _of_offers(facts: StateFacts) -> Iterator[RouteTo]:
    if facts.best_offer:
        words = "A gateway offers the model there: the cheapest offer that is fit now."
        yield RouteTo("", facts.best_offer, RouteReason.BEST_OFFER, words)


def best_offer(offers: Sequence[Mapping[str, Any]], gateway: str, without: Collection[str] = ()) -> str:
    """The first fit one of ranked offers, but for those of some providers (keys or names); empty where none is."""
    excluded = {_serving(one) for one in without}
    for one in offers:
        if one["fitness"] in _FIT and not {_serving(one["tag"]), _serving(one["name"])} & excluded:
            return f"{one['name'] or one['tag']} at {gateway}"
    return ""


def _serving(name: str) -> str:
    return name.partition("/")[0].strip().lower()


def _member(chain: ChainSight, id: str | None) -> Alternative | None:
    return next((one for one in chain.members if one.id == id), None)


def _figures(one: Alternative) -> str:
    told = [one.status.name.lower()] if one.status is not Status.UP else []
    told += ["no headroom for more"] if one.short else []
    told += [f"median {one.p50_ms:.0f} ms"] if one.p50_ms is not None else []
    return f" ({', '.join(told)})" if told else ""
