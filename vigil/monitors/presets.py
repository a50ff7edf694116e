"""From a preset and what people give it (a key, an address, a model) to the fields of a monitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

#: What a preset is asked with, as people write it -> as the catalogue calls it.
GIVEN = {
    "key": "key",
    "address": "address",
    "model": "model",
    "region": "region",
    "resource": "name",
    "billing_acknowledged": "billing_acknowledged",
}
#: What only a preset may say of its monitor.
MADE = ("kind", "config", "secrets")
#: What a preset's monitor is tagged with unless it is given other tags, so that one route may name them all.
AI_TAG = "ai"


def fields_from_preset(
    preset: str, given: Mapping[str, Any], wanted: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The settable fields of the monitor that a preset makes, and what the preset warns of.

    What is `wanted` besides (a name, an interval) goes before what the preset recommends. Raises `ValidationError`
    keyed by the field that is missing or wrong, never quoting the key.
    """
    # The catalogue and its probers load slowly, and most processes never write a monitor.
    from probes.presets import PresetError, build

    for field in MADE:
        if wanted.get(field):
            raise ValidationError({field: ["A preset makes this: give one of the two."]})
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
