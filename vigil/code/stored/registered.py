"""Sections of packages above this one: each registers how its objects are read, written and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from vigil.code.core.fields.types import Json


@dataclass(frozen=True, slots=True)
class RegisteredSection:
    """A section whose rows are found by their team.

    `read(rows)` gives id, name and fields of each; `write(writing, wanted, row)` the id and the row, where the row
    that it gets is None for a new one; `delete(row)` deletes by its own rules.
    """

    model: type[Model]
    read: Callable[[Any], Iterable[tuple[str, str, Json]]]
    write: Callable[[Any, Any, Any], tuple[str, Any]]
    delete: Callable[[Any], None]


#: By name, from when the applications are ready.
REGISTERED: dict[str, RegisteredSection] = {}
