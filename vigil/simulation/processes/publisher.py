"""Simulated result publisher of a region, around the real `Unconfirmed`."""

from __future__ import annotations

from probes import keys, wire
from probes.reasons import Reason
from probes.results.unconfirmed import Sent, Unconfirmed
from probes.wire import Result
from vigil.simulation.processes.engine import SimProcess
from vigil.simulation.processes.surroundings import SimContext
from vigil.simulation.worlds.history import Ballot, Order

#: Retry interval: a dead Redis refuses at once, a cut-off one never answers.
REFUSED_MS = 500
UNANSWERED_MS = 3_000
#: Consecutive failures before results go to the local store.
AWAY_AFTER = 3
BACKFILL_MS = 50
_BATCH_MOST = 200


class SimPublisher:
    """The local store is a disk: it survives the process."""

    def __init__(self, around: SimContext, region: SimProcess) -> None:
        self._around = around
        self._broker = around.broker
        self._region = region
        self._stream = keys.results(region.name)
        self._store: list[bytes] = []
        self.cut = False
        self.begin()

    def begin(self) -> None:
        """Start with the disk only."""
        self._waiting: list[Result] = []
        self._unconfirmed = Unconfirmed()
        self._was_away = False
        self._met = self._broker.boot
        self._failures = 0
        self._retrying = self._following = False
        if self._store:
            self._try_later()

    @property
    def connected(self) -> bool:
        return self._broker.up and not self.cut

    def write(self, result: Result) -> None:
        """Write a result and the waiting ones; they stay queued while Redis is unreachable."""
        self._waiting.append(result)
        self._flush()

    def redis_was_away(self) -> None:
        """A write without an answer is repeated."""
        self._was_away = True

    def settle(self) -> None:
        """Read the stored position, and resend what Redis has lost. Raises `Away`."""
        stored = self._broker.stored.get(self._stream)
        was_away, self._was_away = self._was_away, False
        view = self._broker.view(self._stream)
        restarted, self._met = self._met != self._broker.boot, self._broker.boot
        again = self._unconfirmed.settle(view, self._unconfirmed.last, stored, was_away or restarted)
        if again:
            self._store += [entry.payload for entry in again]
            self._follow()

    def _flush(self) -> None:
        if not self.connected:
            self._was_away = True
            self._try_later()
            return
        self._failures = 0
        results, self._waiting = self._waiting, []
        for result in results:
            self._append(result)
        self._follow()

    def _try_later(self) -> None:
        if not self._retrying:
            self._retrying = True
            self._region.later(UNANSWERED_MS if self.cut else REFUSED_MS, self._retry)

    def _retry(self) -> None:
        self._retrying = False
        if not self.connected:
            self._failures += 1
            if self._failures >= AWAY_AFTER:
                self._set_aside()
        if self._waiting or self._store:
            self._flush()

    def _set_aside(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _BATCH_MOST):
            self._store.append(wire.encode(waiting[start : start + _BATCH_MOST]))

    def _follow(self) -> None:
        """Backfill from the local store, newest first."""
        if self._store and not self._following:
            self._following = True
            self._region.later(BACKFILL_MS, self._backfill)

    def _backfill(self) -> None:
        self._following = False
        if not self.connected:
            self._flush()
        elif self._store:
            for result in wire.decode_results(self._store.pop()):
                self._append(result)
            self._follow()

    def _append(self, result: Result) -> None:
        history, now_ms = self._around.history, self._region.engine.now_ms
        if result.round:
            history.ballots.setdefault(result.round, []).append(Ballot(self._region.name, result, now_ms))
        entry_id = self._broker.append(self._stream, result)
        if history.thorough:
            self._unconfirmed.sent(Sent(entry_id, wire.encode([result]), 1))
            if result.reason is not Reason.OVERDUE:
                history.written[order_of_result(self._region.name, result)] = now_ms


def order_of_result(region: str, result: Result) -> Order:
    """Order of a result."""
    return region, result.monitor, result.at_ms, result.round, result.look
