"""Catalogue of presets: makes a complete monitor from a name and a key, or an address and a model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from probes.presets import engines, gateways, hosts, labs, servers, stores
from probes.presets.drafts import MonitorDraft, draft
from probes.presets.shape import Key, Preset, PresetError

__all__ = ["CATALOGUE", "Key", "MonitorDraft", "Preset", "PresetError", "build", "find"]

CATALOGUE: dict[str, Preset] = {
    preset.name: preset for shelf in (labs, hosts, servers, gateways, engines, stores) for preset in shelf.PRESETS
}


def _plain(name: str) -> str:
    """A name in the form it is compared in: users write `llama.cpp`, `LM Studio` and `azure_openai`."""
    return "".join(character for character in name.lower() if character.isalnum())


def find(name: str) -> Preset:
    """The preset of a name; raises `PresetError`, which suggests the nearest name."""
    known = {_plain(each): preset for preset in CATALOGUE.values() for each in (*preset.also, preset.name)}
    preset = known.get(_plain(name))
    if preset is None:
        near = difflib.get_close_matches(name, CATALOGUE, n=3, cutoff=0.7)
        hint = f"did you mean {', '.join(near)}?" if near else "`manage.py check --list-presets` lists them"
        raise PresetError("preset", f"there is no preset {name[:40]!r}: {hint}")
    return preset


def build(name: str, wanted: Mapping[str, Any]) -> MonitorDraft:
    """The monitor that a preset makes from a key, an address, a model; raises `PresetError`."""
    return draft(find(name), wanted)
