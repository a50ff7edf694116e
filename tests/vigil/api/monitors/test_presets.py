"""Monitors from presets over the API, what their checks may cost, and how much their keys may still do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from probes import keys, wire
from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from tests.vigil.api.caller import Api
from vigil.accounts.teams import default_team
from vigil.monitors.live import results as latest
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
FAKE_KEY = "obviously-fake-key-123456"
PAGE = {"url": "https://x.example"}
Caller = Callable[..., tuple[int, Any]]


@pytest.fixture
def caller() -> Caller:
    """Calls the API as a token of the default team."""
    return Api(default_team())


def test_a_preset_and_a_key_are_a_whole_monitor(caller: Caller) -> None:
    status, made = caller("POST", "monitors", {"preset": "openai", "key": FAKE_KEY, "model": "gpt-4o-mini"})
    assert status == 201, made
    assert (made["kind"], made["name"], made["interval_s"]) == ("http", "OpenAI: gpt-4o-mini", 60)
    assert made["config"]["url"] == "https://api.openai.com/v1/models"
    assert made["secret_names"] == ["bearer"]
    assert FAKE_KEY not in str(made)
    assert "key" not in made
    assert dict(Monitor.objects.get(public_id=made["id"]).secrets) == {"bearer": FAKE_KEY}


def test_an_address_and_a_model_are_a_whole_monitor(caller: Caller) -> None:
    wanted = {"preset": "ollama", "address": "http://10.0.0.5:11434", "model": "llama3"}
    made = caller("POST", "monitors", wanted)[1]
    assert made["target"] == "http://10.0.0.5:11434/api/tags"
    assert made["config"]["assertions"][-1]["contains"] == "llama3:latest"


def test_what_is_wanted_besides_goes_before_what_the_preset_recommends(caller: Caller) -> None:
    Region.objects.create(slug="eu", domain="a")
    wanted = {"preset": "vllm", "address": "http://gpu:8000", "name": "GPU", "interval_s": 30, "regions": ["eu"]}
    made = caller("POST", "monitors", wanted)[1]
    assert (made["name"], made["interval_s"], made["regions"], made["timeout_ms"]) == ("GPU", 30, ["eu"], 5000)


def test_what_a_preset_does_not_prove_is_said_once(caller: Caller) -> None:
    made = caller("POST", "monitors", {"preset": "bedrock", "region": "eu-central-1"})[1]
    assert any("reachability only" in warning for warning in made["warnings"])


def test_the_catalogue_says_of_each_preset_what_to_give_what_it_asks_and_what_it_proves(caller: Caller) -> None:
    status, listed = caller("GET", "presets")
    assert status == 200
    assert len(listed["results"]) > 60
    groq = next(each for each in listed["results"] if each["name"] == "groq")
    assert groq["asks"] == "GET https://api.groq.com/openai/v1/models"
    assert (groq["needs"], groq["timeout_ms"], groq["codes"]["498"]) == (["key"], 10_000, "overloaded")
    needs = {each["name"]: each["needs"] for each in listed["results"]}
    assert (needs["pinecone"], needs["litellm-health"][-1]) == (["resource", "key"], "billing_acknowledged")
    status, vllm = caller("GET", "presets/vLLM")
    assert (status, vllm["name"], vllm["own_address"]) == (200, "vllm", True)
    status, refused = caller("GET", "presets/opnai")
    assert status == 404
    assert "did you mean openai" in refused["detail"]


def test_a_preset_that_costs_money_needs_to_be_told_that_it_may(caller: Caller) -> None:
    wanted = {"preset": "litellm-health", "key": FAKE_KEY, "address": "http://proxy:4000"}
    status, refused = caller("POST", "monitors", wanted)
    assert status == 400
    assert "real, billed completion" in refused["billing_acknowledged"][0]
    status, made = caller("POST", "monitors", {**wanted, "billing_acknowledged": True})
    assert (status, made["config"]["billing_acknowledged"]) == (201, True)


@pytest.mark.parametrize("body", ["a\x00b", "\ud800"])
def test_a_configuration_that_could_not_be_stored_is_refused(caller: Caller, body: str) -> None:
    wanted = {"name": "m", "kind": "http", "config": {**PAGE, "method": "POST", "body": body}}
    status, refused = caller("POST", "monitors", wanted)
    assert (status, list(refused)) == (400, ["config"])


def test_an_index_or_collection_is_the_resource(caller: Caller) -> None:
    made = caller("POST", "monitors", {"preset": "pinecone", "key": FAKE_KEY, "resource": "docs"})[1]
    assert made["target"] == "https://api.pinecone.io/indexes/docs"


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        ({"preset": "opnai", "key": FAKE_KEY}, "preset", "did you mean openai"),
        ({"preset": "openai"}, "key", "only with a key"),
        ({"preset": "azure-openai", "key": FAKE_KEY}, "address", "needs it"),
        ({"preset": "pinecone", "key": FAKE_KEY}, "resource", "needs it"),
        ({"preset": "openai", "key": FAKE_KEY, "config": PAGE}, "config", "one of the two"),
        ({"preset": "openai", "key": FAKE_KEY, "secrets": {"bearer": "x"}}, "secrets", "one of the two"),
        ({"preset": "openai", "key": f"{FAKE_KEY}\nX: y"}, "key", "line breaks"),
        ({"preset": "vllm", "address": "http://"}, "address", "host"),
        ({"preset": "nope", "key": FAKE_KEY}, "preset", "--list-presets"),
        ({"name": "m", "kind": "http", "config": PAGE, "key": FAKE_KEY}, "key", "with a preset"),
        ({"kind": "http", "config": PAGE}, "name", "required"),
        ({"name": "m", "config": PAGE}, "kind", "required"),
        ({"name": "m", "kind": "http"}, "config", "required"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_and_no_key_is_repeated(
    caller: Caller, wanted: dict[str, Any], field: str, words: str
) -> None:
    status, answer = caller("POST", "monitors", wanted)
    assert status == 400
    assert words in answer[field][0]
    assert FAKE_KEY not in str(answer)


def test_a_preset_does_not_change_a_monitor_that_is_there(caller: Caller) -> None:
    made = caller("POST", "monitors", {"preset": "openai", "key": FAKE_KEY})[1]
    status, answer = caller("PATCH", f"monitors/{made['id']}", {"preset": "anthropic", "key": FAKE_KEY})
    assert (status, list(answer)) == (400, ["preset"])


def test_a_billed_path_of_a_known_provider_is_refused_with_the_free_one(caller: Caller) -> None:
    config = {"url": "https://api.openai.com/v1/chat/completions", "method": "POST", "billing_acknowledged": True}
    status, answer = caller("POST", "monitors", {"name": "m", "kind": "http", "config": config})
    assert status == 400
    assert "GET https://api.openai.com/v1/models" in answer["config"][0]


def test_litellms_health_page_says_what_it_costs(caller: Caller) -> None:
    for slug in ("eu", "us", "ap"):
        Region.objects.create(slug=slug, domain=slug)
    config = {"url": "http://litellm:4000/health", "provider": "litellm"}
    wanted = {"name": "m", "kind": "http", "config": config, "regions": ["eu", "us", "ap"]}
    status, refused = caller("POST", "monitors", wanted)
    assert status == 400
    assert "/health/liveliness" in refused["config"][0]
    made = caller("POST", "monitors", {**wanted, "config": {**config, "billing_acknowledged": True}})[1]
    assert made["warnings"] == [
        "Unless LiteLLM has background_health_checks on, this makes 4,320 real completions a day"
        " for every deployment behind the proxy."
    ]


@pytest.fixture
def store(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    client = redis.Redis.from_url(redis_url)
    monkeypatch.setattr(latest, "redis_client", lambda: client)
    return client


def test_headroom_is_told_per_region(caller: Caller, store: redis.Redis) -> None:
    Region.objects.create(slug="eu", domain="a")
    Region.objects.create(slug="us", domain="b")
    made = caller("POST", "monitors", {"preset": "groq", "key": FAKE_KEY, "regions": ["eu", "us"]})[1]
    facts: dict[str, wire.Fact] = {
        "ratelimit_requests_limit": 1000, "ratelimit_requests_remaining": 250, "ratelimit_requests_reset_s": 12.5,
        "ratelimit_input_tokens_remaining": 7, "ratelimit_tokens_limit": "odd", "address": "192.0.2.1",
        "retry_after_s": 3.0,
    }  # fmt: skip
    result = Result(1, made["id"], 1, Status.UP, Reason.OK, 1_800_000_000_000, Phases(), facts=facts)
    store.hset(keys.latest("eu"), made["id"], wire.encode(result))
    status, told = caller("GET", f"monitors/{made['id']}/headroom")
    assert (status, told["available"]) == (200, True)
    eu, us = told["regions"]
    assert eu["allowances"] == [
        {"counted": "input_tokens", "limit": None, "remaining": 7, "reset_s": None, "left": None},
        {"counted": "requests", "limit": 1000, "remaining": 250, "reset_s": 12.5, "left": 0.25},
    ]
    assert eu["retry_after_s"] == 3.0
    assert us == {"region": "us", "at": None, "retry_after_s": None, "allowances": []}
    facts_shown = caller("GET", f"monitors/{made['id']}/latest")[1]["results"][0]["facts"]
    assert facts_shown["ratelimit_requests_remaining"] == 250
