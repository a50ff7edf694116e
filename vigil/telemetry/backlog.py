"""Backlog of entries to export: bounded, filled by the recorder without a wait, and emptied by the exporter."""

from __future__ import annotations

import threading
from collections import deque

from probes import keys

#: Entries that wait; beyond that the oldest are dropped. A worker writes up to 200 results as one.
ENTRIES_MOST, BYTES_MOST = 5_000, 64_000_000


class Backlog:
    """Entries of results streams as regions signed them. `put` is for one thread, `take` for another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._last: dict[str, tuple[int, int]] = {}
        self._filled = threading.Event()
        #: Entries that were dropped since the count was last taken.
        self.dropped = 0

    def put(self, region: str, entry_id: str, body: bytes) -> None:
        """Add an entry; one that the recorder reads again is not added twice."""
        place = keys.entry_id(entry_id)
        if place <= self._last.get(region, (0, 0)):
            return
        self._last[region] = place
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
