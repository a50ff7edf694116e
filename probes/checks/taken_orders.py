"""Window of the orders that were taken, so that none is run twice. Pure, and bounded in memory."""

from __future__ import annotations

from collections.abc import Hashable


class TakenOrders:
    """Remembers each order for `within_s` at least, and for twice that at most; of more than `most`, the oldest half is
    forgotten. Of an order only a hash of 64 bits is kept: some 80 bytes, where the order itself took 600. That two
    orders have the same hash is no matter: among a million, it comes once in 10^13 orders.
    """

    def __init__(self, within_s: float, most: int) -> None:
        self._within_s = within_s
        self._half = max(1, most // 2)
        self._older: set[int] = set()
        self._newer: set[int] = set()
        self._turns_s = 0.0

    def __len__(self) -> int:
        return len(self._older) + len(self._newer)

    def take(self, order: Hashable, now_s: float) -> bool:
        """Remember an order; False where it was taken before. `now_s` is of a clock that is never set."""
        if now_s >= self._turns_s or len(self._newer) >= self._half:
            self._older, self._newer = self._newer, set()
            self._turns_s = now_s + self._within_s
        key = hash(order)
        if key in self._newer or key in self._older:
            return False
        self._newer.add(key)
        return True
