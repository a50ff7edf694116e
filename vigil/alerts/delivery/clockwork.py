"""Clockwork of delivery: claims of dead senders, fallbacks, policies, holds, disabled channels and clean-up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

from vigil.alerts.abandoned_claims import AbandonedClaims
from vigil.alerts.accepted_log import AcceptedLog
from vigil.alerts.delivery import group_rows
from vigil.alerts.delivery.fallback import escalate_unaccepted
from vigil.alerts.oncall.timers import run_due
from vigil.alerts.renewals import renew
from vigil.alerts.selftest.channel_incidents import sync_switched_off
from vigil.clock import followed_clock
from vigil.database.session_lock import GONE_AFTER_S
from vigil.database.thread import DatabaseThread
from vigil.deadletters.record import LetterSource, isolation

POLL_S = 1.0
FORGET_EVERY_S = 60.0
#: Renewals are due every two minutes, and finding them reads every open alert.
RENEW_EVERY_S = 5.0


class Clockwork:
    """Does what is due by the clock, in a database thread of its own; calls `wake` when that made work for delivery."""

    def __init__(self, wake: Callable[[], None], owner: int, log: AcceptedLog) -> None:
        self._wake, self._log = wake, log
        self._abandoned = AbandonedClaims(owner)
        self._tick = asyncio.Event()
        self._renewed_s = -RENEW_EVERY_S
        self._database = DatabaseThread("clockwork")
        #: Apart from the isolation of claims: of another thread, and with what it tries again by itself.
        self._isolation = isolation(LetterSource.DELIVER)

    def tick(self) -> None:
        """Look for what is due now instead of at the next second."""
        self._tick.set()

    async def run(self) -> None:
        """Turn once a second until cancelled."""
        forgot_s = 0.0
        isolated = self._isolation
        while True:
            self._tick.clear()
            try:
                moved = await self._database.query(self._do_due)
                if time.monotonic() - forgot_s > FORGET_EVERY_S:
                    forgot_s = time.monotonic()
                    await self._database.query(lambda: isolated.attempt("forget", group_rows.forget, None))
                if moved:
                    self._wake()
            except Exception as error:  # noqa: BLE001  # what is due by the clock is due again in a second
                await self._database.call(partial(isolated.setback, error))
            await wait_for(self._tick, GONE_AFTER_S if self._abandoned.suspects_any else POLL_S)

    def _do_due(self) -> int:
        attempt, each = self._isolation.attempt, self._isolation.each
        attempt("clock", followed_clock.follow, None)
        # What they had noted comes first: their claims are free only then.
        attempt("accepted", self._log.recover, 0)
        freed = attempt("abandoned", self._abandoned.free, 0)
        fallbacks = attempt("fallbacks", lambda: escalate_unaccepted(each), 0)
        due = attempt("due", lambda: run_due(each), 0)
        if time.monotonic() - self._renewed_s >= RENEW_EVERY_S:
            self._renewed_s = time.monotonic()
            due += attempt("renewals", renew, 0)
        return freed + fallbacks + due + attempt("switched_off", lambda: sync_switched_off(each), 0)

    async def close(self) -> None:
        await self._database.close()


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, or so many seconds have passed."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
