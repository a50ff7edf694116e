"""What a region keeps on its disk: results that Redis could not take, and the orders it would go on with. SQLite.

Killed at any line it is as it was before or after the last commit. It never stands in the way of checks: a disk that is
full or broken is said, and what could not be kept is counted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from probes import standing, wire
from probes.reasons import Status
from probes.unstored import EntryId, Sent
from probes.wire import Check, Result

_log = structlog.get_logger(__name__)

#: How much may be kept (bytes): on a disk, and without one in memory.
DISK_MOST = 512 * 1024 * 1024
MEMORY_MOST = 32 * 1024 * 1024
#: Entries that are thinned or dropped at once when there is no more room.
_ROOM_STEP = 50

_TABLES = """
CREATE TABLE IF NOT EXISTS results (
    seq INTEGER PRIMARY KEY, ms INTEGER, sub INTEGER, thinned INTEGER NOT NULL DEFAULT 0,
    results INTEGER NOT NULL, bytes INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS results_unsent ON results (seq) WHERE ms IS NULL;
CREATE TABLE IF NOT EXISTS orders (monitor TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_KEEP = "INSERT INTO results (ms, sub, results, bytes, payload) VALUES (?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM results WHERE seq = ? RETURNING bytes, results, ms"
_STORED = "DELETE FROM results WHERE ms IS NOT NULL AND (ms, sub) <= (?, ?) RETURNING bytes, results, ms"
_OLDEST_WHOLE = "SELECT seq, payload, results FROM results WHERE thinned = 0 ORDER BY seq LIMIT ?"
_OLDEST = "SELECT seq, x'', results FROM results ORDER BY seq LIMIT ?"
_COUNT = "SELECT coalesce(sum(bytes), 0), coalesce(sum(results) FILTER (WHERE ms IS NULL), 0) FROM results"
_NEWEST = "SELECT seq, payload, results FROM results WHERE ms IS NULL ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry that Redis has not taken yet."""

    seq: int
    payload: bytes
    results: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a worker knew before it was restarted; times are on Redis' clock."""

    orders: list[Check]
    heard_ms: int = 0
    offset_ms: int = 0


class Journal:
    """Entries and orders in one file, or in memory where `path` is None. Any thread may call; one works at a time."""

    def __init__(self, path: Path | None, most_bytes: int | None = None) -> None:
        self._most_bytes = most_bytes or (MEMORY_MOST if path is None else DISK_MOST)
        self._lock = threading.Lock()
        self.on_disk = path is not None
        self.dropped = 0
        self._db = self._open(path)
        self._bytes, self.unsent = self._count()

    def keep(self, entries: Iterable[tuple[bytes, int]]) -> bool:
        """Keep entries (encoded, so many results each) that Redis has not taken; False where that cannot be done."""
        return self._insert([(None, None, payload, results) for payload, results in entries])

    def keep_sent(self, entries: Iterable[Sent]) -> bool:
        """Keep entries that Redis has, and that nobody has stored yet."""
        return self._insert([(entry.id[0], entry.id[1], entry.payload, entry.results) for entry in entries])

    def newest_unsent(self) -> Kept | None:
        """The newest entry that Redis has not taken: what is fresh comes first."""
        with self._guarded():
            row = self._db.execute(_NEWEST).fetchone()
            if row is not None:
                return Kept(row[0], zlib.decompress(row[1]), row[2])
        # There is none, or it cannot be read: nobody need ask again until something is kept.
        self.unsent = 0
        return None

    def forget(self, seq: int) -> None:
        """An entry was taken by Redis."""
        with self._guarded(), self._db:
            self._take_off(self._db.execute(_FORGET, (seq,)))

    def stored(self, upto: EntryId) -> None:
        """What Redis had until this entry is stored."""
        with self._guarded(), self._db:
            self._take_off(self._db.execute(_STORED, upto))

    def lost(self) -> None:
        """Redis has lost what it had: all of it is to be sent again."""
        with self._guarded(), self._db:
            self._db.execute("UPDATE results SET ms = NULL, sub = NULL WHERE ms IS NOT NULL")
            self._recount()

    def remember(self, changed: Iterable[Check], gone: Iterable[str], heard_ms: int, offset_ms: int) -> None:
        """Keep orders that changed, drop those that ended, and note when a dispatcher was last heard."""
        with self._guarded(), self._db:
            rows = [(check.monitor, standing.encode(check)) for check in changed]
            self._db.executemany("INSERT OR REPLACE INTO orders VALUES (?, ?)", rows)
            self._db.executemany("DELETE FROM orders WHERE monitor = ?", [(monitor,) for monitor in gone])
            notes = [("heard_ms", heard_ms), ("offset_ms", offset_ms)]
            self._db.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", notes)

    def remembered(self) -> Remembered:
        """What was last remembered; an order that cannot be read is left out, and said."""
        orders: list[Check] = []
        notes: dict[str, int] = {}
        with self._guarded():
            notes = dict(self._db.execute("SELECT name, value FROM notes"))
            for monitor, body in self._db.execute("SELECT monitor, body FROM orders"):
                try:
                    orders.append(standing.decode(body))
                except msgspec.DecodeError as error:
                    _log.warning("journal.order_unreadable", monitor=monitor[:40], error=str(error)[:200])
        return Remembered(orders, notes.get("heard_ms", 0), notes.get("offset_ms", 0))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # ---------------------------------------------------------------------------------------------------------------

    def _open(self, path: Path | None) -> sqlite3.Connection:
        if path is None:
            return _connect(":memory:")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            return _connect(str(path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                return self._in_memory(path, str(error))
            broken = path.with_suffix(path.suffix + ".broken")
            _log.error("journal.unreadable", path=str(path), kept_as=broken.name, error=str(error))
            path.replace(broken)
            return _connect(str(path))
        except OSError as error:
            return self._in_memory(path, error.strerror or type(error).__name__)

    def _in_memory(self, path: Path, why: str) -> sqlite3.Connection:
        """Another worker has the file, or the folder is not ours: what is kept is lost at a restart. That is said."""
        _log.error("journal.only_in_memory", path=str(path), why=why, advice="give each worker a file of its own")
        self.on_disk, self._most_bytes = False, min(self._most_bytes, MEMORY_MOST)
        return _connect(":memory:")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                _log.error("journal.not_kept", error=str(error)[:200])

    def _insert(self, rows: list[tuple[int | None, int | None, bytes, int]]) -> bool:
        with self._lock:
            try:
                with self._db:
                    self._add(rows)
                return True
            except sqlite3.Error as error:
                _log.error("journal.not_kept", error=str(error)[:200])
        with self._guarded():
            self._recount()
        return False

    def _add(self, rows: list[tuple[int | None, int | None, bytes, int]]) -> None:
        for ms, sub, payload, results in rows:
            packed = zlib.compress(payload, 1)
            self._db.execute(_KEEP, (ms, sub, results, len(packed), packed))
            self._bytes += len(packed)
            self.unsent += results if ms is None else 0
        while self._bytes > self._most_bytes and self._make_room():
            pass

    def _make_room(self) -> bool:
        """Drop what passed from the oldest entries, then the oldest entries themselves."""
        oldest = self._db.execute(_OLDEST_WHOLE, (_ROOM_STEP,)).fetchall()
        if not oldest:
            oldest = self._db.execute(_OLDEST, (_ROOM_STEP,)).fetchall()
        for seq, payload, results in oldest:
            kept = _problems(payload)
            self.dropped += results - len(kept)
            if not kept:
                self._db.execute("DELETE FROM results WHERE seq = ?", (seq,))
                continue
            packed = zlib.compress(wire.encode(kept), 1)
            self._db.execute(
                "UPDATE results SET payload = ?, bytes = ?, results = ?, thinned = 1 WHERE seq = ?",
                (packed, len(packed), len(kept), seq),
            )
        self._recount()
        return bool(oldest)

    def _take_off(self, gone: Iterable[tuple[int, int, int | None]]) -> None:
        for size, results, ms in gone:
            self._bytes -= size
            self.unsent -= results if ms is None else 0

    def _recount(self) -> None:
        self._bytes, self.unsent = self._count()

    def _count(self) -> tuple[int, int]:
        size, unsent = self._db.execute(_COUNT).fetchone()
        return size, unsent


def _connect(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=1.0, check_same_thread=False)
    # One worker has it for itself; a second one is told so at once, instead of sending everything twice.
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    # What a long cut has filled is given back to the disk.
    db.execute("PRAGMA auto_vacuum = FULL")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(_TABLES)
    with db:
        # The lock is taken with the first write, and kept.
        db.execute("UPDATE notes SET value = value")
    return db


def _problems(payload: bytes) -> list[Result]:
    """Of an entry, what did not pass; nothing where it cannot be read."""
    if not payload:
        return []
    try:
        return [one for one in wire.decode_results(zlib.decompress(payload)) if one.status is not Status.UP]
    except (msgspec.DecodeError, zlib.error):
        return []
