"""Which models a monitor's configuration names."""

from __future__ import annotations

from typing import Any

import pytest

from probes.presets import build
from vigil.model_watch.core.used_models import models_named


def names(config: Any) -> list[tuple[str, str]]:
    return [(one.provider, one.model) for one in models_named(config)]


@pytest.mark.parametrize(
    ("preset", "wanted", "named"),
    [
        ("openai", {"key": "k", "models": ["gpt-x", "gpt-y"]}, [("openai", "gpt-x"), ("openai", "gpt-y")]),
        ("openai", {"key": "k"}, []),
        ("openai-model", {"key": "k", "model": "gpt-x"}, [("openai", "gpt-x")]),
        ("anthropic-model", {"key": "k", "model": "opus-x"}, [("anthropic", "opus-x")]),
        ("gemini", {"key": "k", "model": "gemini-x"}, [("gemini", "gemini-x")]),
        ("gemini-model", {"key": "k", "model": "gemini-x"}, [("gemini", "gemini-x")]),
        ("openrouter-model", {"model": "vendor/m"}, [("openrouter", "vendor/m")]),
        ("openrouter-models", {"model": "vendor/m"}, [("openrouter", "vendor/m")]),
        ("bedrock-models", {"key": "k", "region": "eu-west-1", "model": "v.m-v1:0"}, [("bedrock", "v.m-v1:0")]),
        ("bedrock-access", {"key": "k", "region": "eu-west-1", "model": "v.m-v1:0"}, [("bedrock", "v.m-v1:0")]),
    ],
)
def test_the_models_of_a_preset_are_found_in_what_it_made(
    preset: str, wanted: dict[str, Any], named: list[tuple[str, str]]
) -> None:
    assert names(build(preset, wanted).config) == named


@pytest.mark.parametrize(
    "config",
    [
        None, {}, {"url": "https://x.test/models/m"}, {"provider": 7, "model": "m"}, {"provider": "openai", "url": 5},
        {"provider": "openai", "model": "x" * 500}, {"provider": "openai", "model": "a\x00"},
        {"provider": "openai", "assertions": [1, {}]}, {"provider": "openai", "url": "http://["},
    ],
)  # fmt: skip
def test_what_names_no_model_is_empty(config: Any) -> None:
    assert names(config) == []


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai"),
        ("https://ours.openai.azure.com/openai/v1/chat/completions", "azure-openai"),
        ("https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent", "gemini"),
        ("https://eu-aiplatform.googleapis.com/v1/projects/p/models/m:streamGenerateContent", "vertex"),
        ("https://gpu.internal/v1/chat/completions", ""),
    ],
)
def test_the_model_of_a_canary_is_that_of_its_host(url: str, provider: str) -> None:
    assert names({"url": url, "model": "m", "form": "openai_chat"}) == ([(provider, "m")] if provider else [])


def test_a_model_in_a_field_of_its_own_is_found() -> None:
    assert names({"provider": "openai", "model": "gpt-x"}) == [("openai", "gpt-x")]
