"""The process that delivers: claims what is due, sends it beside everything else, records what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from probes.health import Health
from vigil.accounts.sealed import SealedValueUnreadable
from vigil.alerts import claims
from vigil.alerts.channels import CHANNELS, ChannelError, SettingsError, email, parse_config
from vigil.alerts.channels.kind import Outbound
from vigil.alerts.claims import Claimed
from vigil.alerts.due import run_due
from vigil.alerts.listening import listen
from vigil.alerts.message import message_of
from vigil.alerts.outbound import GuardedOutbound
from vigil.alerts.outbox import escalate
from vigil.alerts.policy import after_failure
from vigil.alerts.reports import keep_sending
from vigil.configuration import configuration

T = TypeVar("T")

IN_FLIGHT = 64
POLL_S = 1.0
#: Of everything one attempt does; shorter than the lease.
SEND_DEADLINE_S = 20.0
DRAIN_S = 6.0
MAX_BACKOFF_S = 5.0
#: A database that is away, as opposed to a query that is wrong.
DATABASE_AWAY = (OperationalError, InterfaceError)

_log = structlog.get_logger(__name__)


class Sender:
    """Delivers until it is stopped. All of its database work happens on one thread of its own."""

    def __init__(self, outbound: Outbound, health: Health) -> None:
        self._outbound = outbound
        self._health = health
        self._database = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._sending: dict[asyncio.Task[None], int] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._looked_for_unaccepted = 0.0
        self._fault: BaseException | None = None

    def stop(self) -> None:
        """Claim nothing more; what is in flight has a few seconds to end."""
        self._stopping = True
        self._wake.set()

    def wake(self) -> None:
        """Look now rather than at the next second."""
        self._wake.set()

    async def run(self) -> None:
        """Turn until stopped; raises whatever is not a database that is away."""
        try:
            await self._turn_until_stopped()
            await self._drain()
        finally:
            await asyncio.get_running_loop().run_in_executor(self._database, lambda: connection.close())
            self._database.shutdown(wait=False)

    async def _turn_until_stopped(self) -> None:
        backoff_s = 0.0
        while not self._stopping:
            self._wake.clear()
            if self._fault is not None:
                raise self._fault
            try:
                more = await self._turn()
                backoff_s = 0.0
            except DATABASE_AWAY as away:
                backoff_s = min(MAX_BACKOFF_S, backoff_s * 2 or 0.2)
                _log.warning("database_away", problem=type(away).__name__, retry_in_s=backoff_s)
                self._health.beat(database=False, in_flight=len(self._sending))
                await self._pause(backoff_s)
                continue
            self._health.beat(database=True, in_flight=len(self._sending))
            if not more:
                await self._pause(POLL_S)

    async def _turn(self) -> bool:
        """Claim and start what is due; True when there may be more of it."""
        if time.monotonic() - self._looked_for_unaccepted >= POLL_S:
            self._looked_for_unaccepted = time.monotonic()
            await self._on_database(_escalate_unaccepted)
            await self._on_database(run_due)
        room = IN_FLIGHT - len(self._sending)
        if room <= 0:
            return False
        held = Counter(self._sending.values())
        claimed = await self._on_database(lambda: claims.claim(held, room))
        for one in claimed:
            task = asyncio.create_task(self._deliver(one))
            self._sending[task] = one.channel
            task.add_done_callback(self._ended)
        return bool(claimed)

    async def _deliver(self, claimed: Claimed) -> None:
        try:
            answer = await self._send(claimed)
        except ChannelError as refused:
            await self._record_failure(claimed, refused)
            return
        await self._record(claimed, lambda: claims.record_sent(claimed))
        _log.info(
            "delivered",
            delivery=claimed.alert.delivery,
            incident=claimed.alert.dedup_key,
            event_sent=claimed.alert.event,
            kind=claimed.kind,
            answer=answer,
            attempts=claimed.attempts,
        )

    async def _send(self, claimed: Claimed) -> str:
        """Word and send; raises `ChannelError` for every way in which that can fail."""
        try:
            kind = CHANNELS[claimed.kind]
            config = parse_config(claimed.kind, claimed.config)
            payload = kind.render(message_of(claimed.alert), config)
            async with asyncio.timeout(SEND_DEADLINE_S):
                return (await kind.send(self._outbound, config, claimed.secrets, payload)).answer
        except ChannelError:
            raise
        except TimeoutError:
            raise ChannelError(f"not accepted within {SEND_DEADLINE_S:.0f} s") from None
        except SettingsError as wrong:
            raise ChannelError(f"the channel's settings cannot be used: {wrong.problem}", permanent=True) from None
        except SealedValueUnreadable as locked:
            raise ChannelError(str(locked)) from None
        except Exception as fault:
            # A fault in one channel's code must not stop the others; it is recorded and tried again like a failure.
            _log.exception("channel_fault", delivery=claimed.alert.delivery, kind=claimed.kind)
            raise ChannelError(f"fault in the channel: {type(fault).__name__}") from fault

    async def _record_failure(self, claimed: Claimed, refused: ChannelError) -> None:
        what_next = after_failure(
            claimed.attempts,
            claimed.age,
            permanent=refused.permanent,
            retry_after_s=refused.retry_after_s,
            seed=claimed.alert.delivery,
        )
        error = str(refused)
        _log.warning(
            "not_delivered",
            delivery=claimed.alert.delivery,
            incident=claimed.alert.dedup_key,
            error=error,
            dead=what_next.dead,
            retry_in_s=round(what_next.wait_s, 1),
            attempts=claimed.attempts,
        )
        if what_next.dead:
            await self._record(claimed, lambda: claims.record_dead(claimed, error))
        else:
            await self._record(claimed, lambda: claims.record_retry(claimed, error, what_next.wait_s))

    async def _record(self, claimed: Claimed, write: Callable[[], bool]) -> None:
        """Write the outcome, for as long as the lease lasts; after that the delivery is sent once more."""
        until = time.monotonic() + claims.LEASE.total_seconds()
        while True:
            try:
                if not await self._on_database(write):
                    _log.warning("lease_lost", delivery=claimed.alert.delivery)
                return
            except DATABASE_AWAY as away:
                if time.monotonic() > until or self._stopping:
                    _log.error("outcome_not_recorded", delivery=claimed.alert.delivery, problem=type(away).__name__)
                    return
                await asyncio.sleep(0.5)

    async def _on_database(self, work: Callable[[], T]) -> T:
        def with_connection() -> T:
            # Tests the connection that was kept, and drops it if PostgreSQL has been restarted.
            close_old_connections()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._database, with_connection)

    def note_end(self, task: asyncio.Task[None]) -> None:
        """What broke in a task beside this one ends the process as well."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._fault = fault
        self._wake.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self.note_end(task)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _drain(self) -> None:
        if self._sending:
            await asyncio.wait(list(self._sending), timeout=DRAIN_S)
        for task in list(self._sending):
            task.cancel()


def _escalate_unaccepted() -> None:
    for incident, step in claims.unaccepted_pages():
        told = escalate(incident, step)
        if told:
            _log.warning("escalated", incident=incident, transition=step, deliveries=told)
        else:
            _log.error("nobody_told", incident=incident, transition=step, advice="add a fallback channel")


async def deliver(health: Health) -> None:
    """Deliver until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    # Mail is sent by threads; a mail server that hangs must not take the last one.
    loop.set_default_executor(ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="mail"))
    outbound = GuardedOutbound(configuration().alert_egress)
    sender = Sender(outbound, health)
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(stop_signal, sender.stop)
    health.mark_ready()
    _log.info("delivering")
    listening = asyncio.create_task(listen(sender.wake))
    reporting = asyncio.create_task(keep_sending(lambda config, letter: email.send(outbound, config, {}, letter)))
    reporting.add_done_callback(sender.note_end)
    try:
        await sender.run()
    finally:
        listening.cancel()
        reporting.cancel()
        await outbound.close()
