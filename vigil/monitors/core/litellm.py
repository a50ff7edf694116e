"""LiteLLM import plan: one monitor per provider, base and key, and the fallback chains. Pure.

The `config.yaml` is untrusted: plain data, bounded, and keys in it are never stored. Format as of LiteLLM 1.110.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vigil.monitors.core.litellm_chains import PlannedChain, chains_of, section
from vigil.monitors.core.litellm_keys import FROM_ENVIRONMENT, KeyVariables
from vigil.monitors.core.litellm_targets import BadConfig, Deployment, LiteLlmTarget, deployment_of

DEPLOYMENTS_MOST = 2_000


@dataclass(frozen=True, slots=True)
class PlannedMonitor:
    """A monitor to create, and the models it should list."""

    target: LiteLlmTarget
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class NamedDeployment:
    """A model that the file names, monitored or not, with LiteLLM's word for its provider."""

    provider: str
    model: str
    group: str


@dataclass(frozen=True, slots=True)
class Unmonitored:
    """A model group's deployments that no monitor is made for, and why."""

    group: str
    why: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Monitors and chains to create, what is left out, and warnings."""

    monitors: tuple[PlannedMonitor, ...]
    chains: tuple[PlannedChain, ...]
    warnings: tuple[str, ...]
    unmonitored: tuple[Unmonitored, ...] = ()
    used: tuple[NamedDeployment, ...] = ()


def plan(document: object) -> ImportPlan:
    """Plan monitors and chains of a parsed configuration; raises `BadConfig`."""
    if not isinstance(document, Mapping):
        raise BadConfig("the file is not a LiteLLM configuration: expected a mapping with `model_list`")
    entries = document.get("model_list")
    if not isinstance(entries, list) or not entries:
        raise BadConfig("`model_list` is missing or empty: nothing to monitor")
    if len(entries) > DEPLOYMENTS_MOST:
        raise BadConfig(f"`model_list` has more than {DEPLOYMENTS_MOST} entries")
    variables = KeyVariables()
    credentials = _credentials(document)
    deployments = [deployment_of(number, entry, credentials, variables) for number, entry in enumerate(entries, 1)]
    unmonitored = tuple(dict.fromkeys(Unmonitored(one.group, one.why) for one in deployments if one.target is None))
    warnings = [f"{one.group}: {one.why}: not monitored" for one in unmonitored] + variables.warnings
    chains = chains_of(document, _groups(deployments), _ids(deployments), warnings)
    warnings += _general_warnings(document)
    return ImportPlan(
        monitors=tuple(PlannedMonitor(target, tuple(found)) for target, found in sorted(_models(deployments).items())),
        chains=chains,
        warnings=tuple(dict.fromkeys(warnings)),
        unmonitored=unmonitored,
        used=tuple(sorted(set(map(_named, filter(_is_named, deployments))))),
    )


def _named(one: Deployment) -> NamedDeployment:
    return NamedDeployment(one.provider, one.named, one.group)


def _is_named(one: Deployment) -> bool:
    return bool(one.provider and one.named and "*" not in one.named)


def _models(deployments: Sequence[Deployment]) -> dict[LiteLlmTarget, list[str]]:
    models: dict[LiteLlmTarget, list[str]] = {}
    for one in deployments:
        if one.target is not None:
            found = models.setdefault(one.target, [])
            if one.model and "*" not in one.model and one.model not in found:
                found.append(one.model)
    return models


def _groups(deployments: Sequence[Deployment]) -> dict[str, list[LiteLlmTarget]]:
    """Targets of every group; none of a group that is not monitored."""
    groups: dict[str, list[LiteLlmTarget]] = {}
    for one in deployments:
        members = groups.setdefault(one.group, [])
        if one.target is not None and one.target not in members:
            members.append(one.target)
    return groups


def _ids(deployments: Sequence[Deployment]) -> dict[str, list[LiteLlmTarget]]:
    return {one.id: [one.target] if one.target else [] for one in deployments if one.id}


def _credentials(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    listed = document.get("credential_list")
    return {
        str(one.get("credential_name")): one["credential_values"]
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, Mapping) and isinstance(one.get("credential_values"), Mapping)
    }


def _general_warnings(document: Mapping[str, Any]) -> Iterator[str]:
    general = section(document, "general_settings")
    if general.get("background_health_checks"):
        every = general.get("health_check_interval") or 300
        deployments = len(document["model_list"])
        daily = f", {round(deployments * 86_400 / every):,} a day" if isinstance(every, int) and every > 0 else ""
        yield (
            f"background_health_checks is on: LiteLLM itself makes a paid completion per deployment every {every} s"
            f"{daily} for {deployments} deployment{'' if deployments == 1 else 's'}"
        )
    if general.get("store_model_in_db"):
        yield "store_model_in_db is on: models that are only in the proxy's database are not in this file"
    master = str(general.get("master_key") or "")
    if master and not master.startswith(FROM_ENVIRONMENT):
        yield "the proxy's master key is in the file: refer to it as os.environ/LITELLM_MASTER_KEY"
    if document.get("environment_variables"):
        yield "environment_variables in the file are not used: set them where this command runs"
    if document.get("include"):
        yield "`include` in an included file is not followed, as LiteLLM does not: import what it names as well"
