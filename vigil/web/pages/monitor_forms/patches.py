"""Patch of a document: what a change of a managed object would have to be in its file."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from django.db import transaction

from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.code.export import export_document
from vigil.code.models import ManagedObject


def patch_of(owner: ManagedObject, change: Callable[[], None]) -> str:
    """The unified diff that a change makes in its project's document; nothing of the change stays.

    Raises what the change raises.
    """
    name = owner.file or "vigil.yaml"
    with transaction.atomic():
        before = _text(owner)
        change()
        after = _text(owner)
        transaction.set_rollback(True)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="", n=2)
    return "\n".join(lines)


def _text(owner: ManagedObject) -> str:
    """The owner's object alone, as its document writes it."""
    document = export_document(owner.team, owner.project)
    found = document.get(owner.section, {}).get(owner.key, {})
    return to_yaml({owner.section: {owner.key: found}})
