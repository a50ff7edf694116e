"""Controls of settings, read from the fields of a kind's struct. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

#: Texts with line breaks.
_LONG = frozenset({"arguments", "body", "ca_pem", "prompt", "send", "tool_arguments", "tool_parameters"})


class Control(StrEnum):
    """How a person gives a setting."""

    TEXT = "text"
    LONG_TEXT = "textarea"
    WHOLE = "whole"
    DECIMAL = "decimal"
    SWITCH = "checkbox"
    CHOICE = "select"
    #: A list of texts, one a line.
    LINES = "lines"
    #: A list of pairs, such as headers: `Name: value`, one a line.
    PAIRS = "pairs"
    #: A value of JSON, where a text needs no quotes unless it looks like another value.
    SCALAR = "scalar"
    #: A list of structs of several types: rows with fields of their own.
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class SettingControl:
    """One setting. `default` is plain data, UNSET where leaving it out means something of its own.

    `rows` are the structs of a list of structs, by their tag.
    """

    name: str
    control: Control
    required: bool
    default: Any = ""
    choices: tuple[str, ...] = ()
    words: str = ""
    rows: tuple[tuple[str, type[msgspec.Struct]], ...] = ()

    @property
    def empty(self) -> Any:
        """What an empty text means: no value where there may be none."""
        return self.default if self.default in (None, msgspec.UNSET) else ""


@lru_cache(maxsize=128)
def controls_of(struct: type[msgspec.Struct]) -> tuple[SettingControl, ...]:
    """Controls of a struct's fields, in their order."""
    shown = inspect.type_info(struct)
    assert isinstance(shown, inspect.StructType)
    return tuple(_control(field) for field in shown.fields)


def _control(field: inspect.Field) -> SettingControl:
    kind, words = _plain(field.type)
    default = _default(field)
    control, choices = _of_type(field.name, kind)
    rows: tuple[tuple[str, type[msgspec.Struct]], ...] = ()
    if control is Control.ROWS:
        rows = tuple((str(one.tag), one.cls) for one in _structs(kind))
        default = []
    return SettingControl(field.name, control, field.required, default, choices, words, rows)


def _default(field: inspect.Field) -> Any:
    if field.required:
        return ""
    value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    if value is msgspec.NODEFAULT or value is msgspec.UNSET:
        # So a field is described whose default is UNSET.
        return msgspec.UNSET
    plain = msgspec.to_builtins(value)
    return list(plain) if isinstance(plain, tuple) else plain


def _plain(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """The type without its notes, and the description that they hold."""
    words = ""
    while isinstance(kind, inspect.Metadata):
        words = words or str((kind.extra_json_schema or {}).get("description", ""))
        kind = kind.type
    return kind, words


def _of_type(name: str, kind: inspect.Type) -> tuple[Control, tuple[str, ...]]:
    if isinstance(kind, inspect.UnionType):
        return _of_union(name, kind)
    if isinstance(kind, inspect.LiteralType):
        return Control.CHOICE, tuple(str(value) for value in kind.values)
    if isinstance(kind, inspect.EnumType):
        return Control.CHOICE, tuple(str(one.value) for one in kind.cls)
    if isinstance(kind, inspect.BoolType):
        return Control.SWITCH, ()
    if isinstance(kind, inspect.IntType):
        return Control.WHOLE, ()
    if isinstance(kind, inspect.FloatType):
        return Control.DECIMAL, ()
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        item, _ = _plain(kind.item_type)
        if _structs(kind):
            return Control.ROWS, ()
        return (Control.PAIRS if isinstance(item, inspect.TupleType) else Control.LINES), ()
    return (Control.LONG_TEXT if name in _LONG else Control.TEXT), ()


def _of_union(name: str, kind: inspect.UnionType) -> tuple[Control, tuple[str, ...]]:
    parts = [part for part in kind.types if not isinstance(part, inspect.NoneType)]
    if all(isinstance(part, inspect.LiteralType) for part in parts):
        return Control.CHOICE, tuple(dict.fromkeys(str(one) for part in parts for one in part.values))  # type: ignore[attr-defined]
    if len(parts) == 1:
        control, choices = _of_type(name, parts[0])
        return control, ("", *choices) if choices else choices
    return Control.SCALAR, ()


def _structs(kind: inspect.Type) -> list[inspect.StructType]:
    if not isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return []
    item, _ = _plain(kind.item_type)
    parts: Iterable[inspect.Type] = item.types if isinstance(item, inspect.UnionType) else [item]
    return [part for part in parts if isinstance(part, inspect.StructType)]
