"""Offers: what gateways tell of the providers of a model, in each form, and what of it a region may tell."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.ai.offers.forms import FORMS, offer_facts, tells_offers
from probes.ai.offers.offer import OFFERS_MOST, Offer, facts_of, offers_of, price
from probes.wire import FACTS_MOST

#: As OpenRouter answers, with invented values.
ENDPOINT: dict[str, Any] = {
    "name": "DeepInfra | meta/m",
    "provider_name": "DeepInfra",
    "tag": "deepinfra/fp8",
    "status": 0,
    "uptime_last_5m": 99.9,
    "uptime_last_30m": 98.25,
    "uptime_last_1d": None,
    "latency_last_30m": {"p50": 412, "p75": 500, "p90": 800, "p99": 2100},
    "throughput_last_30m": {"p50": 45.2, "p75": 38.5, "p90": 28.3, "p99": 15.1},
    "pricing": {"prompt": "0.0000001", "completion": "0.0000004", "discount": 0},
    "quantization": "fp8",
    "context_length": 131072,
    "max_completion_tokens": 16384,
}
OFFER = Offer(
    "deepinfra/fp8", "DeepInfra", "0", 99.9, 98.25, None, [412, 500, 800, 2100], [45.2, 38.5, 28.3, 15.1], "0.1", "0.4",
    "fp8", 131072, 16384,
)  # fmt: skip


def read(provider: str, document: Any, model: str = "m") -> list[Offer]:
    return FORMS[provider].read(document, model)


def endpoint(**changed: Any) -> Offer:
    [found] = read("openrouter", {"data": {"endpoints": [{**ENDPOINT, **changed}]}})
    return found


def test_openrouter_tells_uptime_speed_price_quantisation_and_context() -> None:
    assert endpoint() == OFFER


@pytest.mark.parametrize(
    ("changed", "field", "value"),
    [
        ({"status": "default"}, "status", "default"),
        ({"status": None}, "status", ""),
        # Without a key there is no latency, and an old sample is in seconds.
        ({"latency_last_30m": None}, "latency_ms", []),
        ({"latency_last_30m": {"p50": 0.25, "p75": 0.3, "p90": 0.4, "p99": 0.85}}, "latency_ms", [250, 300, 400, 850]),
        ({"latency_last_30m": {"p50": 1}}, "latency_ms", []),
        ({"latency_last_30m": {"p50": -1, "p75": 1, "p90": 1, "p99": 1}}, "latency_ms", []),
        ({"uptime_last_5m": 130}, "uptime_5m", None),
        ({"uptime_last_5m": True}, "uptime_5m", None),
        ({"pricing": {"prompt": "-1"}}, "price_in", ""),
        ({"pricing": None}, "price_out", ""),
        ({"pricing": {"prompt": "0.000002", "discount": 0.25}}, "price_in", "1.5"),
        ({"pricing": {"prompt": "0"}}, "price_in", "0"),
        ({"quantization": None}, "quantization", ""),
        ({"context_length": 10**12}, "context", 0),
        ({"tag": "", "provider_name": "X"}, "tag", "X"),
        ({"provider_name": "x" * 500}, "name", "x" * 80),
        ({"provider_name": "a\x00\u202eb"}, "name", "ab"),
    ],
)  # fmt: skip
def test_what_openrouter_tells_otherwise_is_not_told(changed: dict[str, Any], field: str, value: object) -> None:
    assert getattr(endpoint(**changed), field) == value


def test_hugging_face_tells_the_providers_of_the_model() -> None:
    row = {"provider": "groq", "status": "live", "context_length": 8192, "pricing": {"input": 0.05, "output": 0.08}}
    answer = {"data": [{"id": "other", "providers": [row]}, {"id": "m", "providers": [row, "none", {"status": "x"}]}]}
    groq = Offer("groq", "groq", "live", price_in="0.05", price_out="0.08", context=8192)
    assert read("huggingface", answer) == [groq]
    assert read("huggingface", answer, "missing") == []


def test_litellm_tells_the_deployments_of_the_group() -> None:
    info = {"id": "d1", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "max_input_tokens": 128000}
    row = {"model_name": "m", "litellm_params": {"model": "openai/gpt-x"}, "model_info": info}
    assert read("litellm", {"data": [row, {"model_name": "other"}, {"model_name": "m"}]}) == [
        Offer("d1", "openai/gpt-x", price_in="2.5", price_out="10", context=128000)
    ]


@pytest.mark.parametrize("provider", list(FORMS))
@pytest.mark.parametrize(
    "document", [None, 3, [], {}, {"data": 1}, {"data": [3, {}]}, {"data": {"endpoints": [3, {}]}}]
)
def test_other_answers_tell_no_offer(provider: str, document: Any) -> None:
    assert read(provider, document) == []


@pytest.mark.parametrize(
    ("provider", "url", "expected"),
    [
        ("openrouter", "https://openrouter.ai/api/v1/models/meta/m/endpoints", True),
        ("openrouter", "https://openrouter.ai/api/v1/models", False),
        ("huggingface", "https://router.huggingface.co/v1/models?x=1", True),
        ("litellm", "http://127.0.0.1:4000/v1/model/info", True),
        ("openai", "https://api.openai.com/v1/models", False),
        ("openrouter", "http://[", False),
    ],
)
def test_only_some_addresses_tell_offers(provider: str, url: str, expected: bool) -> None:
    assert tells_offers(provider, url) is expected


def test_offers_come_back_out_of_the_facts_of_a_result_bounded() -> None:
    many = [Offer(f"t{place:03}") for place in range(100)]
    facts = {"address": "192.0.2.1", **facts_of([*many, OFFER, many[0]])}
    assert len(facts) <= OFFERS_MOST + 1 < FACTS_MOST
    assert offers_of(facts)[0] == OFFER and len(offers_of(facts)) == OFFERS_MOST
    body = json.dumps({"data": {"endpoints": [ENDPOINT]}}).encode()
    assert offers_of(offer_facts("openrouter", "", body)) == [OFFER]
    assert offer_facts("openrouter", "", body) is offer_facts("openrouter", "", body)
    assert offer_facts("openrouter", "", b"no JSON") == {}


@pytest.mark.parametrize(
    "fact",
    [
        "", "[]", "null", '{"tag":"x"}', '["x",3]', '["x","","",101]', '["x","","",-0.1]', '["x","","",1e400]',
        '["' + "x" * 81 + '"]', '["x","","",1,1,1,[1,1,1,1,1]]', '["x","","",1,1,1,[],[],"cheap"]',
        '["x","","",1,1,1,[],[],"1","1","",-1]', '["a\\u0000b"]', "[" * 5000, 7,
    ],
)  # fmt: skip
def test_what_a_region_writes_otherwise_is_left_out(fact: object) -> None:
    assert offers_of({"offer_01": fact, "offer_02": '["ok"]'}) == [Offer("ok")]


NAMES = [*ENDPOINT, "pricing", "data", "endpoints", "providers", "model_info", "prompt", "id"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
)


@given(JSON)
def test_no_answer_makes_an_offer_that_is_not_admitted(row: Any) -> None:
    documents = [{"data": {"endpoints": [row]}}, {"data": [{"id": "m", "providers": [row]}]}, {"data": [row]}]
    for provider, document in zip(FORMS, documents, strict=True):
        told = read(provider, document)
        assert offers_of(facts_of(told)) == sorted({one.tag: one for one in told}.values(), key=lambda one: one.tag)


@pytest.mark.parametrize("value", ["1e999999", "nan", "inf", "1e9999", "x", None, True, [1], "9" * 30])
def test_what_is_no_price_is_none(value: object) -> None:
    assert price(value, of_token=True) == ""


def test_an_offer_travels_as_a_short_text() -> None:
    assert len(msgspec.json.encode(OFFER)) < 200
