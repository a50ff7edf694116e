"""File of the local store: its tables, its lock for one worker, and the handling of a damaged file."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)

#: A worker that is being replaced may hold the file for this long.
_LOCKED_MOST_S = 10.0

#: `totals` is kept by triggers: to count everything after each change would be most of the work.
_TABLES = """
CREATE TABLE IF NOT EXISTS results (
    seq INTEGER PRIMARY KEY, ms INTEGER, sub INTEGER, thinned INTEGER NOT NULL DEFAULT 0,
    results INTEGER NOT NULL, bytes INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS results_unsent ON results (seq) WHERE ms IS NULL;
CREATE INDEX IF NOT EXISTS results_sent ON results (ms, sub) WHERE ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS results_whole ON results (seq) WHERE thinned = 0;
CREATE TABLE IF NOT EXISTS orders (monitor TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders_of_others (monitor TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER, unsent INTEGER);
INSERT OR IGNORE INTO totals VALUES (1, 0, 0);
CREATE TRIGGER IF NOT EXISTS results_added AFTER INSERT ON results BEGIN
    UPDATE totals SET bytes = bytes + NEW.bytes, unsent = unsent + (NEW.ms IS NULL) * NEW.results;
END;
CREATE TRIGGER IF NOT EXISTS results_gone AFTER DELETE ON results BEGIN
    UPDATE totals SET bytes = bytes - OLD.bytes, unsent = unsent - (OLD.ms IS NULL) * OLD.results;
END;
CREATE TRIGGER IF NOT EXISTS results_changed AFTER UPDATE ON results BEGIN
    UPDATE totals SET bytes = bytes + NEW.bytes - OLD.bytes,
        unsent = unsent + (NEW.ms IS NULL) * NEW.results - (OLD.ms IS NULL) * OLD.results;
END;
"""


def open_store(path: Path | None) -> tuple[sqlite3.Connection, Path | None]:
    """The file, or a new one where it is damaged, or memory (path None) where there can be none; each is logged."""
    deadline = time.monotonic() + _LOCKED_MOST_S
    while path is not None:
        try:
            return connect_file(path), path
        except (sqlite3.Error, OSError) as error:
            why = str(error)
            if "locked" in why and time.monotonic() < deadline:
                time.sleep(0.2)
            elif is_damaged(error) and put_aside(path, why):
                continue
            else:
                _log.error("local_store.only_in_memory", path=str(path), why=why, advice="one file a worker")
                path = None
    return connect(":memory:"), None


def connect_file(path: Path) -> sqlite3.Connection:
    """Open the file for one worker alone, and for its owner's eyes only. Raises `sqlite3.Error` and `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        # Also where it was there before: it holds addresses and headers of what is watched.
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return connect(str(path))


def connect(path: str) -> sqlite3.Connection:
    """Open or create the file. Raises `sqlite3.Error`, also when another worker has it."""
    db = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
    try:
        # The lock belongs to one worker: a second one fails at once instead of sending everything twice.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        # What a long cut has filled is given back to the disk.
        db.execute("PRAGMA auto_vacuum = FULL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        # Entries are written once and read once: a cache of pages would only be memory (KiB, as a negative number).
        db.execute("PRAGMA cache_size = -256")
        db.executescript(_TABLES)
        for table in ("results", "orders", "orders_of_others", "notes", "totals"):
            db.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db


def is_damaged(error: Exception) -> bool:
    """Whether the file is no local store, or half of one."""
    return isinstance(error, sqlite3.DatabaseError) and ("malformed" in str(error) or "not a database" in str(error))


def put_aside(path: Path, why: str) -> bool:
    """Rename a damaged file, so that a new one can be made; False where the folder forbids it."""
    broken = path.with_name(path.name + ".broken")
    try:
        path.replace(broken)
        for more in ("-wal", "-shm"):
            path.with_name(path.name + more).unlink(missing_ok=True)
    except OSError:
        return False
    _log.error("local_store.damaged", path=str(path), kept_as=broken.name, why=why)
    return True
