"""The provider of a model is the one that LiteLLM itself finds: a recorded oracle, and the cases that it is for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vigil.monitors.core.model_providers import family_of, provider_of_base, provider_of_model

ORACLE = json.loads(Path(__file__).with_name("litellm_providers.json").read_text())
#: Names of LiteLLM for the same provider.
SAME = {"text-completion-openai": "openai", "cohere_chat": "cohere", "ai21_chat": "ai21", "anthropic_text": "anthropic",
        "text-completion-codestral": "codestral"}  # fmt: skip


@pytest.mark.parametrize("provider", ORACLE["models"])
def test_f1_every_bare_name_of_litellms_list_has_litellms_provider(provider: str) -> None:
    wrong = {name: family_of(name) for name in ORACLE["models"][provider]}
    assert {name: found for name, found in wrong.items() if found != SAME.get(provider, provider)} == {}


def test_f1_a_prefix_is_litellms_provider_or_unknown() -> None:
    found = {prefix: provider_of_model(f"{prefix}/some-model")[0] for prefix in ORACLE["prefixes"]}
    assert {p: one for p, one in found.items() if one not in ("", ORACLE["prefixes"][p])} == {}
    assert {"openai", "azure", "gemini", "groq", "mistral"} <= set(found.values())


def test_f1_a_base_is_litellms_provider_or_unknown() -> None:
    found = {base: provider_of_base(base) for base in ORACLE["bases"]}
    # LiteLLM lists the base of xAI and answers None.
    assert {
        b: one for b, one in found.items() if one not in ("", SAME.get(ORACLE["bases"][b], ORACLE["bases"][b]))
    } == {"https://api.x.ai/v1": "xai"}
    assert found["https://api.groq.com/openai/v1"] == "groq"
    assert found["https://evil.example/api.groq.com/openai/v1"] == found["https://api.groq.com"] == ""


@pytest.mark.parametrize(
    ("model", "base", "custom", "provider", "called"),
    [
        ("claude-3-opus-20240229", "", "", "anthropic", "claude-3-opus-20240229"),
        ("claude-3-5-haiku-20241022", "", "", "anthropic", "claude-3-5-haiku-20241022"),
        ("claude-future-9", "", "", "anthropic", "claude-future-9"),
        ("gemini-2.5-pro", "", "", "vertex_ai", "gemini-2.5-pro"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "", "", "bedrock", "anthropic.claude-3-haiku-20240307-v1:0"),
        ("us-gov.anthropic.claude-9", "", "", "bedrock", "us-gov.anthropic.claude-9"),
        ("amazon.titan-text-express-v1", "", "", "bedrock", "amazon.titan-text-express-v1"),
        ("gpt-4o", "https://api.groq.com/openai/v1", "", "groq", "gpt-4o"),
        ("gpt-oss-120b", "", "", "", "gpt-oss-120b"),
        ("whisper-large-v3", "", "", "", "whisper-large-v3"),
        ("llama-3.3-70b", "", "", "", "llama-3.3-70b"),
        ("meta-llama/Llama-3.3-70B", "", "", "", "meta-llama/Llama-3.3-70B"),
        ("meta-llama/Llama-3.3-70B", "https://api.groq.com/openai/v1", "", "groq", "meta-llama/Llama-3.3-70B"),
        ("meta-llama/Llama-3.3-70B", "http://x/v1", "hosted_vllm", "hosted_vllm", "meta-llama/Llama-3.3-70B"),
        ("hosted_vllm/a/b", "", "hosted_vllm", "hosted_vllm", "a/b"),
        ("openai/gpt-x", "", "azure", "azure", "openai/gpt-x"),
        ("openrouter/anthropic/claude-x", "", "", "openrouter", "anthropic/claude-x"),
    ],
)
def test_f1_b2_15_a_model_has_its_provider_and_its_name_there(
    model: str, base: str, custom: str, provider: str, called: str
) -> None:
    assert provider_of_model(model, base, custom) == (provider, called)
