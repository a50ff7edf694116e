"""Windows of sequences: which messages of a sender were taken before. Pure, and bounded in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict

#: Sequences that one sender may be out of order by.
WINDOW = 1_024
#: Processes of one signer that are told apart.
SENDERS_MOST = 64


class SequenceWindow:
    """The highest sequences of one sender, each in eight bytes: senders come and go, and each leaves its window. What
    is lower than those it remembers counts as taken."""

    __slots__ = ("_floor", "_taken")

    def __init__(self) -> None:
        self._floor = -1
        #: In order.
        self._taken = array("Q")

    @property
    def highest(self) -> int:
        return self._taken[-1] if self._taken else self._floor

    def is_taken(self, sequence: int) -> bool:
        place = bisect_left(self._taken, sequence)
        return sequence <= self._floor or (place < len(self._taken) and self._taken[place] == sequence)

    def take(self, sequence: int) -> None:
        if self.is_taken(sequence):
            return
        self._taken.insert(bisect_left(self._taken, sequence), sequence)
        if len(self._taken) > WINDOW:
            self._floor = self._taken.pop(0)


class TakenMessages:
    """The windows of all senders. One that is new begins behind the last sequence of those that are forgotten: a
    process that starts signs with the time, so it is ahead of them."""

    def __init__(self) -> None:
        self._windows: OrderedDict[tuple[bytes, bytes], SequenceWindow] = OrderedDict()
        self._forgotten = -1

    def is_taken(self, key_id: bytes, sender: bytes, sequence: int) -> bool:
        window = self._windows.get((key_id, sender))
        return window.is_taken(sequence) if window is not None else sequence <= self._forgotten

    def take(self, key_id: bytes, sender: bytes, sequence: int) -> None:
        """Remember a message whose signature is proven."""
        window = self._windows.setdefault((key_id, sender), SequenceWindow())
        self._windows.move_to_end((key_id, sender))
        window.take(sequence)
        if len(self._windows) > SENDERS_MOST:
            _, left = self._windows.popitem(last=False)
            self._forgotten = max(self._forgotten, left.highest)

    def forget(self) -> None:
        """Begin anew: what was read is to be read again."""
        self._windows.clear()
        self._forgotten = -1
