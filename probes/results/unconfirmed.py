"""What was written to Redis and is not known to be stored: Redis may lose it, and then it is written again. Pure.

The recorder says how far it has stored each stream. A stream whose last entry is older than one that was written, or
whose first is younger than one that is not stored, has lost something.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from probes.keys import EntryId, entry_id

#: What the local store's columns hold: 63-bit signed numbers; Redis' own ids are milliseconds.
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Sent:
    """One entry of the region's stream: its id, and what it holds, so many results encoded."""

    id: EntryId
    payload: bytes
    results: int


@dataclass(frozen=True, slots=True)
class StreamView:
    """What Redis says of the stream: the first entry that is there, and the last that ever was. Both may be missing."""

    first: EntryId | None = None
    last: EntryId = (0, 0)


class Unconfirmed:
    """The entries that would be missing if Redis lost its memory now, oldest first."""

    def __init__(self) -> None:
        self._sent: deque[Sent] = deque()
        #: The last entry that was written.
        self.last: EntryId = (0, 0)
        self.results = 0

    def __len__(self) -> int:
        return len(self._sent)

    def sent(self, entry: Sent) -> None:
        """An entry was written."""
        self._sent.append(entry)
        self.last = entry.id
        self.results += entry.results

    def stored(self, upto: EntryId) -> None:
        """All entries until this one are in the database."""
        while self._sent and self._sent[0].id <= upto:
            self.results -= self._sent.popleft().results

    def trimmed(self, first: EntryId) -> None:
        """Nobody records: what is trimmed from the stream is gone, as it would be without us."""
        while self._sent and self._sent[0].id < first:
            self.results -= self._sent.popleft().results

    def has_lost(self, sight: StreamView, last: EntryId) -> bool:
        """Whether the stream lost an entry of ours. `last` is the last that was written before Redis was asked.

        What was lost at the end, and followed by other entries before anybody asked, is not seen by this: it takes a
        server that died, and that is seen.
        """
        if not self._sent:
            return False
        return sight.last < min(last, self._sent[-1].id) or (sight.first is not None and self._sent[0].id < sight.first)

    def settle(self, sight: StreamView, last: EntryId, upto: EntryId | None, broken_off: bool) -> list[Sent] | None:
        """Take what Redis says, asked how far all is stored (`upto`) first; gives what is to be written again, or None.

        A loss comes first: the recorder goes on behind it, and its position passes what it never saw. `broken_off`: the
        server was away meanwhile; one that died may have lost its last second, and nobody says so.
        """
        if broken_off or self.has_lost(sight, last):
            return self.take()
        if upto is not None:
            self.stored(upto)
        return None

    def give_back(self, entries: list[Sent]) -> None:
        """Take back the oldest entries, which found no other place."""
        self._sent.extendleft(reversed(entries))
        self.results += sum(entry.results for entry in entries)

    def take(self, keep_results: int = 0) -> list[Sent]:
        """Give up the oldest entries, until no more than so many results are left; who asks has a use for them."""
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
