"""Provider catalogue: which provider a monitor checks, by host. Pure data, with lookups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider. `hosts` are its API hosts, including subdomains."""

    name: str
    hosts: tuple[str, ...]


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider("OpenAI", ("api.openai.com",)),
    "anthropic": Provider("Anthropic", ("api.anthropic.com",)),
    "cohere": Provider("Cohere", ("api.cohere.com", "api.cohere.ai")),
    "groq": Provider("Groq", ("api.groq.com",)),
    "google": Provider("Google Cloud", ("generativelanguage.googleapis.com", "aiplatform.googleapis.com")),
    "aws-bedrock": Provider("Amazon Bedrock", ("bedrock.amazonaws.com", "bedrock-runtime.amazonaws.com")),
    "azure": Provider("Microsoft Azure", ("openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com")),
    "mistral": Provider("Mistral", ("api.mistral.ai", "codestral.mistral.ai")),
    "together": Provider("Together", ("api.together.xyz", "api.together.ai")),
    "fireworks": Provider("Fireworks", ("api.fireworks.ai",)),
    "deepseek": Provider("DeepSeek", ("api.deepseek.com",)),
    "xai": Provider("xAI", ("api.x.ai",)),
    "nvidia": Provider("NVIDIA", ("integrate.api.nvidia.com",)),
    "openrouter": Provider("OpenRouter", ("openrouter.ai",)),
    "huggingface": Provider("Hugging Face", ("huggingface.co", "router.huggingface.co")),
    "perplexity": Provider("Perplexity", ("api.perplexity.ai",)),
    "replicate": Provider("Replicate", ("api.replicate.com",)),
    "elevenlabs": Provider("ElevenLabs", ("api.elevenlabs.io",)),
    "stability": Provider("Stability AI", ("api.stability.ai",)),
    "voyage": Provider("Voyage AI", ("api.voyageai.com",)),
    "pinecone": Provider("Pinecone", ("api.pinecone.io", "pinecone.io")),
    "qdrant": Provider("Qdrant Cloud", ("cloud.qdrant.io",)),
    "weaviate": Provider("Weaviate Cloud", ("weaviate.cloud", "weaviate.network")),
}

_BY_HOST = {host: key for key, provider in PROVIDERS.items() for host in provider.hosts}


def provider_of(config: Any) -> str:
    """Key of the provider that a configuration checks; empty for others."""
    if not isinstance(config, Mapping):
        return ""
    return provider_of_host(_host(config))


def provider_of_host(host: str) -> str:
    """Provider of a host or parent domain: `us.api.openai.com` is OpenAI's, `api.openai.com.evil` is not."""
    labels = host.lower().rstrip(".").split(".")
    for start in range(len(labels) - 1):
        found = _BY_HOST.get(".".join(labels[start:]))
        if found:
            return found
    # bedrock.us-east-1.amazonaws.com: the region is in the middle.
    if labels[-2:] == ["amazonaws", "com"] and labels[0] in ("bedrock", "bedrock-runtime"):
        return "aws-bedrock"
    return ""


def name_of(provider: str) -> str:
    """The provider's name for people."""
    return PROVIDERS[provider].name if provider in PROVIDERS else provider


def _host(config: Mapping[str, Any]) -> str:
    try:
        return urlsplit(str(config.get("url") or "")).hostname or str(config.get("host") or "")
    except ValueError:
        return ""
