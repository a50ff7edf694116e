"""Models in use: which models the configuration of a monitor names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from probes.reasons import Reason

#: Providers by the family of their presets, with their names for people.
PROVIDERS = {
    "openai": "OpenAI", "azure-openai": "Azure OpenAI", "anthropic": "Anthropic", "gemini": "Gemini API",
    "vertex": "Vertex AI", "bedrock": "Amazon Bedrock", "mistral": "Mistral", "cohere": "Cohere", "groq": "Groq",
    "xai": "xAI", "deepseek": "DeepSeek", "openrouter": "OpenRouter", "together": "Together AI",
    "fireworks": "Fireworks AI", "huggingface": "Hugging Face", "cerebras": "Cerebras", "nvidia": "NVIDIA",
    "perplexity": "Perplexity", "litellm": "LiteLLM",
}  # fmt: skip
#: Providers of LiteLLM's own names, where they are not those of the presets.
LITELLM = {
    "azure": "azure-openai", "azure_ai": "azure-openai", "azure_text": "azure-openai", "anthropic_text": "anthropic",
    "bedrock_converse": "bedrock", "cohere_chat": "cohere", "fireworks_ai": "fireworks", "together_ai": "together",
    "text-completion-openai": "openai", "vertex_ai": "vertex", "vertex_ai_beta": "vertex", "nvidia_nim": "nvidia",
}  # fmt: skip
MODEL_LIMIT = 160
#: Models that one monitor may name.
OF_ONE_MOST = 200

_MODEL_REASONS = frozenset({Reason.MODEL_MISSING.value, Reason.MODEL_NOT_LOADED.value})
_IN_PATH = (
    re.compile(r"/foundation-model-availability/(?P<model>[^/]+)\Z"),
    re.compile(r"/models/(?P<model>.+?)(?:/endpoints)?\Z"),
)


@dataclass(frozen=True, slots=True, order=True)
class NamedModel:
    """A model of a provider, as it is named there."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class UsePlace:
    """Where a model is used: a monitor, with its primary and public keys, or an entry of a LiteLLM file."""

    name: str
    monitor: int | None = None
    public_id: str = ""


def provider_name(provider: str) -> str:
    """The provider for people."""
    return PROVIDERS.get(provider, provider)


def models_named(config: Any) -> list[NamedModel]:
    """Models that a monitor's configuration asks for: in its path, in an assertion, or in a field of its own."""
    if not isinstance(config, Mapping):
        return []
    provider = config.get("provider")
    if not isinstance(provider, str) or not provider:
        return []
    found = dict.fromkeys(name for text in _named(config) if (name := _clean(text)))
    return [NamedModel(provider, name) for name in list(found)[:OF_ONE_MOST]]


def _named(config: Mapping[str, Any]) -> Iterator[object]:
    yield config.get("model")
    in_path = _in_path(config.get("url"))
    if in_path:
        # Its assertions are on the answer about this one model.
        yield in_path
        return
    assertions = config.get("assertions")
    for one in assertions if isinstance(assertions, list) else ():
        if isinstance(one, Mapping) and one.get("reason") in _MODEL_REASONS:
            yield one.get("contains") or one.get("equals")


def _in_path(url: object) -> str:
    if not isinstance(url, str):
        return ""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    match = next((found for pattern in _IN_PATH if (found := pattern.search(path))), None)
    return unquote(match["model"]) if match else ""


def _clean(text: object) -> str:
    if not isinstance(text, str) or not text.strip().isprintable() or len(text) > MODEL_LIMIT:
        return ""
    return text.strip().removeprefix("models/")
