"""Backlog of entries to export: bounded, filled by the recorder without a wait, and emptied by the exporter."""

from __future__ import annotations

import threading
from collections import deque

#: Entries that wait; beyond that the oldest are dropped. A worker writes up to 200 results as one.
ENTRIES_MOST, BYTES_MOST = 5_000, 64_000_000
#: Entries that are remembered: the recorder reads again what it could not store, which is far less.
SEEN_MOST = 20_000
#: Bytes of an entry by which it is known, beside its id: monitors and times of its first results.
_HEAD_BYTES = 256


class Backlog:
    """Entries of results streams as regions signed them. `put` is for one thread, `take` for another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._seen: dict[int, None] = {}
        self._filled = threading.Event()
        #: Entries that were dropped since the count was last taken.
        self.dropped = 0

    def put(self, region: str, entry_id: str, body: bytes) -> None:
        """Add an entry; one that the recorder reads again is not added twice.

        It is known by what is in it: ids begin anew where a Redis was replaced, and a region may write any.
        """
        known = hash((region, entry_id, len(body), body[:_HEAD_BYTES]))
        if known in self._seen:
            return
        self._seen[known] = None
        if len(self._seen) > SEEN_MOST:
            del self._seen[next(iter(self._seen))]
        with self._lock:
            self._waiting.append((region, body))
            self._bytes += len(body)
            while len(self._waiting) > ENTRIES_MOST or self._bytes > BYTES_MOST:
                self._bytes -= len(self._waiting.popleft()[1])
                self.dropped += 1
        self._filled.set()

    def take(self, most: int, wait_s: float) -> list[tuple[str, bytes]]:
        """Up to `most` entries, as soon as there are some; none after `wait_s` seconds."""
        self._filled.wait(wait_s)
        with self._lock:
            found = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            self._bytes -= sum(len(body) for _, body in found)
            if not self._waiting:
                self._filled.clear()
        return found

    def take_dropped(self) -> int:
        """The count of entries that were dropped, which begins anew."""
        with self._lock:
            dropped, self.dropped = self.dropped, 0
        return dropped
