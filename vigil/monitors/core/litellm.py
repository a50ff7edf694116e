"""What a LiteLLM `config.yaml` says should be watched: one monitor per provider, base and key, and the chains. Pure.

The file is somebody's: it is read as plain data, bounded, and no key in it is ever kept. Facts of the format as of
LiteLLM 1.106.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: LiteLLM follows a chain no further than this.
CHAIN_LIMIT = 5
DEPLOYMENTS_MOST = 2_000
_FROM_ENVIRONMENT = "os.environ/"

#: Provider of a deployment -> the preset that watches it.
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
#: With an address of their own these speak OpenAI's protocol at somebody else's server.
_OPENAI_SPEAKING = frozenset({"openai", "custom_openai", "text-completion-openai"})
OPENAI_COMPATIBLE = "openai-compatible"

#: Where LiteLLM looks for a key that the file does not name.
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
    """A file that is no LiteLLM configuration; one line that says where."""


@dataclass(frozen=True, slots=True, order=True)
class LiteLlmTarget:
    """What one monitor watches: `key` is the name of an environment variable, or empty."""

    preset: str
    address: str
    region: str
    key: str

    @property
    def name(self) -> str:
        """How the monitor is called; the same file gives the same names."""
        place = self.address.removeprefix("https://").removeprefix("http://").rstrip("/") or self.region
        about = ", ".join(part for part in (place, self.key) if part)
        return f"{self.preset} ({about})" if about else self.preset


@dataclass(frozen=True, slots=True)
class PlannedMonitor:
    """A monitor, and the models it should find there."""

    target: LiteLlmTarget
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedChain:
    """A model group, the targets that serve it, and the groups that it falls back on, in order."""

    group: str
    primaries: tuple[LiteLlmTarget, ...]
    fallbacks: tuple[tuple[str, tuple[LiteLlmTarget, ...]], ...]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Everything that the file asks for, and what its owner should know."""

    monitors: tuple[PlannedMonitor, ...]
    chains: tuple[PlannedChain, ...]
    warnings: tuple[str, ...]


def plan(document: object) -> ImportPlan:
    """Plan the monitors and chains of a parsed configuration; raises `BadConfig`."""
    if not isinstance(document, Mapping):
        raise BadConfig("the file is no LiteLLM configuration: expected a mapping with `model_list`")
    entries = document.get("model_list")
    if not isinstance(entries, list) or not entries:
        raise BadConfig("`model_list` is missing or empty: nothing to watch")
    if len(entries) > DEPLOYMENTS_MOST:
        raise BadConfig(f"`model_list` has more than {DEPLOYMENTS_MOST} entries")
    warnings: list[str] = []
    credentials = _credentials(document)
    models: dict[LiteLlmTarget, list[str]] = {}
    groups: dict[str, list[LiteLlmTarget]] = {}
    for number, entry in enumerate(entries, start=1):
        group, target, model = _deployment(number, entry, credentials, warnings)
        found = models.setdefault(target, [])
        if model and "*" not in model and model not in found:
            found.append(model)
        members = groups.setdefault(group, [])
        if target not in members:
            members.append(target)
    chains = _chains(document, groups, warnings)
    warnings += _general_warnings(document)
    return ImportPlan(
        monitors=tuple(PlannedMonitor(target, tuple(found)) for target, found in sorted(models.items())),
        chains=chains,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _deployment(
    number: int, entry: Any, credentials: Mapping[str, Mapping[str, Any]], warnings: list[str]
) -> tuple[str, LiteLlmTarget, str]:
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
            f"{group}: the provider {provider!r} has no preset of its own; "
            + ("its address is watched for an answer" if base else "give it an `api_base`, or watch it by hand")
        )
    key = _key_name(group, params.get("api_key"), preset, warnings)
    region = str(params.get("aws_region_name") or "") if preset == "bedrock" else ""
    return group, LiteLlmTarget(preset, base, region, key), model


def _preset(provider: str, base: str) -> str | None:
    if provider in _OPENAI_SPEAKING and base and "api.openai.com" not in base:
        return OPENAI_COMPATIBLE
    return PRESETS.get(provider)


def _key_name(group: str, written: object, preset: str, warnings: list[str]) -> str:
    """The variable that holds the key; a key that stands in the file itself is not looked at any further."""
    text = str(written or "")
    if text.startswith(_FROM_ENVIRONMENT):
        return text.removeprefix(_FROM_ENVIRONMENT)
    default = DEFAULT_KEYS.get(preset, "")
    if text:
        name = default or preset.upper().replace("-", "_") + "_API_KEY"
        warnings.append(f"{group}: the key stands in the file; it is not taken from there, but from {name}")
        return name
    return default


def _plain(value: object) -> str:
    """An address without a trailing slash; one that comes from the environment keeps its reference."""
    return str(value or "").rstrip("/")


def _credentials(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    listed = document.get("credential_list")
    return {
        str(one.get("credential_name")): one["credential_values"]
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, Mapping) and isinstance(one.get("credential_values"), Mapping)
    }


def _chains(
    document: Mapping[str, Any], groups: Mapping[str, Sequence[LiteLlmTarget]], warnings: list[str]
) -> tuple[PlannedChain, ...]:
    router, settings = _section(document, "router_settings"), _section(document, "litellm_settings")
    written = dict(_pairs(router.get("fallbacks") or settings.get("fallbacks")))
    default = [_name(one) for one in router.get("default_fallbacks") or settings.get("default_fallbacks") or []]
    aliases = {str(alias): _name(group) for alias, group in _section(router, "model_group_alias").items()}
    for group in written:
        if group != "*" and aliases.get(group, group) not in groups:
            warnings.append(f"fallbacks are written for {group!r}, which is not in model_list: dangling")
    chains = []
    for group, primaries in groups.items():
        own = written.get(group) or written.get("*") or default
        names = [aliases.get(name, name) for name in own]
        if not names:
            warnings.append(f"{group}: no fallback at all")
            continue
        if group not in written:
            warnings.append(f"{group}: only the default fallback")
        known = []
        for name in dict.fromkeys(names):
            if name == group:
                continue
            if name not in groups:
                warnings.append(f"{group}: falls back on {name!r}, which is not in model_list: dangling")
                continue
            known.append((name, tuple(groups[name])))
            warnings += _shared_fate(group, primaries, name, groups[name])
        if known:
            chains.append(PlannedChain(group, tuple(primaries), tuple(known[:CHAIN_LIMIT])))
    return tuple(chains)


def _shared_fate(
    group: str, primaries: Sequence[LiteLlmTarget], name: str, fallbacks: Sequence[LiteLlmTarget]
) -> Iterator[str]:
    """What a group and its fallback could lose together."""
    for primary in primaries:
        for fallback in fallbacks:
            if primary == fallback:
                yield f"{group} and its fallback {name} share everything: {primary.name}"
            elif (primary.preset, primary.address, primary.region) == (
                fallback.preset,
                fallback.address,
                fallback.region,
            ):
                yield f"{group} and its fallback {name} share the provider {primary.preset}: shared fate"
            elif primary.key and primary.key == fallback.key:
                yield f"{group} and its fallback {name} share the key {primary.key}: shared fate"


def _general_warnings(document: Mapping[str, Any]) -> Iterator[str]:
    general = _section(document, "general_settings")
    if general.get("background_health_checks"):
        every = general.get("health_check_interval") or 300
        deployments = len(document["model_list"])
        daily = f", {round(deployments * 86_400 / every):,} a day" if isinstance(every, int) and every > 0 else ""
        yield (
            f"background_health_checks is on: LiteLLM itself makes a paid completion per deployment every {every} s"
            f"{daily} for {deployments} deployments"
        )
    if general.get("store_model_in_db"):
        yield "store_model_in_db is on: models that are only in the proxy's database are not in this file"
    master = str(general.get("master_key") or "")
    if master and not master.startswith(_FROM_ENVIRONMENT):
        yield "the proxy's master key stands in the file: name it as os.environ/LITELLM_MASTER_KEY"
    if document.get("environment_variables"):
        yield "environment_variables stand in the file: they are not used, so set them where this command runs"
    if document.get("include"):
        yield "`include` in an included file is not followed, as LiteLLM does not: import what it names as well"


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _pairs(written: object) -> Iterator[tuple[str, list[str]]]:
    for one in written if isinstance(written, list) else []:
        if isinstance(one, Mapping):
            for group, names in one.items():
                yield str(group), [_name(name) for name in (names if isinstance(names, list) else [names])]


def _name(one: object) -> str:
    return str(one.get("model") or "") if isinstance(one, Mapping) else str(one)
