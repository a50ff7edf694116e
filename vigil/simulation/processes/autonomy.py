"""Simulated autonomous mode of a region, around the real `StandingOrders`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from probes.wire import Check
from probes.worker.autonomy import ALONE_AFTER_S
from probes.worker.standing_orders import StandingOrders

ALONE_AFTER_MS = ALONE_AFTER_S * 1000
TICK_MS = 250
AHEAD_MS = 500
REMEMBER_MS = 15_000
#: A worker that starts without Redis waits for it this long.
PATIENCE_MS = 10_000


class Host(Protocol):
    """The region of this process."""

    def later(self, delay_ms: float, do: Callable[..., None], *args: object) -> None: ...

    def now_ms(self) -> int: ...

    def steady_ms(self) -> float: ...

    def submit(self, checks: Iterable[Check]) -> None: ...


class SimAutonomy:
    """Orders and last contact are on disk; the rest is lost when the process dies."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._orders: dict[str, Check] = {}
        self._remembered_ms = 0

    def begin(self, connected: bool) -> None:
        """Load the disk; without Redis, start alone at once."""
        self._standing = StandingOrders()
        self._standing.restore(self._orders.values(), self._remembered_ms)
        self._heard = self._host.steady_ms()
        self._heard_ms = self._remembered_ms
        self._mark: int | None = None
        self._alone = False
        if not connected and self._orders:
            self._heard += PATIENCE_MS - ALONE_AFTER_MS
        self._host.later(self._heard + ALONE_AFTER_MS + 1 - self._host.steady_ms(), self._judge)
        self._host.later(REMEMBER_MS, self._remember)

    def ordered(self, check: Check) -> None:
        """An order was taken from the queue."""
        if not check.round:
            self._standing.note(check, self._host.now_ms())
            self._hear()

    def listen(self, mark: int | None) -> None:
        """Read dispatch's status from Redis."""
        if mark is not None and mark != self._mark:
            if self._mark is not None:
                self._hear()
            self._mark = mark

    def _hear(self) -> None:
        self._heard, self._heard_ms = self._host.steady_ms(), self._host.now_ms()
        self._standing.hear(self._heard_ms)

    def _judge(self) -> None:
        now = self._host.steady_ms()
        silent = now - self._heard > ALONE_AFTER_MS and len(self._standing) > 0
        if silent and not self._alone:
            self._standing.stand_alone(self._heard_ms, self._host.now_ms())
        elif self._alone and not silent:
            self._standing.follow()
        self._alone = silent
        if silent:
            self._host.submit(list(self._standing.take_due(self._host.now_ms(), AHEAD_MS)))
            self._host.later(TICK_MS, self._judge)
        else:
            self._host.later(max(1_000.0, self._heard + ALONE_AFTER_MS + 1 - now), self._judge)

    def _remember(self) -> None:
        for monitor in [] if self._alone else self._standing.forget(self._heard_ms):
            self._orders.pop(monitor, None)
        self._orders |= {check.monitor: check for check in self._standing.take_changed()}
        self._remembered_ms = self._heard_ms
        self._host.later(REMEMBER_MS, self._remember)
