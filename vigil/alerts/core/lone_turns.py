"""Turns of poison messages, which end their sender: each is sent while its process sends nothing else. Pure."""

from __future__ import annotations

from enum import StrEnum

#: How often a sender looks for messages that are sent alone (s).
LOOK_EVERY_S = 1.0
#: How long one waits until the others happen to be done, before a sender claims nothing else (s).
PATIENCE_S = 30.0


class ClaimTurn(StrEnum):
    """What a sender claims next."""

    OTHERS = "others"
    ALONE = "alone"
    NOTHING = "nothing"


class LoneTurns:
    """Decides what is claimed. The others have a turn at the start, and after each message sent alone: otherwise a
    poison message that ends each process at once would keep them from being sent."""

    def __init__(self) -> None:
        self._is_first = True
        self._look_at_s = 0.0
        self._waits_since_s: float | None = None
        self._under_way = False

    def looks(self, now_s: float) -> bool:
        """Whether to look for a message that is sent alone; also while one waits, since another sender may take it."""
        return not (self._under_way or self._is_first) and now_s >= self._look_at_s

    def note(self, now_s: float, *, waits: bool) -> None:
        """Note what the look has found."""
        self._look_at_s = now_s + LOOK_EVERY_S
        if not waits:
            self._waits_since_s = None
        elif self._waits_since_s is None:
            self._waits_since_s = now_s

    def next(self, now_s: float, *, idle: bool) -> ClaimTurn:
        """What to claim; `idle`: nothing is being sent, and what was sent is recorded."""
        if self._is_first:
            self._is_first = False
            return ClaimTurn.OTHERS
        if self._under_way:
            if not idle:
                return ClaimTurn.NOTHING
            self._under_way, self._look_at_s = False, now_s
            return ClaimTurn.OTHERS
        if self._waits_since_s is None:
            return ClaimTurn.OTHERS
        if idle:
            self._under_way, self._waits_since_s = True, None
            return ClaimTurn.ALONE
        return ClaimTurn.NOTHING if now_s - self._waits_since_s > PATIENCE_S else ClaimTurn.OTHERS
