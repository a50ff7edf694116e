"""LiteLLM proxy as a document: a monitor for each provider, base and key, and a composite for each chain. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from probes.presets import CATALOGUE, Key, PresetError
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.report import SourceError
from vigil.monitors.core.litellm import ImportPlan, PlannedMonitor
from vigil.monitors.core.litellm import plan as plan_of
from vigil.monitors.core.litellm_drafts import REGIONS, draft_of
from vigil.monitors.core.litellm_keys import FROM_ENVIRONMENT
from vigil.monitors.core.litellm_targets import BadConfig, LiteLlmTarget

TAG = "litellm"
#: A region that there is not.
_REGION = "us-standin-9"


def plan(document: Any, draft: Draft) -> None:
    """Add what the proxy calls; raises `SourceError`."""
    try:
        planned = plan_of(document)
    except BadConfig as problem:
        raise SourceError(str(problem)) from None
    stand_ins = dict(_stand_ins(planned))
    keys: dict[LiteLlmTarget, str] = {}
    for one in planned.monitors:
        key = _add(draft, one, stand_ins)
        if key:
            keys[one.target] = key
    for left_out in planned.unmonitored:
        draft.refuse("model group", left_out.group, left_out.why)
    for chain in planned.chains:
        steps = [(chain.group, chain.primaries), *chain.fallbacks]
        links = [{"group": group, "any_of": [keys[target] for target in targets if target in keys]}
                 for group, targets in steps]  # fmt: skip
        whole = [link for link in links if link["any_of"]]
        if links[0]["any_of"] and len(whole) > 1:
            draft.add_chain(f"LiteLLM: {chain.name}", whole, "LiteLLM fallbacks")
        else:
            which = "fallbacks" if links[0]["any_of"] else "monitors"
            draft.refuse("chain", chain.name, f"none of its {which} is in the file")
    for warning in planned.warnings:
        draft.note(warning)


def _add(draft: Draft, planned: PlannedMonitor, stand_ins: Mapping[str, str]) -> str:
    target = planned.target
    try:
        made = draft_of(planned, stand_ins)
    except PresetError as problem:
        draft.refuse("monitor", target.name, str(problem))
        return ""
    monitor = ImportedMonitor(
        target.name, made.kind, _referring(draft, made.config, stand_ins), f"LiteLLM: {', '.join(planned.models)[:200]}"
    )
    monitor.secrets = _referring(draft, dict(made.secrets), stand_ins)
    monitor.interval_s, monitor.timeout_s, monitor.tags = made.interval_s, made.timeout_ms / 1000, [TAG]
    return draft.add_monitor(monitor)


def _stand_ins(planned: ImportPlan) -> Iterator[tuple[str, str]]:
    """A text that stands for the value of each variable, until a reference takes its place."""
    for one in planned.monitors:
        preset = CATALOGUE.get(one.target.preset)
        if one.target.key and preset is not None and preset.key is not Key.NONE:
            yield one.target.key, f"stand-in-{one.target.key.lower().replace('_', '-')}-stand-in"
        for written, stand_in in ((one.target.address, "https://{}.stand-in.example"), (one.target.region, _REGION)):
            name = written.removeprefix(FROM_ENVIRONMENT)
            if written.startswith(FROM_ENVIRONMENT):
                yield name, stand_in.format(name.lower().replace("_", "-"))
    yield REGIONS[0], _REGION


def _referring(draft: Draft, value: Any, stand_ins: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _referring(draft, each, stand_ins) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_referring(draft, each, stand_ins) for each in value]
    if isinstance(value, str) and ("stand-in" in value or _REGION in value):
        for name, text in stand_ins.items():
            if text in value:
                value = value.replace(text, draft.variables.of_source(name, "what LiteLLM reads from the environment"))
    return value
