"""Local store of a region in SQLite: results that are not yet in Redis or not yet confirmed, and the standing orders.

A process killed at any line leaves the state before or after the last commit. Every fault of the disk is raised as
`StoreUnavailable`, and a damaged file is put aside for a new one.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from probes import wire
from probes.admission import readable_results
from probes.keys import EntryId
from probes.reasons import Status
from probes.results.local_store_file import is_damaged, open_store, put_aside
from probes.results.unconfirmed import Sent
from probes.wire import Check, Result

_log = structlog.get_logger(__name__)

#: How much may be kept (bytes): on a disk, and without one in memory.
DISK_MOST = 512 * 1024 * 1024
MEMORY_MOST = 32 * 1024 * 1024
#: Entries that are thinned, or dropped, at once when there is no more room.
_ROOM_STEP = 50
_DROP_STEP = 10
#: No call waits longer than this for another one.
_BUSY_MOST_S = 20.0

_KEEP = "INSERT INTO results (ms, sub, results, bytes, payload) VALUES (?, ?, ?, ?, ?)"
_OLDEST_WHOLE = "SELECT seq, payload, results FROM results WHERE thinned = 0 ORDER BY seq LIMIT ?"
_OLDEST = "SELECT seq, results FROM results ORDER BY seq LIMIT ?"
_THINNED = "UPDATE results SET payload = ?, bytes = ?, results = ?, thinned = 1 WHERE seq = ?"
_NEWEST = "SELECT seq, payload, results FROM results WHERE ms IS NULL ORDER BY seq DESC LIMIT ?"
_COUNT = "SELECT bytes, unsent FROM totals"
_FIRST_SENT = "SELECT ms, sub FROM results WHERE ms IS NOT NULL ORDER BY ms, sub LIMIT 1"
_LAST_SENT = "SELECT ms, sub FROM results WHERE ms IS NOT NULL ORDER BY ms DESC, sub DESC LIMIT 1"
_LOST = "UPDATE results SET ms = NULL, sub = NULL WHERE seq IN (SELECT seq FROM results WHERE ms IS NOT NULL LIMIT ?)"
_LOST_STEP = 2_000
#: Steps of thinning in one insert before the oldest entries are dropped whole.
_THIN_STEPS = 10


class StoreUnavailable(Exception):
    """The store could not be read or written; the caller still has what was to be kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry that Redis has not taken yet."""

    seq: int
    payload: bytes
    results: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an earlier worker stored; times are on Redis' clock."""

    orders: list[Check]
    #: The monitors of those that another worker of the region was given.
    others: set[str]
    heard_ms: int = 0
    offset_ms: int = 0


class LocalStore:
    """Entries and orders in one file, or in memory where `path` is None. Any thread may call; one works at a time.

    `unsent` counts the results that Redis has not taken, `dropped` those that there was no room for.
    """

    def __init__(self, path: Path | None, most_bytes: int | None = None) -> None:
        self._path = path
        self._most_bytes = most_bytes or (MEMORY_MOST if path is None else DISK_MOST)
        self._lock = threading.Lock()
        self.dropped = 0
        self._db = self._open()
        _, self.unsent = self._count()

    @property
    def on_disk(self) -> bool:
        return self._path is not None

    def keep(self, entries: Iterable[tuple[bytes, int]]) -> None:
        """Keep entries, each encoded with its number of results, that Redis has not taken."""
        self._insert([(None, None, payload, results) for payload, results in entries])

    def keep_sent(self, entries: Iterable[Sent]) -> None:
        """Keep entries that Redis has, and that the recorder has not confirmed."""
        self._insert([(entry.id[0], entry.id[1], entry.payload, entry.results) for entry in entries])

    def newest_unsent(self, most: int = 1, without: Collection[int] = ()) -> list[Kept]:
        """The newest entries that Redis has not taken, newest first, but for these."""
        found: list[Kept] = []
        with self._guarded():
            for seq, packed, results in self._db.execute(_NEWEST, (most + len(without),)).fetchall():
                if seq in without:
                    continue
                try:
                    found.append(Kept(seq, zlib.decompress(packed), results))
                except zlib.error:
                    self._db.execute("DELETE FROM results WHERE seq = ?", (seq,))
                    self.dropped += results
        return found

    def forget(self, seqs: Iterable[int]) -> None:
        """Entries were taken by Redis."""
        with self._guarded():
            self._db.executemany("DELETE FROM results WHERE seq = ?", [(seq,) for seq in seqs])

    def stored(self, upto: EntryId) -> None:
        """The recorder has stored all entries up to this one."""
        with self._guarded():
            self._db.execute("DELETE FROM results WHERE ms IS NOT NULL AND (ms, sub) <= (?, ?)", upto)

    def sent_span(self) -> tuple[EntryId, EntryId] | None:
        """The first and the last of the entries that were sent; None for none."""
        with self._guarded():
            first, last = self._db.execute(_FIRST_SENT).fetchone(), self._db.execute(_LAST_SENT).fetchone()
            return None if first is None else ((first[0], first[1]), (last[0], last[1]))

    def lost(self) -> None:
        """Redis has lost entries: mark all that were sent for sending again."""
        changed = 1
        while changed:
            # In steps, so that other callers need not wait for all of it.
            with self._guarded():
                changed = self._db.execute(_LOST, (_LOST_STEP,)).rowcount

    def remember(
        self, changed: Sequence[Check], gone: Sequence[str], others: Set[str], heard_ms: int, offset_ms: int
    ) -> None:
        """Keep orders that changed, drop those that ended, and note all `others` and when a dispatcher was heard."""
        with self._guarded():
            rows = [(check.monitor, wire.encode(check)) for check in changed]
            self._db.executemany("INSERT OR REPLACE INTO orders VALUES (?, ?)", rows)
            self._db.executemany("DELETE FROM orders WHERE monitor = ?", [(monitor,) for monitor in gone])
            known = self._others()
            self._db.executemany("DELETE FROM orders_of_others WHERE monitor = ?", [(one,) for one in known - others])
            self._db.executemany("INSERT INTO orders_of_others VALUES (?)", [(one,) for one in others - known])
            notes = [("heard_ms", heard_ms), ("offset_ms", offset_ms)]
            self._db.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", notes)

    def forget_orders(self) -> None:
        """Delete all orders."""
        with self._guarded():
            self._db.execute("DELETE FROM orders")
            self._db.execute("DELETE FROM orders_of_others")

    def remembered(self) -> Remembered:
        """What was last stored; an order that cannot be read is left out and logged."""
        orders: list[Check] = []
        with self._guarded():
            notes = dict(self._db.execute("SELECT name, value FROM notes"))
            for monitor, body in self._db.execute("SELECT monitor, body FROM orders"):
                try:
                    orders.append(wire.decode_check(body))
                except msgspec.DecodeError as error:
                    _log.warning("local_store.order_unreadable", monitor=monitor[:40], error=str(error)[:200])
            return Remembered(orders, self._others(), notes.get("heard_ms", 0), notes.get("offset_ms", 0))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _open(self) -> sqlite3.Connection:
        db, self._path = open_store(self._path)
        if self._path is None:
            self._most_bytes = min(self._most_bytes, MEMORY_MOST)
        return db

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """One transaction for one caller; what goes wrong is one exception, and a damaged file is replaced."""
        if not self._lock.acquire(timeout=_BUSY_MOST_S):
            raise StoreUnavailable("the disk does not answer")
        try:
            with self._db:
                yield
            _, self.unsent = self._count()
        except (sqlite3.Error, OverflowError) as error:
            if is_damaged(error):
                self._db.close()
                if self._path is not None:
                    put_aside(self._path, str(error))
                self._db = self._open()
                _, self.unsent = self._count()
            raise StoreUnavailable(str(error)[:200]) from error
        finally:
            self._lock.release()

    def _insert(self, rows: list[tuple[int | None, int | None, bytes, int]]) -> None:
        dropped = 0
        with self._guarded():
            for ms, sub, payload, results in rows:
                packed = zlib.compress(payload, 1)
                self._db.execute(_KEEP, (ms, sub, results, len(packed), packed))
            steps = 0
            while self._count()[0] > self._most_bytes:
                steps += 1
                lost = self._thin() if steps <= _THIN_STEPS else 0
                dropped += lost or self._drop_oldest()
        self.dropped += dropped

    def _thin(self) -> int:
        """Drop what passed from the oldest entries that are whole; returns how many results that were."""
        dropped = 0
        for seq, payload, results in self._db.execute(_OLDEST_WHOLE, (_ROOM_STEP,)).fetchall():
            kept = _problems(payload)
            dropped += results - len(kept)
            packed = zlib.compress(wire.encode(kept), 1)
            if kept:
                self._db.execute(_THINNED, (packed, len(packed), len(kept), seq))
            else:
                self._db.execute("DELETE FROM results WHERE seq = ?", (seq,))
        return dropped

    def _drop_oldest(self) -> int:
        gone = self._db.execute(_OLDEST, (_DROP_STEP,)).fetchall()
        self._db.executemany("DELETE FROM results WHERE seq = ?", [(seq,) for seq, _ in gone])
        return sum(results for _, results in gone)

    def _others(self) -> set[str]:
        return {monitor for (monitor,) in self._db.execute("SELECT monitor FROM orders_of_others")}

    def _count(self) -> tuple[int, int]:
        size, unsent = self._db.execute(_COUNT).fetchone()
        return size, unsent


def _problems(payload: bytes) -> list[Result]:
    """Of an entry, what did not pass; nothing where it cannot be read."""
    try:
        found, _ = readable_results(zlib.decompress(payload))
    except zlib.error:
        return []
    return [one for one in found if one.status is not Status.UP]
