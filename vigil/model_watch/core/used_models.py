"""Models in use: which models the configuration of a monitor names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vigil.monitors.core.named_models import named_models
from vigil.monitors.core.providers import provider_of

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
#: Providers of the catalogue of hosts, where they are not those of the presets.
_HOSTS = {"google": "gemini", "aws-bedrock": "bedrock", "azure": "azure-openai"}
_VERTEX = "aiplatform.googleapis.com"
MODEL_LIMIT = 160


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
    """Models that a monitor's configuration asks its provider for."""
    if not isinstance(config, Mapping):
        return []
    provider = config.get("provider") or _by_host(config)
    if not isinstance(provider, str) or not provider:
        return []
    return [NamedModel(provider, name) for text in named_models(config) if (name := text.strip()[:MODEL_LIMIT])]


def _by_host(config: Mapping[str, Any]) -> str:
    """The provider of a configuration that names a model and no preset, such as that of a canary."""
    if not isinstance(config.get("model"), str):
        return ""
    if _VERTEX in str(config.get("url") or ""):
        return "vertex"
    found = provider_of(config)
    return _HOSTS.get(found, found)
