"""LiteLLM fallback chains, and shared points of failure of a group and its fallback. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vigil.monitors.core.litellm_targets import LiteLlmTarget

CHAIN_LIMIT = 5


@dataclass(frozen=True, slots=True)
class PlannedChain:
    """A model group, its targets, and its fallback groups in order."""

    group: str
    primaries: tuple[LiteLlmTarget, ...]
    fallbacks: tuple[tuple[str, tuple[LiteLlmTarget, ...]], ...]


def chains_of(
    document: Mapping[str, Any], groups: Mapping[str, Sequence[LiteLlmTarget]], warnings: list[str]
) -> tuple[PlannedChain, ...]:
    """Chain of every group, with aliases followed; missing or shared parts go to `warnings`."""
    router, settings = section(document, "router_settings"), section(document, "litellm_settings")
    written = dict(_pairs(router.get("fallbacks") or settings.get("fallbacks")))
    default = [_name(one) for one in router.get("default_fallbacks") or settings.get("default_fallbacks") or []]
    aliases = {str(alias): _name(group) for alias, group in section(router, "model_group_alias").items()}
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
    """Shared point of failure of a group and its fallback."""
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


def section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _pairs(written: object) -> Iterator[tuple[str, list[str]]]:
    for one in written if isinstance(written, list) else []:
        if isinstance(one, Mapping):
            for group, names in one.items():
                yield str(group), [_name(name) for name in (names if isinstance(names, list) else [names])]


def _name(one: object) -> str:
    return str(one.get("model") or "") if isinstance(one, Mapping) else str(one)
