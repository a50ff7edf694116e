"""Every preset of the catalogue, against the recorded answers of its service on a real socket, well and in trouble."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from probes.ai.classify import status_map
from probes.checks.attempts import attempt
from probes.net.dialer import Dialer, Resolver
from probes.net.guard import Egress
from probes.net.trace import Trace
from probes.presets import CATALOGUE, Key, build
from probes.prober import Observation, ProbeContext
from probes.probers import PROBERS, parse_spec
from probes.reasons import Reason, Status
from vigil.demo.provider import FakeProvider, Mode, ProviderState
from vigil.demo.shapes import DEMO_KEY, DEMO_LOGIN

UP = (Status.UP, Reason.OK)
AUTH = (Status.DOWN, Reason.AUTH)
LIMITED = (Status.DEGRADED, Reason.RATE_LIMITED)
OVERLOADED = (Status.DEGRADED, Reason.OVERLOADED)
LOADING = (Status.DEGRADED, Reason.LOADING)
BROKEN = (Status.DOWN, Reason.HTTP_5XX)
MISSING = (Status.DOWN, Reason.MODEL_MISSING)
#: Where names may be aliases that no list has.
UNLISTED = (Status.DEGRADED, Reason.MODEL_MISSING)


@dataclass(frozen=True)
class Golden:
    """Whose recorded answers a preset meets, with which model, and what each trouble there is called."""

    provider: str
    model: str = ""
    name: str = ""
    rate_limited: tuple[Status, Reason] = LIMITED
    overloaded: tuple[Status, Reason] = OVERLOADED
    loading: tuple[Status, Reason] = OVERLOADED
    bad_key: tuple[Status, Reason] = AUTH
    missing: tuple[Status, Reason] = MISSING
    more: dict[str, str] = field(default_factory=dict)


GONE = (Status.DOWN, Reason.CONFIG)
ACKNOWLEDGED = {"billing_acknowledged": "true"}
LITELLM_TROUBLE: dict[str, Any] = {"overloaded": LIMITED, "loading": BROKEN}
STARTING: dict[str, Any] = {"overloaded": BROKEN, "loading": BROKEN}
GOLDEN = {
    "openai": Golden("openai", "gpt-4o-mini"),
    "openai-model": Golden("openai", "gpt-4o-mini", missing=GONE),
    "anthropic-model": Golden("anthropic", "claude-sonnet-4", loading=BROKEN, missing=GONE),
    "gemini-model": Golden("gemini", "gemini-2.5-flash", missing=GONE),
    "cohere-key": Golden("cohere", overloaded=BROKEN),
    "azure-openai-v1": Golden("azure-openai", "gpt-4o-mini"),
    "bedrock-models": Golden("bedrock", "anthropic.claude-x", loading=LOADING, more={"region": "eu-west-1"}),
    "bedrock-access": Golden(
        "bedrock", "anthropic.claude-x", loading=LOADING, missing=GONE, more={"region": "eu-west-1"}
    ),
    "xai-key": Golden("xai"),
    "openrouter-models": Golden("openrouter", "anthropic/claude-x"),
    "openrouter-model": Golden("openrouter", "anthropic/claude-x", missing=GONE),
    "huggingface-mapping": Golden("huggingface", "meta-llama/Llama-3.1-8B-Instruct", loading=LOADING, missing=GONE),
    "litellm-models": Golden("litellm", "primary", **LITELLM_TROUBLE),
    "litellm-prices": Golden("litellm", "primary", **LITELLM_TROUBLE),
    "litellm-health": Golden("litellm", **LITELLM_TROUBLE, more=ACKNOWLEDGED),
    "litellm-health-model": Golden("litellm", "primary", **LITELLM_TROUBLE, missing=UP, more=ACKNOWLEDGED),
    "llama-cpp-slots": Golden("llamacpp", loading=LOADING),
    "llama-cpp-props": Golden("llamacpp", loading=LOADING),
    "lm-studio-loaded": Golden(
        "lmstudio", "qwen2.5-7b-instruct", **STARTING, missing=(Status.DEGRADED, Reason.MODEL_NOT_LOADED)
    ),
    "kserve-v1": Golden("kserve", "demo", overloaded=LOADING, loading=LOADING, missing=GONE),
    "weaviate-nodes": Golden("weaviate", overloaded=LOADING, loading=LOADING),
    "pinecone-data": Golden("pinecone", loading=(Status.DEGRADED, Reason.VALUE_MISMATCH)),
    "milvus-collection": Golden("milvus", name="docs", **STARTING),
    "chroma-ready": Golden("chroma", **STARTING),
    "anthropic": Golden("anthropic", "claude-sonnet-4", loading=BROKEN),
    "cohere": Golden("cohere", "command-r", overloaded=BROKEN),
    "gemini": Golden("gemini", "gemini-2.5-flash"),
    "azure-openai": Golden("azure-openai", "gpt-4o-mini"),
    # Reachability only: whatever the gateway answers proves that it is there.
    "bedrock": Golden("bedrock", rate_limited=UP, loading=UP, more={"region": "us-east-1"}),
    "mistral": Golden("mistral", "mistral-small-latest", missing=UNLISTED),
    "groq": Golden("groq", "llama-3.1-8b-instant"),
    "together": Golden("together", "meta/llama"),
    "fireworks": Golden("fireworks", "accounts/fireworks/models/llama", loading=LOADING),
    "deepseek": Golden("deepseek", "deepseek-chat", missing=UNLISTED),
    "deepseek-balance": Golden("deepseek"),
    "xai": Golden("xai", "grok-4", missing=UNLISTED),
    "openrouter": Golden("openrouter", "anthropic/claude-x"),
    "huggingface": Golden("huggingface", "meta-llama/Llama-3.1-8B-Instruct", overloaded=OVERLOADED, loading=LOADING),
    "pinecone": Golden("pinecone", name="demo", loading=LOADING),
    "ollama": Golden("ollama", "llama3.2", loading=BROKEN),
    "ollama-loaded": Golden("ollama", "llama3.2", loading=BROKEN, missing=(Status.DEGRADED, Reason.MODEL_NOT_LOADED)),
    "vllm": Golden("vllm", "qwen", **STARTING),
    "vllm-saturation": Golden("vllm", **STARTING),
    "litellm": Golden("litellm", "primary", overloaded=LIMITED, loading=BROKEN),
    "litellm-ready": Golden("litellm", overloaded=LIMITED, loading=BROKEN),
    "litellm-saturation": Golden("litellm", overloaded=LIMITED, loading=BROKEN),
    "litellm-deployments": Golden("litellm", overloaded=LIMITED, loading=BROKEN),
    "ollama-saturation": Golden("ollama", loading=BROKEN),
    "triton-saturation": Golden("triton", overloaded=BROKEN, loading=LOADING),
    "ray-serve-saturation": Golden("rayserve", overloaded=BROKEN, loading=GONE),
    "nim-saturation": Golden("nim", overloaded=LOADING, loading=LOADING),
    "kserve-saturation": Golden("kserve", overloaded=LOADING, loading=LOADING),
    "sglang": Golden("sglang", "qwen", **STARTING),
    "sglang-saturation": Golden("sglang", **STARTING),
    "tgi": Golden("tgi", "qwen", rate_limited=OVERLOADED, loading=BROKEN),
    "tgi-saturation": Golden("tgi", rate_limited=OVERLOADED, loading=BROKEN),
    "tei": Golden("tei", "bge-small", rate_limited=OVERLOADED, loading=BROKEN),
    "llama-cpp": Golden("llamacpp", "/models/qwen.gguf", loading=LOADING),
    "llama-cpp-saturation": Golden("llamacpp", loading=LOADING),
    "triton": Golden("triton", "demo", overloaded=BROKEN, loading=LOADING, missing=GONE),
    "triton-model": Golden("triton", "demo", overloaded=BROKEN, loading=LOADING, missing=GONE),
    "localai": Golden("localai", "qwen", **STARTING),
    "lm-studio": Golden("lmstudio", "qwen2.5-7b-instruct", **STARTING),
    "ray-serve": Golden("rayserve", overloaded=BROKEN, loading=(Status.DOWN, Reason.BODY_MISMATCH)),
    "ray-serve-applications": Golden("rayserve", overloaded=BROKEN, loading=(Status.DOWN, Reason.VALUE_MISMATCH)),
    "nim": Golden("nim", "meta/llama-3.1-8b-instruct", overloaded=LOADING, loading=LOADING),
    "kserve": Golden("kserve", "demo", missing=GONE, overloaded=LOADING, loading=LOADING),
    "mcp": Golden("mcp", overloaded=BROKEN, loading=BROKEN),
    "bentoml": Golden("bentoml", overloaded=LOADING, loading=LOADING),
    "openai-compatible": Golden("openai-compatible", "anything", missing=UNLISTED, **STARTING),
    "qdrant": Golden("qdrant", overloaded=LOADING, loading=LOADING),
    "qdrant-collection": Golden("qdrant", name="demo", overloaded=LOADING, loading=LOADING),
    "weaviate": Golden("weaviate", overloaded=LOADING, loading=LOADING),
    "milvus": Golden("milvus", **STARTING),
    "chroma": Golden("chroma", **STARTING),
    "elasticsearch": Golden(
        "elasticsearch",
        overloaded=(Status.DEGRADED, Reason.VALUE_MISMATCH),
        loading=(Status.DOWN, Reason.BODY_MISMATCH),
    ),
}
# The same answers under another name, and with another kind of key.
GOLDEN["opensearch"] = replace(GOLDEN["elasticsearch"], more={"key": DEMO_LOGIN})
#: Watched by their greeting over TCP, against real servers elsewhere.
NOT_HTTP = {"postgresql", "redis"}
WITH_MODEL = [name for name, golden in GOLDEN.items() if golden.model]
WITH_KEY = [name for name in GOLDEN if CATALOGUE[name].key is Key.REQUIRED]


def look(name: str, mode: Mode = Mode.HEALTHY, **given: str) -> Observation:
    """One check of a preset, with the recorded service in the place of the real one."""
    golden, preset = GOLDEN[name], CATALOGUE[name]
    if preset.key is not Key.NONE and "key" not in golden.more:
        given.setdefault("key", DEMO_KEY)
    if "model" in preset.needs:
        given.setdefault("model", golden.model)
    if golden.name:
        given.setdefault("name", golden.name)

    async def once() -> Observation:
        fake = FakeProvider(0)
        resolver = Resolver()
        try:
            await fake.apply(ProviderState(mode=mode))
            address = f"http://127.0.0.1:{fake.port}/{golden.provider}"
            base = {"address": address + (preset.client_base or "")} if preset.own_address else {}
            made = build(name, {**golden.more, **given, **base})
            real = urlsplit(made.config["url"])
            if not preset.own_address:
                query = f"?{real.query}" if real.query else ""
                made.config["url"] = f"{address}{real.path}{query}"
            context = ProbeContext(Dialer(Egress.PRIVATE, resolver), Trace(), time.time())
            spec = parse_spec(made.kind, made.config)
            return await attempt(PROBERS[made.kind], spec, made.secrets, context, 5.0)
        finally:
            await fake.leave()
            await resolver.close()

    return asyncio.run(once())


def found(seen: Observation) -> tuple[Status, Reason]:
    return seen.status, seen.reason


def test_every_preset_has_its_golden_answers() -> None:
    assert set(GOLDEN) == set(CATALOGUE) - NOT_HTTP


@pytest.mark.parametrize("name", GOLDEN)
def test_a_service_that_is_well_is_up(name: str) -> None:
    seen = look(name)
    assert found(seen) == UP, seen.detail


@pytest.mark.parametrize("name", GOLDEN)
def test_a_preset_is_complete(name: str) -> None:
    preset = CATALOGUE[name]
    assert preset.doc.startswith("https://")
    assert 0 < preset.timeout_ms <= 60_000 and 60 <= preset.interval_s <= 86_400
    assert status_map(preset.family)[401] is Reason.AUTH


@pytest.mark.parametrize("name", WITH_MODEL)
def test_a_model_that_is_there_is_found(name: str) -> None:
    seen = look(name, model=GOLDEN[name].model)
    assert found(seen) == UP, seen.detail


@pytest.mark.parametrize("name", WITH_MODEL)
def test_a_model_that_is_not_there_is_missing(name: str) -> None:
    seen = look(name, model="no-such-model")
    assert found(seen) == GOLDEN[name].missing, seen.detail


@pytest.mark.parametrize("name", WITH_KEY)
def test_a_bad_key_is_an_account_problem_and_never_an_outage(name: str) -> None:
    seen = look(name, key="wrong-key-123456")
    assert found(seen) == GOLDEN[name].bad_key, seen.detail
    assert "wrong-key" not in repr(seen)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_rate_limit_is_no_outage(name: str) -> None:
    seen = look(name, Mode.RATE_LIMITED)
    assert found(seen) == GOLDEN[name].rate_limited, seen.detail


@pytest.mark.parametrize("name", GOLDEN)
def test_a_full_house_is_called_by_its_name(name: str) -> None:
    seen = look(name, Mode.OVERLOADED)
    assert found(seen) == GOLDEN[name].overloaded, seen.detail


@pytest.mark.parametrize("name", GOLDEN)
def test_a_service_that_is_starting_is_called_by_its_name(name: str) -> None:
    seen = look(name, Mode.LOADING)
    assert found(seen) == GOLDEN[name].loading, seen.detail


@pytest.mark.parametrize("name", GOLDEN)
def test_a_broken_service_is_down(name: str) -> None:
    seen = look(name, Mode.STATUS)
    assert found(seen) == BROKEN, seen.detail


def test_a_rate_limit_says_what_is_left_and_when_to_come_back() -> None:
    facts = look("openai", Mode.RATE_LIMITED).facts
    assert (facts["ratelimit_requests_remaining"], facts["ratelimit_requests_limit"]) == (0, 500)
    assert facts["retry_after_s"] == 20
    assert look("azure-openai", Mode.RATE_LIMITED).facts["retry_after_s"] == 12
