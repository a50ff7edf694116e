"""Kinds of monitors and channels as documents see them: names of their settings, and how a config is read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vigil.code.core.durations import HOW, duration, milliseconds
from vigil.code.core.fields.types import Json, Wrong, escaped_tree
from vigil.code.core.tree import Node, nearest, shown

#: Units of fields by the ends of their names, in milliseconds.
_UNITS_MS = {"_ms": 1, "_s": 1_000}


class ConfigProblem(Exception):
    """A setting or secret that its kind does not take: its name ("" for the whole), and what is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class KindShape:
    """One kind: names of its settings, those of everything within them, and its JSON Schema.

    `secrets` are the names of its secrets; None where they are open, such as headers.
    """

    settings: frozenset[str]
    inner: frozenset[str]
    schema: Json
    secrets: frozenset[str] | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class PresetDraft:
    """What a preset makes of its fields. `secrets` hold the reference that was given as the key."""

    kind: str
    config: Json
    secrets: Mapping[str, str] = field(repr=False)
    interval_s: int
    timeout_ms: int
    tags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every kind that this installation knows, and the functions that judge a config. Those raise `ConfigProblem`.

    `kinds`: by the family that a section names, then by kind. `draft(preset, fields)`. `check(family, kind, config,
    names of secrets)`. `price_problem` and `price` say in words what is wrong with the money of a kind that costs some,
    and what it costs in a month; "" for other kinds.
    """

    kinds: Mapping[str, Mapping[str, KindShape]]
    presets: tuple[str, ...]
    preset_fields: tuple[str, ...]
    draft: Callable[[str, Mapping[str, Any]], PresetDraft]
    check: Callable[[str, str, Json, frozenset[str]], None]
    least_interval_s: Callable[[str], int]
    price_problem: Callable[[str, Json, int], str]
    price: Callable[[str, Json, int], str]


def read_config(shape: KindShape, kind: str, node: Node) -> Json:
    """The config of a kind as its API takes it; durations become numbers, and a map of headers pairs."""
    if node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise Wrong(f"{kind} is a map of settings")
    for name, part in node.value.items():
        if name not in shape.settings and _column(shape, name) is None:
            known = {written_name(shape, setting) for setting in shape.settings}
            raise Wrong(f"unknown setting {shown(name)} of {kind}: {nearest(name, known)}", part)
    found = _converted(shape, node)
    headers = found.get("headers")
    if isinstance(headers, dict):
        found["headers"] = [[name, value] for name, value in headers.items()]
    return dict(found)


def written_config(shape: KindShape, config: Json) -> Json:
    """A config as documents write it, its texts meaning themselves."""
    found = {name: _written(shape, name, value) for name, value in config.items()}
    headers = config.get("headers")
    if isinstance(headers, list) and len({name for name, _ in headers}) == len(headers):
        found["headers"] = dict(headers)
    written: Json = escaped_tree({written_name(shape, name): value for name, value in found.items()})
    return written


def _converted(shape: KindShape, node: Node) -> Any:
    if isinstance(node.value, list):
        return [_converted(shape, part) for part in node.value]
    if not isinstance(node.value, dict):
        return node.value
    found: Json = {}
    for name, part in node.value.items():
        column = _column(shape, name)
        if column is None:
            found[name] = _converted(shape, part)
            continue
        ms = milliseconds(part.value) if isinstance(part.value, str) else None
        unit_ms = _unit_ms(column)
        if ms is None or ms % unit_ms:
            raise Wrong(f"{name}: {shown(part.value)} is not a duration: {HOW}", part)
        found[column] = ms // unit_ms
    return found


def column_of(shape: KindShape, name: str) -> str:
    """The field in which a setting of this name is stored."""
    return _column(shape, name) or name


def _column(shape: KindShape, name: str) -> str | None:
    """The field that a duration of this name is stored in; None for a field that is written as it is stored."""
    if name in shape.inner:
        return None
    return next((name + end for end in _UNITS_MS if name + end in shape.inner), None)


def _unit_ms(column: str) -> int:
    return next(unit for end, unit in _UNITS_MS.items() if column.endswith(end))


def written_name(shape: KindShape, name: str) -> str:
    """The name of a setting in documents: without the unit, where durations are written with theirs."""
    for end in _UNITS_MS:
        base = name.removesuffix(end)
        if base != name and base not in shape.inner:
            return base
    return name


def _written(shape: KindShape, name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {written_name(shape, inner): _written(shape, inner, part) for inner, part in value.items()}
    if isinstance(value, list):
        return [_written(shape, "", part) for part in value]
    if written_name(shape, name) != name and isinstance(value, int | float) and not isinstance(value, bool):
        return duration(round(value * _unit_ms(name)))
    return value
