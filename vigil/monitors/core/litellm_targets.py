"""LiteLLM deployments (as of 1.106): preset, address and key name of each; keys are never stored. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FROM_ENVIRONMENT = "os.environ/"

PRESETS = {
    "openai": "openai",
    "azure": "azure-openai",
    "azure_ai": "azure-openai",
    "anthropic": "anthropic",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "gemini": "gemini",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "mistral": "mistral",
    "codestral": "mistral",
    "groq": "groq",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "deepseek": "deepseek",
    "xai": "xai",
    "openrouter": "openrouter",
    "huggingface": "huggingface",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "hosted_vllm": "vllm",
    "vllm": "vllm",
    "lm_studio": "lm-studio",
    "llamafile": "llama-cpp",
    "nvidia_nim": "nim",
    "triton": "triton",
    "litellm_proxy": "litellm",
}
#: With their own address these are OpenAI-compatible servers.
_OPENAI_SPEAKING = frozenset({"openai", "custom_openai", "text-completion-openai"})
OPENAI_COMPATIBLE = "openai-compatible"

DEFAULT_KEYS = {
    "openai": "OPENAI_API_KEY",
    "azure-openai": "AZURE_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "cohere": "COHERE_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "together": "TOGETHERAI_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "xai": "XAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "huggingface": "HF_TOKEN",
}


class BadConfig(Exception):
    """Not a LiteLLM configuration; one line that says where."""


@dataclass(frozen=True, slots=True, order=True)
class LiteLlmTarget:
    """Target of one monitor: `key` is the name of an environment variable, or empty."""

    preset: str
    address: str
    region: str
    key: str

    @property
    def name(self) -> str:
        """Name of the monitor; the same file gives the same names."""
        place = self.address.removeprefix("https://").removeprefix("http://").rstrip("/") or self.region
        about = ", ".join(part for part in (place, self.key) if part)
        return f"{self.preset} ({about})" if about else self.preset


def deployment_of(
    number: int, entry: Any, credentials: Mapping[str, Mapping[str, Any]], warnings: list[str]
) -> tuple[str, LiteLlmTarget, str]:
    """Model group, target and model of an entry of `model_list`; raises `BadConfig`."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("litellm_params"), Mapping):
        raise BadConfig(f"entry {number} of `model_list` has no `litellm_params`")
    params = dict(entry["litellm_params"])
    params = {**credentials.get(str(params.get("litellm_credential_name")), {}), **params}
    written = str(params.get("model") or "")
    group = str(entry.get("model_name") or written)
    if not written:
        raise BadConfig(f"entry {number} of `model_list` ({group}) has no `litellm_params.model`")
    prefix, slash, rest = written.partition("/")
    base = _plain(params.get("api_base") or params.get("base_url"))
    provider = str(params.get("custom_llm_provider") or (prefix if slash else "openai"))
    model = rest if slash else written
    preset = _preset(provider, base)
    if preset is None:
        preset = OPENAI_COMPATIBLE if base else provider
        warnings.append(
            f"{group}: the provider {provider!r} has no preset; "
            + ("only its address is checked" if base else "give it an `api_base`, or add a monitor by hand")
        )
    key = _key_name(group, params.get("api_key"), preset, warnings)
    region = str(params.get("aws_region_name") or "") if preset == "bedrock" else ""
    return group, LiteLlmTarget(preset, base, region, key), model


def _preset(provider: str, base: str) -> str | None:
    if provider in _OPENAI_SPEAKING and base and "api.openai.com" not in base:
        return OPENAI_COMPATIBLE
    return PRESETS.get(provider)


def _key_name(group: str, written: object, preset: str, warnings: list[str]) -> str:
    """Environment variable of the key; a literal key is ignored."""
    text = str(written or "")
    if text.startswith(FROM_ENVIRONMENT):
        return text.removeprefix(FROM_ENVIRONMENT)
    default = DEFAULT_KEYS.get(preset, "")
    if text:
        name = default or preset.upper().replace("-", "_") + "_API_KEY"
        warnings.append(f"{group}: the key in the file is not used; it is read from {name}")
        return name
    return default


def _plain(value: object) -> str:
    """Address without trailing slash; a reference to the environment is kept."""
    return str(value or "").rstrip("/")
