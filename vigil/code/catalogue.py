"""Catalogue of kinds for documents, read from the registries of probers, presets and channels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from probes.presets import CATALOGUE, PresetError, build
from probes.probers import PROBERS, SpecError, parse_spec, read_spec
from probes.wire import CANARY_KIND
from vigil.alerts.channels import CHANNELS, ChannelSettingsError, parse_config
from vigil.code.core.fields.types import Json
from vigil.code.core.kinds import Catalogue, ConfigProblem, KindShape, PresetDraft
from vigil.monitors.costs import canary_estimate, canary_problem
from vigil.monitors.presets import AI_TAG, GIVEN

PROBER, CHANNEL = "prober", "channel"


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Every kind of this installation."""
    return Catalogue(
        kinds={PROBER: _probers(), CHANNEL: _channels()},
        presets=tuple(sorted(CATALOGUE)),
        preset_fields=tuple(GIVEN),
        draft=_draft,
        check=_check,
        least_interval_s=lambda kind: PROBERS[kind].least_interval_s if kind in PROBERS else 0,
        price_problem=_price_problem,
        price=_price,
    )


def _price_problem(kind: str, config: Json, interval_s: int) -> str:
    try:
        problem = canary_problem(read_spec(kind, config), interval_s) if kind == CANARY_KIND else None
    except SpecError:
        # It is refused for that.
        return ""
    return f"{kind}: {problem[0]}: {problem[1]}" if problem is not None else ""


def _price(kind: str, config: Json, interval_s: int) -> str:
    found = canary_estimate(kind, config, interval_s)
    return found.text if found is not None else ""


@lru_cache(maxsize=1)
def definitions() -> dict[str, Json]:
    """JSON Schemas of everything that the settings of kinds refer to."""
    return _described()[1]


@lru_cache(maxsize=1)
def _described() -> tuple[dict[tuple[str, str], Json], dict[str, Json]]:
    names = [*((PROBER, kind) for kind in PROBERS), *((CHANNEL, kind) for kind in CHANNELS)]
    types = [*(prober.spec for prober in PROBERS.values()), *(kind.config for kind in CHANNELS.values())]
    shown, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    return dict(zip(names, shown, strict=True)), components


def _shape(family: str, kind: str, settings: type[Any], secrets: frozenset[str] | None, words: str) -> KindShape:
    shown, components = _described()
    described = shown[family, kind]
    names = frozenset(each.name for each in msgspec.structs.fields(settings))
    return KindShape(names, frozenset(_names_in(described, components, set())), described, secrets, words)


def _names_in(schema: Any, components: Mapping[str, Json], seen: set[str]) -> set[str]:
    """Names of all properties below a schema."""
    found: set[str] = set()
    if isinstance(schema, list):
        for part in schema:
            found |= _names_in(part, components, seen)
    elif isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            seen.add(name)
            found |= _names_in(components[name], components, seen)
        found |= set(schema.get("properties", {}))
        for part in schema.values():
            found |= _names_in(part, components, seen)
    return found


def _probers() -> dict[str, KindShape]:
    return {kind: _shape(PROBER, kind, prober.spec, None, "") for kind, prober in PROBERS.items()}


def _channels() -> dict[str, KindShape]:
    return {
        kind: _shape(CHANNEL, kind, found.config, frozenset(found.secrets), found.words)
        for kind, found in CHANNELS.items()
    }


def _draft(preset: str, fields: Mapping[str, Any]) -> PresetDraft:
    try:
        made = build(preset, {GIVEN[name]: value for name, value in fields.items() if value})
    except PresetError as problem:
        field = next((ours for ours, theirs in GIVEN.items() if theirs == problem.field), problem.field)
        raise ConfigProblem(field, problem.problem) from None
    return PresetDraft(
        made.kind, dict(made.config), dict(made.secrets), made.interval_s, made.timeout_ms, (AI_TAG,), made.warnings
    )


def _check(family: str, kind: str, config: Json, secrets: frozenset[str]) -> None:
    try:
        if family == PROBER:
            parse_spec(kind, config)
            return
        parse_config(kind, config)
    except SpecError as refused:
        raise ConfigProblem("" if refused.field == "config" else refused.field, refused.problem) from None
    except ChannelSettingsError as refused:
        raise ConfigProblem("" if refused.field == "config" else refused.field, refused.problem) from None
    known = CHANNELS[kind].secrets
    strange = next((name for name in secrets if name not in known), None)
    if strange is not None:
        raise ConfigProblem("secrets", f"{strange[:40]!r} is not one of {', '.join(known) or 'none'}")
    needed = (name for name, secret in known.items() if secret.needed and not secret.generated)
    missing = next((name for name in needed if name not in secrets), None)
    if missing is not None:
        raise ConfigProblem("secrets", f"{missing} is missing: {known[missing].words}")
