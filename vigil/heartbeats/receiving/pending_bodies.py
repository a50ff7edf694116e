"""Cap on the buffered bytes of incomplete bodies; at the cap the oldest is refused."""

from __future__ import annotations

from typing import Protocol

from vigil.heartbeats.core.pings.reply import PingOutcome


class Refusable(Protocol):
    """A connection with an incomplete body; once refused, it buffers nothing."""

    def refuse(self, outcome: PingOutcome) -> None: ...


class PendingBodies:
    """Buffered bytes of incomplete bodies, at most `most` in all."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: dict[Refusable, int] = {}
        self.total = 0

    def hold(self, connection: Refusable, size: int) -> None:
        """Count `size` bytes of this connection's body, in place of what was counted before."""
        if size <= 0:
            return
        self.total += size - self._held.get(connection, 0)
        self._held[connection] = size
        while self.total > self.most:
            oldest = next(iter(self._held))
            self.release(oldest)
            oldest.refuse(PingOutcome.TRY_AGAIN)

    def release(self, connection: Refusable) -> None:
        self.total -= self._held.pop(connection, 0)
