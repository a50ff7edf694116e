"""What to route to instead: chains first, then the same model elsewhere, then a gateway's offer."""

from __future__ import annotations

from dataclasses import replace

from probes.reasons import Status
from vigil.mcp.core.route_choice import ROUTES_MOST, RouteReason, best_offer, routes_of
from vigil.mcp.core.state_facts import Alternative, ChainSight, StateFacts

MINE = StateFacts("mon_1", "gpt at openai", Status.DOWN, "openai")


def one(id: str, status: Status = Status.UP, provider: str = "azure", short: bool = False) -> Alternative:
    return Alternative(id, f"name of {id}", status, provider, short, 200.0)


def chain(serving: str | None, following: str | None) -> ChainSight:
    return ChainSight("mon_9", "chat", "ready", serving, following, [one("mon_1"), one("mon_2"), one("mon_3")])


def test_a_chain_somebody_has_made_comes_first() -> None:
    found = routes_of(replace(MINE, chains=[chain("mon_1", "mon_2")], same_model=[one("mon_4")]))
    assert [(route.id, route.reason) for route in found] == [
        ("mon_2", RouteReason.NEXT_IN_CHAIN), ("mon_4", RouteReason.SAME_MODEL),
    ]  # fmt: skip
    assert found[0].words == "It is the next of the chain chat (median 200 ms)."


def test_a_fallback_that_serves_already_is_named_before_the_one_behind_it() -> None:
    found = routes_of(replace(MINE, chains=[chain("mon_2", "mon_3")]))
    assert [(route.id, route.reason) for route in found] == [
        ("mon_2", RouteReason.SERVING_IN_CHAIN), ("mon_3", RouteReason.NEXT_IN_CHAIN),
    ]  # fmt: skip


def test_the_same_model_is_taken_where_it_is_up_with_headroom_and_at_another_provider() -> None:
    same = [
        one("mon_2", Status.DOWN), one("mon_3", provider="openai"), one("mon_4", short=True),
        one("mon_5"), one("mon_1"),
    ]  # fmt: skip
    assert [route.id for route in routes_of(replace(MINE, same_model=same))] == ["mon_5", "mon_3", "mon_4"]


def test_an_offer_of_its_gateway_is_the_last_way_and_no_way_is_told_twice() -> None:
    facts = replace(MINE, chains=[chain("mon_1", "mon_2")], same_model=[one("mon_2")], best_offer="azure/eu")
    assert [(route.id, route.name) for route in routes_of(facts)] == [("mon_2", "name of mon_2"), ("", "azure/eu")]


def offer(name: str, tag: str, fitness: str = "fit") -> dict[str, str]:
    return {"name": name, "tag": tag, "fitness": fitness}


def test_of_ranked_offers_the_first_fit_one_of_another_provider_is_taken() -> None:
    ranked = [offer("Slow", "slow", "uptime_low"), offer("OpenAI", "openai/eu"), offer("DeepInfra", "deepinfra/fp8")]
    assert best_offer(ranked, "OpenRouter", ["openai", "OpenAI"]) == "DeepInfra at OpenRouter"
    assert best_offer(ranked, "OpenRouter") == "OpenAI at OpenRouter"
    assert best_offer(ranked[:1], "OpenRouter") == best_offer([], "OpenRouter") == ""


def test_without_any_there_is_none_and_of_many_there_are_few() -> None:
    assert routes_of(MINE) == []
    assert len(routes_of(replace(MINE, same_model=[one(f"mon_{n}") for n in range(2, 40)]))) == ROUTES_MOST
