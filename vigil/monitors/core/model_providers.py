"""Provider of a model by its name and base address, as LiteLLM's `get_llm_provider` finds it (1.110). Pure.

A wrong guess would send one provider's key to another: what LiteLLM itself cannot place is unknown here too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

#: Where a bare name fits several, the first counts.
_FAMILIES: Sequence[tuple[str, str]] = (
    # Names of the Gemini API alone, which LiteLLM places only behind `gemini/`.
    ("", r"gemini-([a-z]+-)*latest|gemini-\d.*-(live.*|native-audio-.*)|gemini-2\.5-flash-preview-tts|gemini-exp-.*"),
    # Open weights of OpenAI and others, which many serve.
    ("", r"gpt-?(oss|neo|j|sw3|4all)(-.*|x.*|)|gpt-?2(-.*|)"),
    ("openai", r"\*|.*ft:gpt-(3\.5-turbo|4).*|ft:(babbage|davinci)-002.*|(babbage|davinci)-002|chat-latest"),
    ("openai", r"(gpt|chatgpt|omni-moderation|text-moderation)-[a-z0-9].*|o[1-9](-[a-z0-9].*)?|computer-use-preview.*"),
    ("openai", r"(codex-mini|daybreak-[a-z]+)-latest|(sora|dall-e|whisper|tts)-[1-9]($|-.*)|text-embedding-(3|ada)-.*"),
    (
        "bedrock",
        r"([a-z]+(-[a-z]+)*\.)?(ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot(ai)?"
        r"|nvidia|openai|qwen|stability|twelvelabs|writer|xai|zai)\.[a-z0-9].*|claude-.*-v\d:\d",
    ),
    ("anthropic", r"claude-[a-z0-9.-]+"),
    ("cohere", r"command(-[a-z0-9].*|)|c4ai-[a-z0-9].*|(embed|rerank)-(english|multilingual|v\d).*"),
    ("vertex_ai", r"gemini-[a-z0-9].*|medlm-.*|multimodalembedding(@.*)?|deep-research-pro-.*|imagen-.*|veo-.*"),
    (
        "vertex_ai",
        r"text-(embedding-(00\d|large-exp|preview)|multilingual-embedding|unicorn|bison).*|code(chat)?-bison.*",
    ),
    ("ai21", r"j2-(light|mid|ultra)|jamba-[a-z0-9].*"),
    ("nlp_cloud", r"(chat)?dolphin"),
    ("replicate", r"[^:]+:[0-9a-f]{64}"),
)
_COMPILED = tuple((provider, re.compile(pattern, re.IGNORECASE)) for provider, pattern in _FAMILIES)
#: Endpoints by which LiteLLM knows the provider of a model without a known prefix: host, path, provider.
_BASES: Sequence[tuple[str, str, str]] = (
    ("api.perplexity.ai", "", "perplexity"),
    ("api.deepinfra.com", "/v1/openai", "deepinfra"),
    ("api.mistral.ai", "/v1", "mistral"),
    ("codestral.mistral.ai", "/v1", "codestral"),
    ("api.groq.com", "/openai/v1", "groq"),
    ("integrate.api.nvidia.com", "/v1", "nvidia_nim"),
    ("api.deepseek.com", "/v1", "deepseek"),
    ("api.together.ai", "/v1", "together_ai"),
    ("api.together.xyz", "/v1", "together_ai"),
    ("api.x.ai", "/v1", "xai"),
    ("ollama.com", "", "ollama"),
)


def provider_of_model(model: str, base: str = "", custom: str = "") -> tuple[str, str]:
    """Provider and the model's name there; the provider is empty where LiteLLM cannot tell either.

    `custom` is `custom_llm_provider`: only that very prefix is taken off, so that `org/model` keeps its slash.
    """
    prefix, slash, rest = model.partition("/")
    if custom:
        return custom, rest if slash and prefix == custom else model
    if slash and prefix in _PREFIXES:
        return prefix, rest
    return provider_of_base(base) or family_of(model), model


def provider_of_base(base: str) -> str:
    """Provider of a known endpoint, by host and path; empty for others."""
    try:
        parts = urlsplit(base if "://" in base else f"https://{base}")
        host, path = (parts.hostname or "").lower(), parts.path.rstrip("/")
    except ValueError:
        return ""
    return next((name for at, below, name in _BASES if host == at and f"{path}/".startswith(f"{below}/")), "")


def family_of(model: str) -> str:
    """Provider of a model's bare name; empty where it is unknown."""
    return next((provider for provider, pattern in _COMPILED if pattern.fullmatch(model)), "")


#: Providers that LiteLLM knows as the first part of a model's name.
_LISTED = """
    a2a ai21 ai21_chat aiml aiohttp_openai amazon_nova anthropic anthropic_text assemblyai auto_router aws_polly
    azure azure_ai azure_text baseten bedrock bedrock_mantle black_forest_labs bytez cerebras chatgpt chutes
    clarifai cloudflare codestral cohere cohere_chat cometapi compactifai custom custom_openai dashscope databricks
    datarobot deepgram deepinfra deepseek docker_model_runner elevenlabs empower fal_ai featherless_ai fireworks_ai
    friendliai galadriel gdc gemini gigachat github github_copilot gradient_ai groq helicone heroku hosted_vllm
    huggingface hyperbolic inception infinity jina_ai lambda_ai langgraph lemonade litellm_proxy llamafile lm_studio
    maritalk meta_llama minimax mistral moonshot morph nano-gpt nebius nlp_cloud novita nscale nvidia_nim oci ollama
    ollama_chat oobabooga openai openai_like openrouter ovhcloud perplexity petals poe predibase publicai qwencloud
    ragflow recraft replicate runwayml sagemaker sagemaker_chat sambanova sap scaleway snowflake soniox stability
    synthetic text-completion-codestral text-completion-openai together_ai topaz triton v0 vercel_ai_gateway
    vertex_ai vertex_ai_beta vllm volcengine voyage wandb watsonx watsonx_text xai xiaomi_mimo xinference zai
"""
_PREFIXES = frozenset(_LISTED.split())
