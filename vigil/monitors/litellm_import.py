"""LiteLLM import: creates planned monitors and chains. Idempotent: monitors are found by their name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from probes.presets import CATALOGUE, Key, MonitorDraft, PresetError
from probes.reasons import Reason
from vigil.accounts.models import Team
from vigil.monitors import changes
from vigil.monitors.composites import MemberLink, write_chain
from vigil.monitors.core.composite_rules import CompositeRule
from vigil.monitors.core.litellm import ImportPlan, PlannedMonitor
from vigil.monitors.core.litellm_drafts import MODELS_MOST, draft_of
from vigil.monitors.core.litellm_keys import FROM_ENVIRONMENT
from vigil.monitors.core.litellm_targets import LiteLlmTarget
from vigil.monitors.models import Monitor, Region

TAG = "litellm"
_MODEL_REASONS = frozenset({Reason.MODEL_MISSING.value, Reason.MODEL_NOT_LOADED.value})


@dataclass(frozen=True, slots=True)
class Done:
    """Result for one monitor or chain: created, changed, unchanged or skipped, and why."""

    name: str
    became: str
    why: str = ""


def wanted_keys(plan: ImportPlan) -> dict[str, bool]:
    """Key variables of a plan, each with whether it is required."""
    needed: dict[str, bool] = {}
    for planned in plan.monitors:
        preset = CATALOGUE.get(planned.target.preset)
        if preset is not None and planned.target.key and preset.key is not Key.NONE:
            needed[planned.target.key] = needed.get(planned.target.key, False) or preset.key is Key.REQUIRED
    return needed


def wanted_addresses(plan: ImportPlan) -> set[str]:
    """Variables that a plan's addresses and regions are in."""
    written = [text for planned in plan.monitors for text in (planned.target.address, planned.target.region)]
    return {text.removeprefix(FROM_ENVIRONMENT) for text in written if text.startswith(FROM_ENVIRONMENT)}


def carry_out(
    team: Team, plan: ImportPlan, environment: Mapping[str, str], regions: Sequence[Region], source: str = ""
) -> list[Done]:
    """Create and change everything in the plan, or nothing; raises `ValidationError`.

    `source` names the proxy in the names of monitors and chains. Without one, a monitor that is there already also
    keeps asking for the models that another file named.
    """
    done: list[Done] = []
    monitors: dict[LiteLlmTarget, Monitor] = {}
    with transaction.atomic():
        for planned in plan.monitors:
            name = name_in(source, planned.target.name)
            present = Monitor.objects.filter(team=team, name=name, deleted_at=None).first()
            try:
                made = _draft_beside(present, planned, environment)
                if present is not None and not made.secrets:
                    changes.check_destination(present, {"config": made.config})
            except (PresetError, ValidationError) as problem:
                done.append(Done(name, "skipped", " ".join(getattr(problem, "messages", [str(problem)]))))
                continue
            made, kept = _joined(present, made)
            monitor, became = _write(team, name, present, made, regions)
            monitors[planned.target] = monitor
            notes = [f"still asks for {', '.join(kept)}, which this file lacks"] if kept else []
            if became == "created" and planned.target.key and not made.secrets and _takes_key(planned):
                notes.append(f"without a key, since {planned.target.key} is not set")
            done.append(Done(name, became, "; ".join(notes)))
        done += [Done(one.group, "skipped", one.why) for one in plan.unmonitored]
        done += _write_chains(team, plan, monitors, source)
    return done


def name_in(source: str, name: str) -> str:
    """Name of a monitor of a proxy."""
    return f"{source}: {name}" if source else name


def _takes_key(planned: PlannedMonitor) -> bool:
    return CATALOGUE[planned.target.preset].key is not Key.NONE


def _write_chains(
    team: Team, plan: ImportPlan, monitors: Mapping[LiteLlmTarget, Monitor], source: str
) -> Iterator[Done]:
    for chain in plan.chains:
        steps = [(chain.group, chain.primaries), *chain.fallbacks]
        links = [
            MemberLink(group, tuple(monitors[target] for target in targets if target in monitors))
            for group, targets in steps
        ]
        if not links[0].monitors:
            yield Done(f"chain {chain.name}", "skipped", "none of its monitors could be created")
            continue
        whole = [link for link in links if link.monitors]
        if len(whole) < 2:
            # It would warn at once that nothing could take over, of a fallback that only nobody looks at.
            yield Done(f"chain {chain.name}", "skipped", "none of its fallbacks could be created")
            continue
        name = f"LiteLLM {source}".rstrip() + f": {chain.name}"
        _, written = write_chain(team, name, whole, CompositeRule.READINESS)
        yield Done(f"chain {chain.name}", "written" if written else "unchanged")


def _joined(present: Monitor | None, made: MonitorDraft) -> tuple[MonitorDraft, list[str]]:
    """Draft that also asks for the models that the monitor asks for now; and those models."""
    before = _model_assertions(present.config) if present is not None and present.kind == made.kind else []
    now = _model_assertions(made.config)
    kept = [one for one in before if one not in now]
    if present is None or not kept:
        return made, []
    names = [str(one.get("contains") or one.get("equals") or one["path"]) for one in kept]
    if not now:
        both = {name: present.config[name] for name in ("url", "assertions")}
        return replace(made, config={**made.config, **both}), names
    # In the order in which they are stored, so that a second import changes nothing.
    asked = [*before, *(one for one in now if one not in before)]
    for one in kept[::-1][: max(0, len(asked) - MODELS_MOST)]:
        asked.remove(one)
    others = [one for one in made.config["assertions"] if one not in now]
    return replace(made, config={**made.config, "assertions": others + asked}), names


def _model_assertions(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in config.get("assertions", []) if one.get("reason") in _MODEL_REASONS]


def _draft_beside(present: Monitor | None, planned: PlannedMonitor, environment: Mapping[str, str]) -> MonitorDraft:
    """Draft that keeps the stored key if none is given now."""
    key = planned.target.key
    if present is None or not present.secrets or not key or environment.get(key):
        return draft_of(planned, environment)
    return replace(draft_of(planned, {**environment, key: "stored"}), secrets={})


def _write(
    team: Team, name: str, present: Monitor | None, made: MonitorDraft, regions: Sequence[Region]
) -> tuple[Monitor, str]:
    """Write only what the file says: intervals and regions set by people stay."""
    if present is None:
        fields = {
            "name": name,
            "kind": made.kind,
            "config": made.config,
            "secrets": dict(made.secrets),
            "interval_s": made.interval_s,
            "timeout_ms": made.timeout_ms,
            "tags": [TAG],
            "regions": list(regions),
        }
        return changes.create_monitor(team, fields), "created"
    if present.kind != made.kind:
        raise ValidationError({"name": [f"{name} exists but checks something else: rename it."]})
    secrets = {"secrets": dict(made.secrets)} if made.secrets else {}
    changed = changes.update_monitor(present, {"config": made.config, **secrets})
    return changed, "unchanged" if changed.revision == present.revision else "changed"
