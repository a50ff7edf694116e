"""Changes that are only tried, and the patch of a document that one of them makes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.code.export import export_document
from vigil.code.models import ManagedObject

#: A trial waits so long for a row that another saves, and then says so.
LOCK_WAIT_MS = 1_000


@contextmanager
def taken_back() -> Iterator[None]:
    """A transaction of which nothing stays. It waits for no row that another holds, and holds its own until its end.

    Raises `ValidationError` where another saves the same just then.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
            yield
            transaction.set_rollback(True)
    except OperationalError as problem:
        if not isinstance(problem.__cause__, LockNotAvailable):
            raise
        busy = "Another person saves this just now. Press again in a moment."
        raise ValidationError({NON_FIELD_ERRORS: [busy]}) from None


def patch_of(owner: ManagedObject, change: Callable[[], None]) -> str:
    """The unified diff that a change makes in its project's document; nothing of the change stays.

    Raises what the change raises.
    """
    name = owner.file or "vigil.yaml"
    with taken_back():
        before = _text(owner)
        change()
        after = _text(owner)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="", n=2)
    return "\n".join(lines)


def _text(owner: ManagedObject) -> str:
    """The owner's object alone, as its document writes it."""
    document = export_document(owner.team, owner.project)
    found = document.get(owner.section, {}).get(owner.key, {})
    return to_yaml({owner.section: {owner.key: found}})
