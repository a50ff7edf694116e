"""Billing rules: the paths that generate tokens, spend money or change state, and what to ask instead. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Harm(StrEnum):
    """What a request would do besides looking."""

    BILLED = "billed"
    CHANGES_STATE = "changes_state"


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

#: Paths of POST requests that are free.
FREE_POSTS = re.compile(
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
