"""Entries sent to Redis and not yet confirmed by the recorder; they are sent again if Redis loses them. Pure.

The recorder publishes how far it has stored each stream. A stream has lost entries when its last entry is older than
one that was sent, or its first entry is younger than one that is not confirmed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from probes.keys import EntryId, entry_id

#: What the local store's columns hold: 63-bit signed numbers; Redis' own ids are milliseconds.
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Sent:
    """One entry of the region's stream: its id, its encoded results, and their number."""

    id: EntryId
    payload: bytes
    results: int


@dataclass(frozen=True, slots=True)
class StreamView:
    """The stream as Redis has it: the first entry that is there, and the last that ever was. Both may be missing."""

    first: EntryId | None = None
    last: EntryId = (0, 0)


class Unconfirmed:
    """The entries that would be lost if Redis lost its memory now, oldest first."""

    def __init__(self) -> None:
        self._sent: deque[Sent] = deque()
        #: The last entry that was sent.
        self.last: EntryId = (0, 0)
        self.results = 0

    def __len__(self) -> int:
        return len(self._sent)

    def sent(self, entry: Sent) -> None:
        """An entry was sent."""
        self._sent.append(entry)
        self.last = entry.id
        self.results += entry.results

    def stored(self, upto: EntryId) -> None:
        """The recorder has stored all entries up to this one."""
        while self._sent and self._sent[0].id <= upto:
            self.results -= self._sent.popleft().results

    def trimmed(self, first: EntryId) -> None:
        """There is no recorder: entries trimmed from the stream are given up."""
        while self._sent and self._sent[0].id < first:
            self.results -= self._sent.popleft().results

    def has_lost(self, view: StreamView, last: EntryId) -> bool:
        """Whether the stream lost an entry of ours. `last` is the last that was written before Redis was asked.

        Entries lost at the end and followed by others before Redis was asked are not seen here. That takes a server
        that died, which `settle` is told of.
        """
        if not self._sent:
            return False
        return view.last < min(last, self._sent[-1].id) or (view.first is not None and self._sent[0].id < view.first)

    def settle(self, view: StreamView, last: EntryId, upto: EntryId | None, was_away: bool) -> list[Sent] | None:
        """Returns the entries that are to be sent again, or None without a loss. `upto`, the recorder's position, was
        asked for before `view`.

        Checks for loss before trusting the position: it may have advanced past lost entries. `was_away`: the server was
        away or restarted meanwhile, and may have lost its last second without a trace.
        """
        if was_away or self.has_lost(view, last):
            return self.take()
        if upto is not None:
            self.stored(upto)
        return None

    def give_back(self, entries: list[Sent]) -> None:
        """Take back the oldest entries, which could not be stored elsewhere."""
        self._sent.extendleft(reversed(entries))
        self.results += sum(entry.results for entry in entries)

    def take(self, keep_results: int = 0) -> list[Sent]:
        """Remove and return the oldest entries, until no more than `keep_results` results are left."""
        taken: list[Sent] = []
        while self._sent and self.results > keep_results:
            entry = self._sent.popleft()
            self.results -= entry.results
            taken.append(entry)
        return taken


def storable_id(text: bytes) -> EntryId:
    """An entry's id; raises ValueError where it is none, or larger than the local store's columns hold."""
    found = entry_id(text)
    if not 0 <= min(found) <= max(found) <= _LARGEST:
        raise ValueError(f"an id out of bounds: {text[:60]!r}")
    return found
