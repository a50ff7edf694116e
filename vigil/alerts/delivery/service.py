"""Delivery service: claims due messages, sends them concurrently, records outcomes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from django.db import connection

from probes.process.health import Health
from probes.process.isolation import Setback
from probes.process.metrics import families
from probes.process.watch.watchdog import tick
from vigil.alerts.channels import email
from vigil.alerts.channels.kind import Outbound
from vigil.alerts.core.lone_turns import ClaimTurn, LoneTurns
from vigil.alerts.core.pacing import Paces
from vigil.alerts.core.retry import MAX_RETRY_AFTER_S
from vigil.alerts.delivery import claims
from vigil.alerts.delivery.attempt import HeldMessage, attempt_together, pace_of, together
from vigil.alerts.delivery.claim_rows import has_alone
from vigil.alerts.delivery.clockwork import POLL_S, Clockwork, wait_for
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.alerts.delivery.isolated import Claimed, claimed, fault_of
from vigil.alerts.delivery.listen import listen
from vigil.alerts.delivery.outcomes import AttemptOutcome, AttemptResult, count_attempt, declare_attempts
from vigil.alerts.delivery.recording import OutcomeRecorder, log_of_accepted
from vigil.alerts.reports.send import keep_sending
from vigil.away import is_postgresql
from vigil.configuration import configuration
from vigil.database.session_lock import SessionLock
from vigil.database.thread import DatabaseThread
from vigil.deadletters.record import LetterSource, isolation

IN_FLIGHT = 2_000
#: A claim waits this long for more free slots, so that a few outcomes do not cost a claim each.
CLAIM_AFTER_S = 0.003
DRAIN_S = 6.0

_log = structlog.get_logger(__name__)


class Sender:
    """Delivers until stopped. Claims and records share a database thread; the clockwork has another."""

    def __init__(self, outbound: Outbound, health: Health) -> None:
        self._outbound = outbound
        self._health = health
        self._database = DatabaseThread("database")
        self._sending: set[asyncio.Task[None]] = set()
        self._isolation = isolation(LetterSource.DELIVER)
        self._paces = Paces()
        self._lone_turns = LoneTurns()
        self._wake = asyncio.Event()
        self._owner = SessionLock()
        log = log_of_accepted(self._owner.key)
        self._clockwork = Clockwork(self.wake, self._owner.key, log)
        self._recorder = OutcomeRecorder(self._database, self._isolation, log, self.wake, self._clockwork.tick)
        self._stopping = False
        self._fault: BaseException | None = None

    def stop(self) -> None:
        """Stop claiming; messages in flight get a few seconds to finish."""
        self._stopping = True
        self._wake.set()

    def wake(self) -> None:
        """Look for work now instead of at the next second."""
        self._wake.set()

    async def run(self) -> None:
        """Turn until stopped; a turn that fails is no reason to end."""
        beside = [asyncio.create_task(self._recorder.run()), asyncio.create_task(self._clockwork.run())]
        for task in beside:
            task.add_done_callback(self.note_end)
        try:
            await self._turn_until_stopped()
            await self._drain()
        finally:
            for task in (*beside, *self._sending):
                task.cancel()
            await asyncio.gather(*beside, *self._sending, return_exceptions=True)
            await self._database.close()
            await self._clockwork.close()

    async def _turn_until_stopped(self) -> None:
        troubled = True
        while not self._stopping:
            self._wake.clear()
            self._raise_fault()
            wait_s, database = 0.0, True
            try:
                wait_s = await self._turn()
                if troubled:
                    await self._database.query(self._isolation.turned)
                    self._health.beat(away=None)
                    troubled = False
            except Exception as error:  # noqa: BLE001  # the main loop goes on after the unexpected
                setback = await self._setback(error)
                wait_s, database, troubled = setback.wait_s, not setback.away, True
            self._health.beat(database=database, in_flight=len(self._sending))
            self._health.counts.set(families.DELIVERIES_IN_FLIGHT, len(self._sending))
            await wait_for(self._wake, wait_s)
        self._raise_fault()

    async def _setback(self, error: Exception) -> Setback:
        """Say why a turn failed, and how long to wait."""

        def note() -> Setback:
            if is_postgresql(error):
                connection.close()
            return self._isolation.setback(error)

        setback = await self._database.call(note)
        self._health.beat(away=setback.words)
        return setback

    async def _turn(self) -> float:
        """Claim and start due messages; returns the longest time to wait before the next pass."""
        if len(self._sending) >= IN_FLIGHT:
            return POLL_S
        room = self._paces.room(time.monotonic())
        full = [channel for channel, left in room.items() if not left]
        turn = await self._next_turn(full)
        if turn is ClaimTurn.NOTHING:
            return POLL_S
        alone = turn is ClaimTurn.ALONE
        found = await self._database.query(lambda: self._claim(room, full, alone))
        for request in together((one, found.messages[one.id]) for one in found.claims if one.id in found.messages):
            self._start(request)
        for broken in found.broken:
            self._note(broken)
        if found.claims or alone:
            await asyncio.sleep(CLAIM_AFTER_S)
            return CLAIM_AFTER_S
        until = await self._database.query(claims.seconds_to_next)
        return min(POLL_S, max(0.005, until)) if until is not None else POLL_S

    def _claim(self, room: Mapping[int, int], full: Collection[int], alone: bool) -> Claimed:
        self._recorder.recover()
        return claimed(room, full, self._isolation, self._owner, alone)

    async def _next_turn(self, full: Collection[int]) -> ClaimTurn:
        """What to claim: a message that ended its process again and again is sent while nothing else is."""
        now_s = time.monotonic()
        if self._lone_turns.looks(now_s):
            self._lone_turns.note(now_s, waits=await self._database.query(partial(has_alone, full)))
        return self._lone_turns.next(now_s, idle=not self._sending and self._recorder.is_idle)

    def _note(self, result: AttemptResult) -> None:
        self._recorder.add(result)
        count_attempt(self._health.counts, result)

    def _start(self, held: Sequence[HeldMessage]) -> None:
        claim = held[0][0]
        wait_s = self._paces.begin(claim.destination.id, pace_of(claim), time.monotonic())
        task = asyncio.create_task(self._deliver(held, wait_s))
        self._sending.add(task)
        task.add_done_callback(self.note_end)

    async def _deliver(self, held: Sequence[HeldMessage], wait_s: float) -> None:
        channel = held[0][0].destination.id
        results: Sequence[AttemptResult] = ()
        try:
            results = await self._attempt(held, wait_s)
            for result in results:
                if result.rest_s:
                    self._paces.rest(channel, time.monotonic() + min(result.rest_s, MAX_RETRY_AFTER_S))
                self._note(result)
        finally:
            answered = any(result.outcome is not AttemptOutcome.RETRY or result.rest_s > 0 for result in results)
            self._paces.end(channel, answered=answered)

    async def _attempt(self, held: Sequence[HeldMessage], wait_s: float) -> Sequence[AttemptResult]:
        try:
            return await attempt_together(self._outbound, held, wait_s, self._recorder.note)
        except Exception as fault:  # noqa: BLE001  # of ours: the messages are tried again, and the others go on
            for claim, _ in held:
                bury = partial(self._isolation.bury, "send", str(claim.id), fault)
                await self._database.query(partial(self._isolation.attempt, "letter", bury, None))
            return [fault_of(claim, fault) for claim, _ in held]

    def note_end(self, task: asyncio.Task[None]) -> None:
        """What ends a task in spite of all, such as an exit, ends the process: no task may end unseen."""
        self._sending.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._fault = fault
            self._wake.set()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    async def _drain(self) -> None:
        if self._sending:
            await asyncio.wait(list(self._sending), timeout=DRAIN_S)
        await self._recorder.drain()


async def deliver(health: Health, beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()) -> None:
    """Deliver until SIGTERM or SIGINT. What runs `beside` ends the process if it ends."""
    loop = asyncio.get_running_loop()
    outbound = GuardedOutbound(configuration().alert_egress)
    sender = Sender(outbound, health)
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(stop_signal, sender.stop)
    declare_attempts(health.counts)
    health.mark_ready()
    _log.info("deliver.ready")
    ticking = asyncio.create_task(tick(health))
    listening = asyncio.create_task(listen(sender.wake))
    reporting = asyncio.create_task(keep_sending(lambda config, letter: email.send(outbound, config, {}, letter)))
    others = [asyncio.create_task(work()) for work in beside]
    for task in (listening, reporting, *others):
        task.add_done_callback(sender.note_end)
    try:
        await sender.run()
    finally:
        for task in (ticking, listening, reporting, *others):
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await outbound.close()
