"""Uptime Kuma: the SQLite database of version 1 or 2, read without a write, or the JSON backup of version 1."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vigil.importers.core.kuma.document import plan
from vigil.importers.core.report import SourceError
from vigil.importers.core.values import plain
from vigil.importers.files import decoded, parse_json, read_bytes, starts_with
from vigil.importers.source import ImportSource

SQLITE = b"SQLite format 3\x00"
#: What is read; a database of another age lacks some of it.
_TABLES = (
    "monitor", "notification", "monitor_notification", "tag", "monitor_tag", "proxy", "docker_host", "status_page",
    "maintenance", "monitor_maintenance", "setting",
)  # fmt: skip
_ROWS_MOST, _VALUE_MOST, _DEADLINE_S = 50_000, 4 * 1_048_576, 30.0
_COPY_MOST = 4 * 1024**3
_BESIDE = ("-wal", "-shm")


def read(path: Path) -> Any:
    """Tables by name, each a list of rows; of a JSON backup, the backup. Of a folder, the `kuma.db` in it."""
    if path.is_dir():
        path = path / "kuma.db"
    if starts_with(path, SQLITE):
        return {"tables": _read_database(path)}
    documents = parse_json(decoded(read_bytes(path), str(path)), str(path))
    return documents[0] if len(documents) == 1 else documents


def _read_database(path: Path) -> dict[str, Any]:
    try:
        return _tables(path)
    except sqlite3.OperationalError as problem:
        if "open" not in str(problem) and "readonly" not in str(problem):
            raise SourceError(f"cannot read {path}: {problem}") from None
    except (sqlite3.Error, UnicodeError) as problem:
        # An error quotes a damaged schema, which may be no text.
        why = type(problem).__name__ if isinstance(problem, UnicodeError) else problem
        raise SourceError(f"{path} is damaged, or no database of Uptime Kuma: {why}") from None
    return _read_copy(path)


def _read_copy(path: Path) -> dict[str, Any]:
    """Tables out of a copy: a database with a log beside it cannot be opened where nothing may be written."""
    if path.stat().st_size > _COPY_MOST:
        raise SourceError(f"{path} is too large to copy: copy it with its -wal file to where you may write")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "kuma.db"
        shutil.copyfile(path, copy)
        for ending in _BESIDE[:1]:
            if Path(f"{path}{ending}").is_file():
                shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
        try:
            return _tables(copy)
        except (sqlite3.Error, UnicodeError) as problem:
            raise SourceError(f"cannot read {path}: {type(problem).__name__}") from None


def _tables(path: Path) -> dict[str, Any]:
    log = Path(f"{path}-wal")
    # Without a log nothing is locked, and no file is made beside the database.
    mode = "mode=ro" if log.is_file() and log.stat().st_size else "mode=ro&immutable=1"
    database = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{mode}", uri=True, timeout=5)
    try:
        ends = time.monotonic() + _DEADLINE_S
        database.set_progress_handler(lambda: int(time.monotonic() > ends), 10_000)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _VALUE_MOST)
        database.text_factory = lambda raw: raw.decode(errors="replace")
        # What the schema itself defines, such as a view or a generated column, runs no function with an effect.
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA query_only = ON")
        stored = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        found = {name: stored[name] for name in _TABLES if name in stored}
        if "monitor" not in found:
            raise SourceError(f"{path} has no table `monitor`: it is no database of Uptime Kuma")
        virtual = next((name for name, sql in found.items() if "VIRTUAL" in str(sql).upper().split()[:2]), None)
        if virtual:
            raise SourceError(f"the table {virtual} of {path} is a virtual one, which no Uptime Kuma has")
        return {name: _rows(database, name) for name in found}
    finally:
        database.close()


def _rows(database: sqlite3.Connection, table: str) -> Any:
    cursor = database.execute(f'SELECT * FROM "{table}"')
    names = [each[0] for each in cursor.description]
    rows = cursor.fetchmany(_ROWS_MOST + 1)
    if len(rows) > _ROWS_MOST:
        raise SourceError(f"the table {table} has more than {_ROWS_MOST} rows")
    return [plain(dict(zip(names, row, strict=True))) for row in rows]


def is_like(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("monitorList"), list | dict)


SOURCE = ImportSource("Uptime Kuma: kuma.db of version 1 or 2, or the JSON backup of version 1", read, plan, is_like)
