"""Drift of what a file keeps: where it is kept, the fields that differ, and the lines that would say what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vigil.code.core.drift import FieldDrift
from vigil.code.drift import drift_of
from vigil.code.models import ManagedObject
from vigil.monitors.core.clear_credentials import hidden_in_text


@dataclass(frozen=True, slots=True)
class ShownDrift:
    """A drift as it is drawn; `file` is where the patch belongs."""

    file: str
    fields: Sequence[FieldDrift]
    patch: str


def shown_drift(owner: ManagedObject | None, may_write: bool) -> ShownDrift | None:
    """What differs from the file; people who may only read see no credential in it, and no patch."""
    found = drift_of(owner) if owner is not None else None
    if owner is None or found is None:
        return None
    fields = found.fields if may_write else [_hidden(one) for one in found.fields]
    return ShownDrift(owner.file or "vigil.yaml", fields, found.patch if may_write else "")


def managed_words(owner: ManagedObject | None) -> str:
    """File and key of what a document manages; empty for what people do."""
    if owner is None:
        return ""
    place = f"{owner.file}:{owner.line}" if owner.file and owner.line else owner.file or owner.project
    return f"{place} \u203a {owner.key}"


def _hidden(one: FieldDrift) -> FieldDrift:
    return replace(one, applied=hidden_in_text(one.applied), now=hidden_in_text(one.now))
