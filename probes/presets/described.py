"""Description of a preset for pages and scripts: its inputs, its request, and what the answers mean. Pure."""

from __future__ import annotations

from typing import Any

from probes.ai.classify import status_map
from probes.presets.shape import Key, Preset


def described(preset: Preset) -> dict[str, Any]:
    """All that helps to choose a preset, as plain data."""
    return {
        "name": preset.name,
        "title": preset.title,
        "kind": preset.kind,
        "says": preset.says,
        "key": preset.key.value,
        "needs": _needs(preset),
        "own_address": preset.own_address,
        "asks": f"{preset.method} {preset.address}{preset.path}" if preset.path else preset.address,
        "model_means": preset.models.means if preset.models else "",
        "timeout_ms": preset.timeout_ms,
        "interval_s": preset.interval_s,
        "billed": preset.billed,
        "warnings": list(preset.warnings),
        "codes": {str(code): reason.value for code, reason in status_map(preset.family).items()},
        "doc": preset.doc,
    }


def _needs(preset: Preset) -> list[str]:
    """Required fields, by the names that people give them: what the catalogue calls a name is a resource."""
    needs = ["resource" if name == "name" else name for name in preset.needs]
    needs += ["key"] if preset.key is Key.REQUIRED else []
    return needs + (["billing_acknowledged"] if preset.billed else [])
