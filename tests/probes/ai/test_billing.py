"""No health check generates tokens, spends money or changes state."""

from __future__ import annotations

import pytest

from probes.ai.billing import finding, litellm_health_calls_per_day, refusal
from probes.ai.billing_rules import Harm
from probes.probers import SpecError, parse_spec

BILLED_AT_HOME = [
    ("POST", "https://api.openai.com/v1/chat/completions"),
    ("POST", "https://api.openai.com/v1/embeddings"),
    ("POST", "https://\uff41pi.openai\u3002com/v1/embeddings"),
    ("POST", "https://api.openai.com/v1/responses"),
    ("POST", "https://api.openai.com/v1/images/generations"),
    ("POST", "https://api.openai.com//v1/Chat%2Fcompletions?x=1"),
    ("POST", "https://api.openai.com/v1/models/../chat/completions"),
    ("POST", "https://res.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=1"),
    ("POST", "https://api.anthropic.com/v1/messages"),
    ("POST", "https://api.anthropic.com/v1/messages/batches"),
    ("POST", "https://api.cohere.com/v2/chat"),
    ("POST", "https://api.cohere.com/v1/rerank"),
    ("POST", "https://generativelanguage.googleapis.com/v1beta/models/gemini-pro:generateContent"),
    ("POST", "https://generativelanguage.googleapis.com/v1beta/models/x:streamGenerateContent"),
    ("POST", "https://generativelanguage.googleapis.com/v1beta/models/x:embedContent"),
    ("POST", "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude/invoke"),
    ("POST", "https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse"),
    ("POST", "https://api.mistral.ai/v1/fim/completions"),
    ("POST", "https://router.huggingface.co/hf-inference/models/x"),
    ("POST", "https://openrouter.ai/api/v1/chat/completions"),
    ("GET", "https://index-abc.svc.pinecone.io/vectors/fetch?ids=1"),
    ("POST", "https://index-abc.svc.pinecone.io/vectors/upsert"),
    ("POST", "https://api.openai.com/v1/engines/davinci/completions"),
    ("POST", "https://api.mistral.ai/v1/agents/completions"),
    ("POST", "https://index-abc.svc.pinecone.io/query"),
]
BILLED_ELSEWHERE = [
    ("POST", "http://localhost:11434/api/generate"),
    ("POST", "http://localhost:11434/api/chat"),
    ("POST", "http://vllm.internal:8000/v1/completions"),
    ("POST", "http://tgi.internal/generate"),
    ("POST", "http://tei.internal/embed"),
    ("POST", "http://triton.internal/v2/models/resnet/infer"),
    ("POST", "http://litellm.internal:4000/health/test_connection"),
]
CHANGES_STATE = [
    ("GET", "http://litellm.internal:4000/health/drain"),
    ("GET", "http://litellm.internal:4000/health/services?service=slack"),
    ("GET", "http://sglang.internal:30000/flush_cache"),
    ("POST", "http://sglang.internal:30000/release_memory_occupation"),
    ("POST", "http://localhost:11434/api/pull"),
    ("DELETE", "http://localhost:11434/api/delete"),
    ("POST", "http://triton.internal/v2/repository/models/resnet/unload"),
]
FREE = [
    ("GET", "https://api.openai.com/v1/models"),
    ("GET", "https://api.anthropic.com/v1/models?limit=1000"),
    ("POST", "https://api.anthropic.com/v1/messages/count_tokens"),
    ("POST", "https://generativelanguage.googleapis.com/v1beta/models/x:countTokens"),
    ("POST", "https://api.cohere.com/v1/check-api-key"),
    ("GET", "http://localhost:11434/api/tags"),
    ("POST", "http://localhost:11434/api/show"),
    ("GET", "http://vllm.internal:8000/health"),
    ("GET", "http://litellm.internal:4000/health/liveliness"),
    ("POST", "https://example.com/orders"),
    ("GET", "https://example.com/chat"),
    ("GET", "https://api.openai.com.example.com/v1/models"),
]


@pytest.mark.parametrize(("method", "url"), BILLED_AT_HOME)
def test_a_billed_path_of_a_known_provider_is_refused_whatever_is_acknowledged(method: str, url: str) -> None:
    for acknowledged in (False, True):
        said = refusal(method, url, acknowledged)
        assert said is not None
        assert "billed" in said
        assert "use " in said


@pytest.mark.parametrize(("method", "url"), BILLED_ELSEWHERE)
def test_a_costly_path_elsewhere_needs_an_acknowledgement(method: str, url: str) -> None:
    said = refusal(method, url, acknowledged=False)

    assert said is not None
    assert "billing_acknowledged" in said
    assert refusal(method, url, acknowledged=True) is None


@pytest.mark.parametrize(("method", "url"), CHANGES_STATE)
def test_what_changes_state_is_refused_whatever_is_acknowledged(method: str, url: str) -> None:
    found = finding(method, url)

    assert found is not None
    assert found.harm is Harm.CHANGES_STATE
    assert refusal(method, url, acknowledged=True) is not None


@pytest.mark.parametrize(("method", "url"), FREE)
def test_what_is_free_is_allowed(method: str, url: str) -> None:
    assert refusal(method, url, acknowledged=False) is None


def test_the_refusal_names_the_free_alternative() -> None:
    assert refusal("POST", "https://api.openai.com/v1/chat/completions", acknowledged=False) == (
        "is no health check: it generates tokens or media in the way of the OpenAI API, and every check would be"
        " billed; use GET https://api.openai.com/v1/models (preset openai)"
    )


def test_litellms_health_needs_an_acknowledgement() -> None:
    url = "http://litellm.internal:4000/health"

    assert "billed completion" in (refusal("GET", url, acknowledged=False, provider="litellm") or "")
    assert refusal("GET", url, acknowledged=True, provider="litellm") is None
    assert refusal("GET", "http://proxy.internal/ai/health/", acknowledged=False, provider="litellm") is not None
    assert refusal("GET", url, acknowledged=False, provider="vllm") is None
    assert refusal("GET", url + "/liveliness", acknowledged=False, provider="litellm") is None


def test_metrics_that_load_a_model_are_refused() -> None:
    url = "http://router.internal:8080/metrics"

    assert refusal("GET", url, acknowledged=True, provider="llamacpp") is None
    assert "loads the model" in (refusal("GET", f"{url}?model=qwen", acknowledged=True, provider="llamacpp") or "")
    with pytest.raises(SpecError, match="loads the model"):
        parse_spec("saturation", {"url": f"{url}?model=qwen", "engine": "llamacpp"})


def test_a_billed_conversation_over_a_websocket_is_refused() -> None:
    with pytest.raises(SpecError, match="every check would be billed"):
        parse_spec("websocket", {"url": "wss://api.openai.com/v1/realtime?model=x"})
    parse_spec("websocket", {"url": "wss://example.com/v1/events"})


def test_a_billed_request_is_refused_when_a_monitor_is_saved() -> None:
    with pytest.raises(SpecError, match="every check would be billed"):
        parse_spec("http", {"url": "https://api.openai.com/v1/chat/completions", "method": "POST"})


def test_litellms_health_is_counted_in_completions_a_day() -> None:
    url = "http://litellm.internal:4000/health"

    assert litellm_health_calls_per_day(url, models=10, regions=5, interval_s=60) == 72_000
    assert litellm_health_calls_per_day(url + "?model=gpt", models=10, regions=5, interval_s=60) == 7_200
    assert litellm_health_calls_per_day("http://proxy.internal/ai/health", models=1, regions=1, interval_s=60) == 1_440
    assert litellm_health_calls_per_day(url + "/liveliness", models=10, regions=5, interval_s=60) == 0
