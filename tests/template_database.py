"""Template of the test databases: migrated once in a session, and copied by each of its workers."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from django.core.management import call_command
from django.db import connection

_TEMPLATE = "vigil_template"
#: Its name until it is whole.
_UNFINISHED = "vigil_template_unfinished"


def copy_test_database_from_template() -> None:
    """Make the template where this is the session's first worker; Django copies it when it makes the test database."""
    # Closed by the others, which wait here meanwhile, or by the kernel.
    with (Path(os.environ["VIGIL_DATA_DIR"]) / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _exists(_TEMPLATE):
            _make()
    connection.settings_dict["TEST"]["TEMPLATE"] = _TEMPLATE


def _exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        found = cursor.fetchone() is not None
    connection.close()
    return found


def _make() -> None:
    _execute(f"CREATE DATABASE {_UNFINISHED}")
    own = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = _UNFINISHED
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        # A database that is in use cannot be copied.
        connection.close()
        connection.settings_dict["NAME"] = own
    _execute(f"ALTER DATABASE {_UNFINISHED} RENAME TO {_TEMPLATE}")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
