"""Connection caps, total and per peer; at a cap the least recently used idle one is closed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class OpenConnections(Generic[C]):
    """Connections of a server, least recently used first; one that is `busy` (waits for the server) stays open."""

    def __init__(self, most: int, most_of_peer: int, busy: Callable[[C], bool]) -> None:
        self._most, self._most_of_peer, self._busy = most, most_of_peer, busy
        self._all: dict[C, str] = {}
        self._of_peer: dict[str, dict[C, None]] = {}

    def add(self, connection: C, peer: str) -> C | None:
        """Count a connection; returns the one to close, which is the new one where every other is busy."""
        own = self._of_peer.setdefault(peer, {})
        ends: C | None = None
        if len(own) >= self._most_of_peer:
            ends = self._first_idle(own, connection)
        elif len(self._all) >= self._most:
            ends = self._first_idle(self._all, connection)
        self._all[connection] = peer
        own[connection] = None
        if ends is not None:
            self.remove(ends)
        return ends

    def used(self, connection: C) -> None:
        """Mark a connection as the most recently used."""
        peer = self._all.pop(connection, None)
        if peer is not None:
            self._all[connection] = peer
            own = self._of_peer[peer]
            own[connection] = own.pop(connection)

    def remove(self, connection: C) -> None:
        """Forget a connection; an unknown one is ignored."""
        peer = self._all.pop(connection, None)
        if peer is None:
            return
        own = self._of_peer[peer]
        del own[connection]
        if not own:
            del self._of_peer[peer]

    def __iter__(self) -> Iterator[C]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def _first_idle(self, connections: dict[C, str] | dict[C, None], newest: C) -> C:
        return next((each for each in connections if not self._busy(each)), newest)
