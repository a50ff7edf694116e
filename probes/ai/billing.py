"""Billing guard: refuses requests that generate tokens, spend money or change state, so that no check does. Pure.

Facts as documented by the providers in 2026. A request is compared by method, host and path alone, after the path was
normalised, so that `//v1/Chat%2Fcompletions?x` does not get around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

import idna


class Harm(StrEnum):
    """What a request would do besides looking."""

    BILLED = "billed"
    CHANGES_STATE = "changes_state"


@dataclass(frozen=True, slots=True)
class BillingFinding:
    """Why a request is no health check, and what to ask instead. `known_host` where the provider is known to bill."""

    harm: Harm
    why: str
    instead: str
    known_host: bool


@dataclass(frozen=True, slots=True)
class BillingRule:
    """Paths (whole, by regular expression) that do harm with these methods, on hosts that end so, or anywhere."""

    methods: frozenset[str]
    path: re.Pattern[str]
    why: str
    harm: Harm = Harm.BILLED
    hosts: tuple[str, ...] = ()


#: Hosts (by ending) that are known to charge, and the free request that says the most there.
FREE_ALTERNATIVES = {
    "api.openai.com": "GET https://api.openai.com/v1/models (preset openai)",
    "openai.azure.com": "GET https://<resource>.openai.azure.com/openai/models (preset azure-openai)",
    "api.anthropic.com": "GET https://api.anthropic.com/v1/models (preset anthropic)",
    "api.cohere.com": "GET https://api.cohere.com/v1/models (preset cohere)",
    "api.cohere.ai": "GET https://api.cohere.com/v1/models (preset cohere)",
    "generativelanguage.googleapis.com": "GET .../v1beta/models (preset gemini)",
    "aiplatform.googleapis.com": "GET .../v1beta/models (preset gemini)",
    "amazonaws.com": "a reachability check of the host (preset bedrock)",
    "api.mistral.ai": "GET https://api.mistral.ai/v1/models (preset mistral)",
    "api.groq.com": "GET https://api.groq.com/openai/v1/models (preset groq)",
    "api.together.xyz": "GET https://api.together.xyz/v1/models (preset together)",
    "api.together.ai": "GET https://api.together.xyz/v1/models (preset together)",
    "api.fireworks.ai": "GET https://api.fireworks.ai/inference/v1/models (preset fireworks)",
    "api.deepseek.com": "GET https://api.deepseek.com/models (preset deepseek)",
    "api.x.ai": "GET https://api.x.ai/v1/models (preset xai)",
    "openrouter.ai": "GET https://openrouter.ai/api/v1/models (preset openrouter)",
    "huggingface.co": "GET https://router.huggingface.co/v1/models (preset huggingface)",
    "huggingface.cloud": "the endpoint's status in the management API: any request may wake it, and bill",
    "pinecone.io": "GET https://api.pinecone.io/indexes (preset pinecone)",
    "api.replicate.com": "GET https://api.replicate.com/v1/models",
    "api.voyageai.com": "a TCP or TLS check of the host",
    "api.jina.ai": "a TCP or TLS check of the host",
    "api.perplexity.ai": "a TCP or TLS check of the host",
    "api.elevenlabs.io": "GET https://api.elevenlabs.io/v1/models",
}

_FREE_POSTS = re.compile(
    r".*(/count_tokens|:counttokens|/count-tokens|/check-api-key|/tokenize|/detokenize|/apply-template|/moderations"
    r"|/api/show|/repository/index|/describe_index_stats|/get_load_state)"
)
_POST = frozenset({"POST"})
_READ = frozenset({"GET", "HEAD", "POST"})
_ANY = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def _paths(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"(?:" + "|".join(alternatives) + r")/?")


RULES = (
    BillingRule(
        _POST,
        _paths(
            r".*/(chat/completions|completions|responses(/compact)?|embeddings|videos|batches|fine_tuning/jobs)",
            r".*/images/(generations|edits|variations)",
            r".*/audio/(speech|transcriptions|translations)",
            r".*/realtime(/.*)?",
            r".*/threads(/[^/]+)?/runs",
            r".*/engines/[^/]+/(completions|embeddings)",
        ),
        "it generates tokens or media in the way of the OpenAI API",
    ),
    BillingRule(_POST, _paths(r".*/openai/deployments/[^/]+/.+"), "it runs an Azure deployment"),
    BillingRule(_POST, _paths(r".*/v1/(messages(/batches)?|complete)"), "it generates tokens (Anthropic's API)"),
    BillingRule(
        _POST,
        _paths(r".*/v[12]/(chat|generate|embed|embed-jobs|rerank|classify|summarize|score)"),
        "it generates, embeds or ranks in the way of the Cohere API",
    ),
    BillingRule(
        _POST,
        _paths(
            r".*:(stream|batch|asyncbatch)?(generatecontent|embedcontent|embedcontents)",
            r".*:(raw|streamraw|serverstreaming)?predict(ion|longrunning)?",
            r".*:(generateanswer|bidigeneratecontent)",
            r".*/v1(alpha|beta)?/interactions",
        ),
        "it generates or embeds in the way of the Gemini API",
    ),
    BillingRule(
        _POST,
        _paths(
            r"/model/.+/(invoke|invoke-with-(bidirectional|response)-stream|converse|converse-stream)",
            r"/async-invoke",
            r"/guardrail/.+/apply",
        ),
        "it runs a Bedrock model or guardrail",
    ),
    BillingRule(_POST, _paths(r".*/api/(generate|chat|embed|embeddings)"), "it loads a model and generates (Ollama)"),
    BillingRule(
        _POST,
        _paths(
            r".*/(generate|generate_stream|completion|infill|embed|embed_all|embed_sparse|embedding|rerank|reranking)",
            r".*/(predict|similarity|invocations)",
            r".*/v2/models/[^/]+(/versions/[^/]+)?/(infer|generate|generate_stream)",
        ),
        "it takes the GPU's time on a model server",
    ),
    BillingRule(
        _POST,
        _paths(r".*/v1/(predictions|models/[^/]+/[^/]+/predictions|text-to-speech/.+|ocr|fim/completions)"),
        "it starts a paid prediction",
    ),
    BillingRule(
        _POST,
        _paths(r".*"),
        "every POST to this host runs a model",
        hosts=("huggingface.co", "huggingface.cloud"),
    ),
    BillingRule(
        _READ,
        _paths(r"/(query|vectors/(fetch|list|upsert|update|delete)|embed|rerank|records/namespaces/.+)"),
        "it uses paid read or write units",
        hosts=("pinecone.io",),
    ),
    BillingRule(
        _ANY,
        _paths(r".*/(flush_cache|start_profile|stop_profile|abort_request|slow_down)",
               r".*/(release|resume)_memory_occupation", r".*/(update_weights_from_[a-z]+|load_lora_adapter)"),
        "it changes the state of the server (SGLang)",
        Harm.CHANGES_STATE,
    ),
    BillingRule(_ANY, _paths(r".*/health/drain"), "it takes the worker out of rotation (LiteLLM)", Harm.CHANGES_STATE),
    BillingRule(_READ, _paths(r".*/health/services"), "it sends test messages to every integration (LiteLLM)",
         Harm.CHANGES_STATE),
    BillingRule(_POST, _paths(r".*/health/test_connection"), "it makes a paid completion (LiteLLM)"),
    BillingRule(
        frozenset({"POST", "PUT", "DELETE"}),
        _paths(r".*/api/(pull|push|create|copy|delete)"),
        "it changes which models are installed (Ollama)",
        Harm.CHANGES_STATE,
    ),
    BillingRule(
        _POST,
        _paths(r".*/v2/repository/models/[^/]+/(load|unload)", r".*/models/(load|unload|apply)"),
        "it loads or unloads a model",
        Harm.CHANGES_STATE,
    ),
)  # fmt: skip


def finding(method: str, url: str) -> BillingFinding | None:
    """What harm a request would do, or None when it is known to do none."""
    parts = urlsplit(url)
    host, path = _host_of(url), one_form(parts.path)
    known = next((free for ending, free in FREE_ALTERNATIVES.items() if _is_within(host, ending)), None)
    if method == "POST" and _FREE_POSTS.fullmatch(path):
        return None
    for rule in RULES:
        if rule.hosts and not any(_is_within(host, ending) for ending in rule.hosts):
            continue
        if method in rule.methods and rule.path.fullmatch(path):
            return BillingFinding(
                rule.harm, rule.why, known or "the server's own health path or model list", known is not None
            )
    return None


def refusal(method: str, url: str, acknowledged: bool, provider: str = "") -> str | None:
    """Why a monitor may not send this request, in one line that says what to do; None when it may.

    What costs money at a known provider, or changes state anywhere, cannot be acknowledged away.
    """
    parts = urlsplit(url)
    if provider.startswith("llamacpp") and one_form(parts.path) == "/metrics" and "model" in parse_qs(parts.query):
        return "is no health check: with ?model= it loads the model (llama.cpp as a router); leave the model out"
    if provider.startswith("litellm") and one_form(parts.path).endswith("/health") and not acknowledged:
        return (
            "makes a real, billed completion on every deployment at every check; use /health/liveliness or "
            "/health/readiness, or set billing_acknowledged to true"
        )
    found = finding(method, url)
    if found is None or (acknowledged and found.harm is Harm.BILLED and not found.known_host):
        return None
    if found.harm is Harm.CHANGES_STATE:
        return f"is no health check: {found.why}; use {found.instead}"
    if found.known_host:
        return f"is no health check: {found.why}, and every check would be billed; use {found.instead}"
    return (
        f"looks like a paid or costly request: {found.why}; use {found.instead}, or set billing_acknowledged to true "
        "if every check may cost that"
    )


def litellm_health_calls_per_day(url: str, models: int, regions: int, interval_s: int) -> int:
    """How many real completions a day LiteLLM's `/health` makes: one per deployment, per check, per region.

    0 for any other path. `?model=` asks one deployment only. Failing deployments are tried up to three times on top.
    """
    parts = urlsplit(url)
    # The proxy may live below a path of its own.
    if not one_form(parts.path).endswith("/health") or interval_s <= 0:
        return 0
    asked = 1 if parse_qs(parts.query).get("model") else max(1, models)
    return round(asked * max(1, regions) * 86_400 / interval_s)


def one_form(path: str) -> str:
    """A path without escapes, doubled slashes, dot segments and capitals."""
    segments: list[str] = []
    for segment in unquote(unquote(path)).lower().split("/"):
        if segment == "..":
            if segments:
                segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(segments)


def _host_of(url: str) -> str:
    """The host that is dialled, in whatever form of letters it is written."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        return host if host.isascii() else idna.uts46_remap(host, std3_rules=False, transitional=False)
    except (idna.IDNAError, UnicodeError):
        return host


def _is_within(host: str, ending: str) -> bool:
    return host == ending or host.endswith("." + ending)
