"""Preset mapping: key, address and model to the fields of a monitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

#: Parameters for people -> parameters of the catalogue.
GIVEN = {
    "key": "key",
    "address": "address",
    "model": "model",
    "region": "region",
    "resource": "name",
    "billing_acknowledged": "billing_acknowledged",
}
#: Parts of a made configuration -> what they were made from; a secret is made from the key.
_MADE_FROM = {"url": "address", "assertions": "model"}
MADE = ("kind", "config", "secrets")
#: Default tag of preset monitors, so that one route can match them all.
AI_TAG = "ai"


def fields_from_preset(
    preset: str, given: Mapping[str, Any], wanted: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Settable fields of a preset's monitor, and the preset's warnings.

    `wanted` fields (name, interval) override its recommendations. Raises `ValidationError` keyed by field, without
    quoting the key.
    """
    # Imported late: most processes never write a monitor, and the catalogue loads slowly.
    from probes.presets import PresetError, build

    for field in MADE:
        if wanted.get(field):
            raise ValidationError({field: ["A preset sets this: give one of the two."]})
    try:
        made = build(preset, {GIVEN[name]: value for name, value in given.items() if value})
    except PresetError as problem:
        field = next((ours for ours, theirs in GIVEN.items() if theirs == problem.field), "preset")
        raise ValidationError({field: [problem.problem]}) from None
    fields = {
        "name": made.name,
        "interval_s": made.interval_s,
        "timeout_ms": made.timeout_ms,
        "tags": [AI_TAG],
        **{name: value for name, value in wanted.items() if name not in MADE},
        "kind": made.kind,
        "config": made.config,
        "secrets": dict(made.secrets),
    }
    return fields, made.warnings


def by_what_was_given(refused: ValidationError, given: Mapping[str, Any]) -> ValidationError:
    """The error of a monitor that a preset made, by the fields that were given and not by those that were made."""
    problems: dict[str, list[ValidationError]] = {}
    for field, errors in refused.error_dict.items():
        for error in errors:
            path = str((error.params or {}).get("path", "")).partition(".")[0].partition("[")[0]
            origin = "key" if field == "secrets" else _MADE_FROM.get(path, "address") if field == "config" else field
            origin = origin if field not in MADE or origin in given else "preset"
            reason = str((error.params or {}).get("reason", error.messages[0]))
            problems.setdefault(origin, []).append(error if origin == field else ValidationError(reason, error.code))
    return ValidationError(problems)
