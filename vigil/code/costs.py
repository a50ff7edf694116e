"""Costs in a plan: what a changed monitor has cost until now, beside what it will. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vigil.code.core.document import Document
from vigil.code.core.state import TeamState

#: What a month of a kind with a configuration and an interval (s) costs, in words; "" for one that costs nothing.
CostInWords = Callable[[str, Any, int], str]


def costs_until_now(document: Document, state: TeamState, cost: CostInWords) -> list[str]:
    """A line for each owned monitor whose cost a document changes."""
    lines = []
    for (section, key), public_id in sorted(state.owned.items()):
        wanted, actual = document.objects.get(section, {}).get(key), state.objects.get(public_id)
        if section != "monitors" or wanted is None or actual is None:
            continue
        before, after = (_cost(fields, cost) for fields in (actual.fields, wanted.fields))
        if before and after and before != after:
            lines.append(f"{section}.{key}: until now: {before}")
    return lines


def _cost(fields: Mapping[str, Any], cost: CostInWords) -> str:
    names = ("kind", "config", "interval")
    return cost(*(fields[name] for name in names)) if all(name in fields for name in names) else ""
