"""Feed catalogue: addresses of provider status pages. Pure data; all off by default.

`about` matches components of the API, in part and in lower case: a provider's chat page is not its API. Empty matches
all. `vouched` is False if we never read the address or format: it may then be unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One provider's feed, as of 2026. `region` in the address is the cloud's own region."""

    url: str
    about: tuple[str, ...] = ()
    vouched: bool = True


def _statuspage(host: str, *about: str, vouched: bool = True) -> Source:
    return Source(f"https://{host}/api/v2/summary.json", about, vouched)


SOURCES: Mapping[str, Source] = {
    "openai": _statuspage(
        "status.openai.com",
        "api", "responses", "chat completions", "embeddings", "fine-tuning", "batch", "files", "moderations", "images",
    ),
    "anthropic": _statuspage("status.claude.com", "api"),
    "cohere": _statuspage("status.cohere.com"),
    "groq": _statuspage("groqstatus.com"),
    "pinecone": _statuspage("status.pinecone.io"),
    "replicate": _statuspage("www.replicatestatus.com", vouched=False),
    "elevenlabs": _statuspage("status.elevenlabs.io", vouched=False),
    "stability": _statuspage("status.stability.ai", vouched=False),
    "voyage": _statuspage("status.voyageai.com", vouched=False),
    "google": Source("https://status.cloud.google.com/incidents.json", ("vertex gemini api", "vertex ai", "gemini")),
    "aws-bedrock": Source("https://status.aws.amazon.com/rss/bedrock-us-east-1.rss", vouched=False),
    "azure": Source("https://rssfeed.azure.status.microsoft/en-us/status/feed/", vouched=False),
    "mistral": Source("https://status.mistral.ai/api/status-page/mistral-ai/unresolved-incidents", vouched=False),
    "together": Source("https://status.together.ai/index.json"),
    "huggingface": Source("https://status.huggingface.co/index.json", ("inference", "hub", "api")),
    "qdrant": Source("https://status.qdrant.io/index.json"),
    "fireworks": _statuspage("status.fireworks.ai", vouched=False),
    "deepseek": _statuspage("status.deepseek.com", "api", vouched=False),
    "perplexity": Source("https://status.perplexity.com/summary.json", vouched=False),
    "xai": Source("https://status.x.ai/feed.xml", vouched=False),
    "openrouter": Source("https://status.openrouter.ai/incidents.rss", vouched=False),
    "weaviate": _statuspage("status.weaviate.io", vouched=False),
}  # fmt: skip
