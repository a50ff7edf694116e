"""LiteLLM fallback chains, and shared points of failure of a group and its fallback. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vigil.monitors.core.litellm_targets import LiteLlmTarget

CHAIN_LIMIT = 5
#: Groups that a warning names.
NAMED = 5
#: Fallbacks of a few requests, and what those are.
_OTHERS = {"context_window_fallbacks": "context window", "content_policy_fallbacks": "content policy"}


@dataclass(frozen=True, slots=True)
class PlannedChain:
    """A model group, its targets, and its fallback groups in order.

    `only_for` names requests that alone take this chain: those that are too long, or refused for their content.
    """

    group: str
    primaries: tuple[LiteLlmTarget, ...]
    fallbacks: tuple[tuple[str, tuple[LiteLlmTarget, ...]], ...]
    only_for: str = ""

    @property
    def name(self) -> str:
        """The group, and which requests take the chain where not all do."""
        return f"{self.group} ({self.only_for})" if self.only_for else self.group


def chains_of(
    document: Mapping[str, Any],
    groups: Mapping[str, Sequence[LiteLlmTarget]],
    ids: Mapping[str, Sequence[LiteLlmTarget]],
    warnings: list[str],
) -> tuple[PlannedChain, ...]:
    """Chain of every group, with aliases followed; missing or shared parts go to `warnings`.

    `ids` are deployments by the id in their `model_info`, which a fallback may name as well. A group without targets
    is not monitored.
    """
    router, settings = section(document, "router_settings"), section(document, "litellm_settings")
    written = dict(_pairs(router.get("fallbacks") or settings.get("fallbacks")))
    default = [_name(one) for one in _listed(router.get("default_fallbacks") or settings.get("default_fallbacks"))]
    aliases = {str(alias): _name(group) for alias, group in section(router, "model_group_alias").items()}
    known = {**ids, **groups}
    for group in written:
        if group != "*" and aliases.get(group, group) not in known:
            warnings.append(f"fallbacks are written for {group!r}, which is not in model_list: dangling")
    chains, without, by_default = [], [], []
    for group, primaries in groups.items():
        names = [aliases.get(name, name) for name in written.get(group) or written.get("*") or default]
        if not names:
            without.append(group)
            continue
        if group not in written:
            by_default.append(group)
        steps = _steps(group, primaries, names, known, warnings)
        if steps and primaries:
            chains.append(PlannedChain(group, tuple(primaries), tuple(steps[:CHAIN_LIMIT])))
    warnings += _counted(without, "no fallback at all") + _counted(by_default, "only the default fallback")
    chains += _other_chains((router, settings), groups, aliases, known, warnings)
    return tuple(chains)


def _steps(
    group: str,
    primaries: Sequence[LiteLlmTarget],
    names: Sequence[str],
    known: Mapping[str, Sequence[LiteLlmTarget]],
    warnings: list[str],
) -> list[tuple[str, tuple[LiteLlmTarget, ...]]]:
    steps = []
    for name in dict.fromkeys(names):
        if name == group:
            continue
        if name not in known:
            warnings.append(f"{group}: falls back on {name!r}, which is not in model_list: dangling")
        elif not known[name]:
            warnings.append(f"{group}: falls back on {name!r}, which is not monitored")
        else:
            # What dies with the primary is no fallback.
            others = tuple(target for target in known[name] if target not in primaries)
            steps += [(name, others)] if others else []
            warnings += _shared_fate(group, primaries, name, known[name])
    return steps


def _counted(groups: Sequence[str], what: str) -> list[str]:
    """A warning for each of a few groups; one about all of many, with the first names."""
    if len(groups) <= NAMED:
        return [f"{group}: {what}" for group in groups]
    return [f"{len(groups)} groups have {what}: {', '.join(groups[:NAMED])} and {len(groups) - NAMED} more"]


def _other_chains(
    sections: Sequence[Mapping[str, Any]],
    groups: Mapping[str, Sequence[LiteLlmTarget]],
    aliases: Mapping[str, str],
    known: Mapping[str, Sequence[LiteLlmTarget]],
    warnings: list[str],
) -> Iterator[PlannedChain]:
    """Chains that no outage takes: for requests that are too long, or refused for their content."""
    for kind, only_for in _OTHERS.items():
        for written, names in _pairs(next((one[kind] for one in sections if one.get(kind)), None)):
            group = aliases.get(written, written)
            if group == "*":
                continue
            if group not in groups:
                warnings.append(f"{kind} name {written!r}, which is not in model_list: dangling")
                continue
            steps = _steps(group, groups[group], [aliases.get(name, name) for name in names], known, warnings)
            if steps and groups[group]:
                yield PlannedChain(group, tuple(groups[group]), tuple(steps[:CHAIN_LIMIT]), only_for)


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
    for one in _listed(written):
        if isinstance(one, Mapping):
            for group, names in one.items():
                yield str(group), [_name(name) for name in (names if isinstance(names, list) else [names])]


def _listed(written: object) -> list[Any]:
    return written if isinstance(written, list) else []


def _name(one: object) -> str:
    return str(one.get("model") or "") if isinstance(one, Mapping) else str(one)
