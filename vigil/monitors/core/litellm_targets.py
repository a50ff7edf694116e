"""LiteLLM deployments (as of 1.110): preset, address and key variable of each; keys are never stored. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from probes.net.targets import BadTarget, parse_url
from vigil.monitors.core.litellm_keys import FROM_ENVIRONMENT, KeyVariables, reference_fault
from vigil.monitors.core.model_providers import provider_of_base, provider_of_model
from vigil.monitors.core.providers import provider_of_host

OPENAI_COMPATIBLE = "openai-compatible"

PRESETS = {
    "openai": "openai",
    "custom_openai": OPENAI_COMPATIBLE,
    "text-completion-openai": "openai",
    "openai_like": OPENAI_COMPATIBLE,
    "aiohttp_openai": OPENAI_COMPATIBLE,
    "azure": "azure-openai",
    "azure_ai": "azure-openai",
    "azure_text": "azure-openai",
    "anthropic": "anthropic",
    "anthropic_text": "anthropic",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "gemini": "gemini",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "mistral": "mistral",
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
#: Presets of a provider whose own address may be replaced by that of another server that speaks OpenAI's API.
_OPENAI_SPEAKING = frozenset({"openai", OPENAI_COMPATIBLE})
#: Address of a deployment without `api_base`, where the preset has none of its own: LiteLLM's default, or its variable.
ADDRESSES = {
    "azure": FROM_ENVIRONMENT + "AZURE_API_BASE",
    "azure_text": FROM_ENVIRONMENT + "AZURE_API_BASE",
    "azure_ai": FROM_ENVIRONMENT + "AZURE_AI_API_BASE",
    "hosted_vllm": FROM_ENVIRONMENT + "HOSTED_VLLM_API_BASE",
    "lm_studio": FROM_ENVIRONMENT + "LM_STUDIO_API_BASE",
    "litellm_proxy": FROM_ENVIRONMENT + "LITELLM_PROXY_API_BASE",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "ollama": "http://localhost:11434",
    "ollama_chat": "http://localhost:11434",
    "llamafile": "http://127.0.0.1:8080/v1",
}
#: LiteLLM's variable of a key, where it is not that of the preset.
_KEYS = {
    "azure_ai": FROM_ENVIRONMENT + "AZURE_AI_API_KEY",
    "litellm_proxy": FROM_ENVIRONMENT + "LITELLM_PROXY_API_KEY",
}
#: A value in an address that may be a key: it does not stand in names.
_PARAMETER = re.compile(r"([?&](?!api-version=)[^=&]*)=[^&]*")
#: Presets of the reader's own servers: without an address there is nothing to check.
_OWN_SERVERS = frozenset({OPENAI_COMPATIBLE, "azure-openai", "vllm", "triton", "lm-studio", "litellm", "nim"})


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
        address = _PARAMETER.sub(r"\1=...", self.address)
        place = address.removeprefix("https://").removeprefix("http://").rstrip("/") or self.region
        about = ", ".join(part for part in (place, self.key) if part)
        return f"{self.preset} ({about})" if about else self.preset


@dataclass(frozen=True, slots=True)
class Deployment:
    """An entry of `model_list`: group, id (or empty) and model; its target, or `why` nothing of it is monitored.

    `provider` is LiteLLM's own word, and `named` the model there, also where the deployment has a name of its own.
    """

    group: str
    id: str
    model: str
    target: LiteLlmTarget | None = None
    why: str = ""
    provider: str = ""
    named: str = ""


def deployment_of(
    number: int, entry: Any, credentials: Mapping[str, Mapping[str, Any]], variables: KeyVariables
) -> Deployment:
    """Deployment of an entry of `model_list`; raises `BadConfig`. What the owner should know goes to `variables`."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("litellm_params"), Mapping):
        raise BadConfig(f"entry {number} of `model_list` has no `litellm_params`")
    params = dict(entry["litellm_params"])
    params = {**credentials.get(str(params.get("litellm_credential_name")), {}), **params}
    written = str(params.get("model") or "")
    group = str(entry.get("model_name") or written)
    if not written:
        raise BadConfig(f"entry {number} of `model_list` ({group}) has no `litellm_params.model`")
    about = entry.get("model_info")
    about = about if isinstance(about, Mapping) else {}
    id = str(about.get("id") or "")
    base = _plain(params.get("api_base") or params.get("base_url"))
    provider, model = provider_of_model(written, base, str(params.get("custom_llm_provider") or ""))
    address, preset, why = _address_of(provider, base, written)
    why = _elsewhere(params, credentials) or why or fault_of(address)
    if why:
        return Deployment(group, id, model, None, why, provider, _named(about, model))
    region, model = _region_of(params, model) if preset == "bedrock" else ("", model)
    why = reference_fault(region, "aws_region_name")
    if why:
        return Deployment(group, id, model, None, why, provider, _named(about, model))
    key, why = variables.key_of(group, params.get("api_key") or _KEYS.get(provider), preset, address)
    target = None if why else LiteLlmTarget(preset, address, region, key)
    return Deployment(group, id, model, target, why, provider, _named(about, model))


def _named(about: Mapping[str, Any], model: str) -> str:
    """The model of a deployment with a name of its own, as Azure has them: LiteLLM knows it by `base_model`."""
    base = about.get("base_model")
    return str(base).rpartition("/")[2] if isinstance(base, str) and base else model


def _address_of(provider: str, base: str, written: str) -> tuple[str, str, str]:
    """Address and preset of a deployment, or why it has none."""
    if not provider:
        return "", "", f"LiteLLM knows no provider of {written!r}: write it as provider/model"
    preset = PRESETS.get(provider)
    if preset is None:
        return "", "", f"the provider {provider!r} has no preset: add a monitor by hand"
    address = base or ADDRESSES.get(provider, "")
    host = host_of(address)
    if host == "huggingface.cloud" or host.endswith(".huggingface.cloud"):
        return "", "", "any request to a Hugging Face endpoint may wake it, and bill"
    if host.endswith((".models.ai.azure.com", ".inference.ml.azure.com")):
        return "", "", "a serverless endpoint of Azure has no list of models that is free to ask"
    if host.endswith(".services.ai.azure.com") and "/openai" not in address:
        # Its models are below /models, /anthropic and others; the list is that of the resource.
        address, preset = f"https://{host}", "azure-openai"
    elif address and preset in _OPENAI_SPEAKING:
        preset = _preset_at(address, host)
    elif preset == "nim" and provider_of_host(host) == "nvidia":
        preset = OPENAI_COMPATIBLE
    if preset in _OWN_SERVERS and not address:
        return "", "", f"it has no `api_base`, and {provider} has no address of its own"
    return address, preset, ""


def _elsewhere(params: Mapping[str, Any], credentials: Mapping[str, Mapping[str, Any]]) -> str:
    """Why a deployment's key and address are not known from this file; empty if they are."""
    credential = params.get("litellm_credential_name")
    if credential and str(credential) not in credentials:
        return f"its credential {str(credential)[:100]!r} is not in the `credential_list` of this file"
    if params.get("aws_bedrock_runtime_endpoint"):
        return "it has an `aws_bedrock_runtime_endpoint` of its own, which has no list of models"
    return ""


def fault_of(address: str) -> str:
    """Why nothing can be asked at an address; empty if it can be, or if the environment has it."""
    fault = reference_fault(address, "api_base")
    if fault or not address or address.startswith(FROM_ENVIRONMENT):
        return fault
    try:
        parse_url(address if "://" in address else f"http://{address}")
    except BadTarget as fault:
        return f"its `api_base` is no address: {fault}"
    return ""


def _preset_at(address: str, host: str) -> str:
    """Preset of a server that is spoken to in OpenAI's way: OpenAI itself, a provider known by its base, or any."""
    if provider_of_host(host) == "openai":
        return "openai"
    known = PRESETS.get(provider_of_base(address), "")
    return OPENAI_COMPATIBLE if known in ("", "nim", "ollama") else known


def _region_of(params: Mapping[str, Any], model: str) -> tuple[str, str]:
    """Region of Bedrock, also out of `bedrock/us-west-2/model` and of an ARN; and the model behind it."""
    region = str(params.get("aws_region_name") or "")
    route, slash, rest = model.partition("/")
    while slash and route in ("converse", "invoke", "converse_like", "agent"):
        model = rest
        route, slash, rest = model.partition("/")
    if slash and route.count("-") >= 2 and route[-1:].isdigit() and "." not in route:
        return region or route, rest
    if model.startswith("arn:"):
        return region or (model.split(":") + [""] * 4)[3], ""
    return region, model


def host_of(address: str) -> str:
    try:
        return (urlsplit(address if "://" in address else f"//{address}").hostname or "").lower()
    except ValueError:
        return ""


def _plain(value: object) -> str:
    """Address without trailing slash; a reference to the environment is kept."""
    return str(value or "").strip().rstrip("/")
