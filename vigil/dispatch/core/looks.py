"""Open rounds and their pending looks. Pure; time is an argument."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from consensus.verdicts import Round

#: A round without a verdict this long after its last look is dropped; the next suspicion opens another.
GIVEN_UP_MS = 5_000


class OpenLooks:
    """Monitors with an open round, and due times of looks."""

    def __init__(self) -> None:
        self._rounds: dict[str, Round] = {}
        self._due: list[tuple[int, str, str, int]] = []

    def __len__(self) -> int:
        return len(self._rounds)

    def add(self, round: Round, now_ms: int) -> None:
        """Add a round, without looks whose time has passed."""
        self._rounds[round.monitor] = round
        for look, at_ms in enumerate(round.looks_ms, start=1):
            if at_ms + round.look_length_ms > now_ms:
                heapq.heappush(self._due, (at_ms, round.monitor, round.id, look))

    def is_open(self, monitor: str, revision: int, now_ms: int) -> bool:
        """Whether a round on this configuration of the monitor is open; another configuration does not count."""
        round = self._rounds.get(monitor)
        if round is None or round.revision != revision:
            return False
        if now_ms > round.looks_ms[-1] + round.look_length_ms + GIVEN_UP_MS:
            del self._rounds[monitor]
            return False
        return True

    def close(self, monitor: str, round_id: str) -> None:
        """Close a round after its verdict: no further looks."""
        round = self._rounds.get(monitor)
        if round is not None and round.id == round_id:
            del self._rounds[monitor]

    def next_ms(self) -> int | None:
        return self._due[0][0] if self._due else None

    def take_due(self, now_ms: int) -> Iterator[tuple[Round, int]]:
        """Take all due looks of open rounds."""
        while self._due and self._due[0][0] <= now_ms:
            _, monitor, round_id, look = heapq.heappop(self._due)
            round = self._rounds.get(monitor)
            if round is not None and round.id == round_id:
                yield round, look
