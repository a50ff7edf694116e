"""Recording of outcomes beside the sending: in batches, tried again while their leases last.

What a receiver accepted is noted in a local log at once. A process that is gone, or a database that was away for longer
than a lease, leaves its notes there: they are recorded before anything is claimed again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from probes.process.isolation import Isolation
from probes.text import storable
from vigil.alerts.accepted_log import AcceptedLog
from vigil.alerts.delivery import claims
from vigil.alerts.delivery.isolated import record_each
from vigil.alerts.delivery.outcomes import (
    ERROR_LIMIT,
    REFERENCE_LIMIT,
    AttemptOutcome,
    AttemptResult,
    OutcomeRow,
    Recorded,
    write,
)
from vigil.configuration import configuration
from vigil.database.session_lock import owner_of
from vigil.database.thread import DatabaseThread

#: Outcomes that arrive close together are written as one batch.
RECORD_AFTER_S = 0.003

FOLDER = "alerts"

_log = structlog.get_logger(__name__)


def log_of_accepted(owner: int) -> AcceptedLog:
    """The log of this process, in the data folder, if there is one."""
    folder = configuration().data_dir
    return AcceptedLog(folder / FOLDER if folder else None, owner, mark_sent)


def mark_sent(notes: Sequence[list[Any]], owner: int) -> int:
    """Record notes of accepted messages, each for the very claim under which it was sent; returns how many."""
    rows = [row for note in notes if (row := _row(note)) is not None and owner_of(row.token) == owner]
    with transaction.atomic():
        return len(write(rows)) if rows else 0


def _row(note: Sequence[Any]) -> OutcomeRow | None:
    try:
        key, token, words, reference = note
        if not (type(key) is int and 0 < key < 2**63):
            return None
        texts = storable(words, ERROR_LIMIT), storable(reference, REFERENCE_LIMIT)
        return OutcomeRow(key, UUID(token), AttemptOutcome.SENT, texts[0], reference=texts[1])
    except (ValueError, TypeError, AttributeError):
        return None


class OutcomeRecorder:
    """Records what is added. `wake` is called after each batch, `tick` after one with a dead letter."""

    def __init__(
        self,
        database: DatabaseThread,
        isolation: Isolation,
        log: AcceptedLog,
        wake: Callable[[], None],
        tick: Callable[[], None],
    ) -> None:
        self._database, self._isolation, self._log = database, isolation, log
        self._wake, self._tick = wake, tick
        #: At first those of processes that are gone. It is set where batches and claims take turns: in their thread.
        self._has_notes = True
        self._noted = set[int]()
        self._outcomes: list[AttemptResult] = []
        self._has_outcomes = asyncio.Event()
        self._writing = False
        self._stopping = False

    @property
    def is_idle(self) -> bool:
        """Whether all that was added is written."""
        return not self._outcomes and not self._writing

    @property
    def _is_recorded(self) -> bool:
        """Whether no note in the log is still of use."""
        return self.is_idle and not self._noted and not self._has_notes

    def note(self, result: AttemptResult) -> None:
        """Note what was accepted, until it is added and recorded."""
        claim = result.claim
        self._noted.add(claim.id)
        self._log.note(claim.id, str(claim.token), result.words[:ERROR_LIMIT], result.reference[:REFERENCE_LIMIT])

    def add(self, result: AttemptResult) -> None:
        self._noted.discard(result.claim.id)
        self._outcomes.append(result)
        self._has_outcomes.set()

    def recover(self) -> None:
        """Record what was accepted and could not be recorded: in the thread of the database, before each claim there.

        Also what is still tried: its leases may have ended before the database answered again.
        """
        if self._has_notes:
            self._isolation.attempt("accepted", partial(self._log.recover, own=True), 0)
            self._has_notes = False

    async def run(self) -> None:
        """Record until cancelled."""
        while True:
            await self._has_outcomes.wait()
            await asyncio.sleep(RECORD_AFTER_S)
            self._has_outcomes.clear()
            if await self._write():
                if self._is_recorded:
                    self._log.clear()
                self._wake()

    async def drain(self) -> None:
        """Write what is left once, before the process ends."""
        self._stopping = True
        await self._write()
        if self._is_recorded:
            self._log.remove()

    async def _write(self) -> bool:
        """Write what there is; whether there was something."""
        batch, self._outcomes = self._outcomes, []
        if batch:
            self._writing = True
            try:
                await self._keep_writing(batch)
            finally:
                self._writing = False
        return bool(batch)

    async def _keep_writing(self, batch: Sequence[AttemptResult]) -> None:
        until = time.monotonic() + claims.LEASE.total_seconds()
        while True:
            try:
                recorded = await self._database.query(partial(self._record, batch))
                break
            except Exception as away:  # noqa: BLE001  # whatever it is, it is tried again while the leases last
                if time.monotonic() > until or self._stopping:
                    # Their leases expire. What was accepted is in the log; the rest is sent again (at least once).
                    _log.error("delivery.not_recorded", count=len(batch), problem=type(away).__name__)
                    return
                await asyncio.sleep(0.5)
        self._say(batch, recorded)

    def _record(self, batch: Sequence[AttemptResult]) -> Recorded:
        try:
            return record_each(batch, self._isolation)
        except BaseException:
            self._has_notes = True
            raise

    def _say(self, batch: Sequence[AttemptResult], recorded: Recorded) -> None:
        lost = [one for one in batch if one.claim.id not in recorded.written]
        if lost:
            _log.warning("delivery.leases_lost", count=len(lost))
        if any(one.outcome is AttemptOutcome.DEAD for one in batch):
            # A fallback channel need not wait for the next second.
            self._tick()
        for off in recorded.switched_off:
            _log.error("channel.switched_off", channel=off.channel, answer=off.words)
