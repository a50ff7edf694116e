"""Reference of channel settings, read from the kinds: for the API, the admin and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from vigil.alerts.channels import CHANNELS


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting or secret of a kind. `default` is its JSON value; None where it is required or empty."""

    name: str
    words: str
    needed: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class KindReference:
    """Reference of one kind of channel."""

    kind: str
    name: str
    words: str
    config: tuple[Setting, ...]
    secrets: tuple[Setting, ...]


def page_of(kind: str) -> KindReference:
    """Reference of one kind."""
    found = CHANNELS[kind]
    return KindReference(
        kind=kind,
        name=found.name,
        words=found.words,
        config=tuple(_setting(field) for field in msgspec.structs.fields(found.config)),
        secrets=tuple(Setting(name, secret.words, secret.needed) for name, secret in found.secrets.items()),
    )


def pages() -> list[KindReference]:
    """References of all kinds, in their order."""
    return [page_of(kind) for kind in CHANNELS]


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    notes = [part for part in get_args(field.type)[1:] if isinstance(part, msgspec.Meta)]
    words = next((note.description for note in notes if note.description), "")
    default = None if field.required else field.default
    return Setting(field.name, words, field.required, default if default != "" else None)
