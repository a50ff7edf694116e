"""Variables that the keys of a LiteLLM configuration are read from: none goes where its owner did not name it. Pure."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from vigil.monitors.core.providers import name_of, provider_of_host

FROM_ENVIRONMENT = "os.environ/"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

#: Default variable of a preset's key, and the provider that it is for.
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
#: Provider of presets that have another name than it.
_PROVIDERS = {"azure-openai": "azure", "gemini": "google", "bedrock": "aws-bedrock"}
_OWNERS = {
    **{variable: _PROVIDERS.get(preset, preset) for preset, variable in DEFAULT_KEYS.items()},
    "CO_API_KEY": "cohere",
    "GOOGLE_API_KEY": "google",
    "AZURE_OPENAI_API_KEY": "azure",
    "AZURE_AI_API_KEY": "azure",
    "CODESTRAL_API_KEY": "mistral",
    "TOGETHER_API_KEY": "together",
    "TOGETHER_AI_API_KEY": "together",
    "FIREWORKS_AI_API_KEY": "fireworks",
    "HUGGINGFACE_API_KEY": "huggingface",
    "NVIDIA_NIM_API_KEY": "nvidia",
    "NVIDIA_API_KEY": "nvidia",
    "PERPLEXITYAI_API_KEY": "perplexity",
    "PERPLEXITY_API_KEY": "perplexity",
    "REPLICATE_API_KEY": "replicate",
    "REPLICATE_API_TOKEN": "replicate",
    "VOYAGE_API_KEY": "voyage",
    "ELEVENLABS_API_KEY": "elevenlabs",
    "AWS_BEARER_TOKEN_BEDROCK": "aws-bedrock",
}


class KeyVariables:
    """Variables of one file. `warnings` is what its owner should know of them."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        #: Hash of a key in the file and of its place -> variable.
        self._literal: dict[str, str] = {}

    def key_of(self, group: str, written: object, preset: str, address: str) -> tuple[str, str]:
        """Variable of a deployment's key, or empty; and why it must not be sent there, or empty."""
        text = str(written or "")
        provider = provider_at(preset, address)
        if text.startswith(FROM_ENVIRONMENT):
            variable = text.removeprefix(FROM_ENVIRONMENT)
            fault = reference_fault(text, "api_key") or refusal_of(variable, provider)
            return "" if fault else variable, fault
        default = _default_of(preset, provider, address)
        if not text:
            if not default and preset in DEFAULT_KEYS:
                return "", f"it names no `api_key` for {address}, and {DEFAULT_KEYS[preset]} is not sent there"
            return default, ""
        variable = self._variable_of(text, preset, address, default)
        self.warnings.append(f"{group}: the key in the file is not used; it is read from {variable}")
        return variable, ""

    def _variable_of(self, key: str, preset: str, address: str, default: str) -> str:
        """The first key of a provider, or of a kind of server, has a plain name; others are told apart by a hash."""
        place = "" if default else _place_of(address)
        hashed = hashlib.sha256(f"{key}\0{place}\0{default or preset}".encode()).hexdigest()
        plain = default or preset.upper().replace("-", "_") + "_API_KEY"
        if hashed not in self._literal:
            # A provider's own variable is for its own address only.
            free = plain not in self._literal.values() and (bool(default) or plain not in _OWNERS)
            self._literal[hashed] = plain if free else f"{plain}_{hashed[:6].upper()}"
        return self._literal[hashed]


def reference_fault(text: str, field: str) -> str:
    """Why a text refers to no variable of the environment though it says so; else empty."""
    is_reference = f"{text}/".startswith(FROM_ENVIRONMENT)
    is_named = _VARIABLE.fullmatch(text.removeprefix(FROM_ENVIRONMENT)) is not None
    return f"its `{field}` names no variable" if is_reference and not is_named else ""


def provider_at(preset: str, address: str) -> str:
    """Provider that receives what is sent: by the address, else by the preset; empty for the reader's own servers."""
    if not address:
        return _PROVIDERS.get(preset, preset) if preset in DEFAULT_KEYS or preset in _PROVIDERS else ""
    return "" if address.startswith(FROM_ENVIRONMENT) else provider_of_host(_place_of(address).partition(":")[0])


def refusal_of(variable: str, provider: str) -> str:
    """Why a variable's key is not sent to a provider: by its name it is another's."""
    owner = next((owner for name, owner in _OWNERS.items() if f"{variable}_".startswith(f"{name}_")), "")
    if not provider or not owner or owner == provider or (owner, provider) == ("openai", "azure"):
        return ""
    return f"{variable} is the key of {name_of(owner)} by its name, and is not sent to {name_of(provider)}"


def _default_of(preset: str, provider: str, address: str) -> str:
    """LiteLLM's variable of a deployment that names none, where the provider itself receives it."""
    if provider == "nvidia":
        return "NVIDIA_NIM_API_KEY"
    default = DEFAULT_KEYS.get(preset, "")
    # Azure has no address of its own: the file's is the one that the variable is for.
    own = not address or preset == "azure-openai" or (default and _OWNERS.get(default) == provider)
    return default if own else ""


def _place_of(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"//{address}").netloc.lower()
    except ValueError:
        return address
