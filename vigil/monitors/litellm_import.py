"""LiteLLM import: creates planned monitors and chains. Idempotent: monitors are found by their name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from probes.presets import CATALOGUE, Key, MonitorDraft, PresetError, build
from vigil.accounts.models import Team
from vigil.monitors import changes
from vigil.monitors.composites import MemberLink, write_chain
from vigil.monitors.core.litellm import ImportPlan, PlannedMonitor
from vigil.monitors.core.litellm_targets import LiteLlmTarget
from vigil.monitors.models import Monitor, Region

#: Models per monitor, since its assertions are bounded.
MODELS_MOST = 15
TAG = "litellm"
_REFERENCE = "os.environ/"


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


def draft_of(planned: PlannedMonitor, environment: Mapping[str, str]) -> MonitorDraft:
    """Draft of a planned monitor; raises `PresetError`. Addresses and keys come from `environment`."""
    target = planned.target
    address = _resolved(target.address, environment)
    preset = CATALOGUE.get(target.preset)
    fixed = preset is not None and not preset.own_address
    given: dict[str, Any] = {
        "key": environment.get(target.key, "") if preset and preset.key is not Key.NONE else "",
        "address": "" if fixed else address,
        "region": _resolved(target.region, environment) or environment.get("AWS_REGION", ""),
        "models": list(_listed_models(planned)),
    }
    made = build(target.preset, given if preset is None or "region" in preset.needs else {**given, "region": ""})
    if fixed and preset is not None and address and not _same_host(preset.address, address):
        base = address.removesuffix("/v1") if preset.path.startswith("/v1") else address
        made.config["url"] = base + str(made.config["url"]).removeprefix(preset.address)
    return made


def carry_out(team: Team, plan: ImportPlan, environment: Mapping[str, str], regions: Sequence[Region]) -> list[Done]:
    """Create and change everything in the plan, or nothing; raises `ValidationError`."""
    done: list[Done] = []
    monitors: dict[LiteLlmTarget, Monitor] = {}
    with transaction.atomic():
        for planned in plan.monitors:
            name = planned.target.name
            present = Monitor.objects.filter(team=team, name=name, deleted_at=None).first()
            try:
                made = _draft_beside(present, planned, environment)
                if present is not None and not made.secrets:
                    changes.check_destination(present, {"config": made.config})
            except (PresetError, ValidationError) as problem:
                done.append(Done(name, "skipped", " ".join(getattr(problem, "messages", [str(problem)]))))
                continue
            monitor, became = _write(team, name, present, made, regions)
            monitors[planned.target] = monitor
            done.append(Done(name, became))
        for chain in plan.chains:
            steps = [(chain.group, chain.primaries), *chain.fallbacks]
            links = [
                MemberLink(group, tuple(monitors[target] for target in targets if target in monitors))
                for group, targets in steps
            ]
            if not links[0].monitors:
                done.append(Done(f"chain {chain.group}", "skipped", "none of its monitors could be created"))
                continue
            _, written = write_chain(team, f"LiteLLM: {chain.group}", [link for link in links if link.monitors])
            done.append(Done(f"chain {chain.group}", "written" if written else "unchanged"))
    return done


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
    if not text.startswith(_REFERENCE):
        return text
    return environment.get(text.removeprefix(_REFERENCE), "").rstrip("/")


def _same_host(one: str, other: str) -> bool:
    return urlsplit(one).hostname == urlsplit(other if "://" in other else f"https://{other}").hostname
