"""Drafts of planned LiteLLM monitors: preset, address and key out of an environment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from probes.presets import CATALOGUE, Key, MonitorDraft, Preset, PresetError, build
from probes.presets.addresses import joined
from vigil.monitors.core.litellm import PlannedMonitor
from vigil.monitors.core.litellm_keys import FROM_ENVIRONMENT, provider_at, refusal_of
from vigil.monitors.core.litellm_targets import fault_of, host_of

#: Models per monitor, since its assertions are bounded.
MODELS_MOST = 15
#: Where LiteLLM finds the region of Bedrock.
REGIONS = ("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION")


def draft_of(planned: PlannedMonitor, environment: Mapping[str, str]) -> MonitorDraft:
    """Draft of a planned monitor; raises `PresetError`. Addresses and keys come from `environment`."""
    target = planned.target
    address, region = (_resolved(text, environment) for text in (target.address, target.region))
    fault = fault_of(address)
    if fault:
        raise PresetError("address", fault)
    refused = refusal_of(target.key, provider_at(target.preset, address))
    if refused:
        raise PresetError("key", refused)
    preset = CATALOGUE[target.preset]
    given: dict[str, Any] = {
        "key": environment.get(target.key, "") if preset.key is not Key.NONE else "",
        "address": _exact(preset, address) if preset.own_address else "",
        "models": list(_listed_models(planned)),
    }
    if "region" in preset.needs:
        given["region"] = region or next(filter(None, map(environment.get, REGIONS)), "")
        if not given["region"]:
            raise PresetError("region", f"set {REGIONS[0]}")
    made = build(target.preset, given)
    if address and not preset.own_address and host_of(address) != host_of(preset.address):
        path = str(made.config["url"]).removeprefix(preset.address)
        made.config["url"] = joined(_with_scheme(address), path, preset.client_base, exact=True)
    return made


def _listed_models(planned: PlannedMonitor) -> tuple[str, ...]:
    """Models in the provider's list; aliases and deployment names are not in it."""
    preset = CATALOGUE.get(planned.target.preset)
    if preset is None or preset.models is None or preset.name == "azure-openai":
        return ()
    models = planned.models
    if preset.name == "anthropic":
        models = tuple(model for model in models if model[-8:].isdigit())
    return models[:MODELS_MOST]


def _resolved(text: str, environment: Mapping[str, str]) -> str:
    """An address or region, out of the environment where the file says so; raises `PresetError` if it is not there."""
    if not text.startswith(FROM_ENVIRONMENT):
        return text
    variable = text.removeprefix(FROM_ENVIRONMENT)
    found = environment.get(variable, "").strip().rstrip("/")
    if not found:
        raise PresetError("address", f"set {variable}")
    return found


def _exact(preset: Preset, address: str) -> str:
    """LiteLLM asks below the base as it is written, also below one without a path."""
    if preset.client_base is None or not address:
        return address
    written = _with_scheme(address)
    return written if urlsplit(written).path.strip("/") else joined(written, "/models", "")


def _with_scheme(address: str) -> str:
    return address if "://" in address else f"http://{address}"
