"""Runner of a region's checks on one loop: each starts at its time, within limits, and every check gets a result."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec
import structlog

from probes.checks.admission import Admission, Bounds, Slots, Waiting
from probes.checks.attempts import attempt, failed, result_of, two_attempts
from probes.checks.clock import Steps
from probes.checks.lateness import missed, order_of, overdue, skipped, too_late, wait_ms
from probes.checks.retry_after import RetryAfter
from probes.checks.soft_limits import SoftLimits
from probes.checks.taken_orders import TakenOrders
from probes.checks.traceparent import traceparent_of
from probes.net.dialer import Dialer
from probes.net.trace import Trace
from probes.prober import ModelListSink, Observation, ProbeContext, SpecError
from probes.probers import decode_spec
from probes.reasons import Reason, Status
from probes.seal import Opener, SealError, binding
from probes.wire import Batch, Check, Lane, Result, is_canary, is_trial

_log = structlog.get_logger(__name__)

#: No order comes again after so long (s): it is long too late, and was signed for less.
_REMEMBERED_ORDERS, _REMEMBERED_S = 1_000_000, 600.0
_REMEMBERED_REQUESTS = 20_000
_REMEMBERED_SOFT_LIMITS = 100_000
#: No check may hold a slot for longer than this (ms), whatever its order says.
_TIMEOUT_MOST_MS = 60_000
#: A check dated further ahead than this (ms) is a clock gone wrong, not an order.
_AHEAD_MOST_MS = 60_000
#: A worker that stops waits for slots so near (s): checks are sent less than this ahead, and no other worker has them.
_LAST_AHEAD_S = 2.0


def steady_s() -> float:
    """A clock that cannot be set; where there is one, it also counts while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Runner:
    """Give it batches on its loop's thread; it gives results to `publish`.

    `offset_ms` is this machine's clock minus that of Redis; the status reporter keeps it up to date.
    """

    def __init__(
        self, dialer: Dialer, opener: Opener | None, publish: Callable[[Result], None], bounds: Bounds
    ) -> None:
        self._dialer = dialer
        self._opener = opener
        self._publish = publish
        self._bounds = bounds
        self._slots = {
            Lane.SCHEDULED: Slots(bounds.scheduled, bounds.waiting, bounds.at_target),
            # What confirms is never held back for its target: there is one check of each monitor in it.
            Lane.CONFIRM: Slots(bounds.confirm, bounds.waiting, bounds.confirm),
        }
        self._taken = TakenOrders(_REMEMBERED_S, _REMEMBERED_ORDERS)
        self._retry_after = RetryAfter(_REMEMBERED_REQUESTS)
        self._soft_limits = SoftLimits(_REMEMBERED_SOFT_LIMITS)
        self._timers: dict[tuple[str, int, str, int], tuple[asyncio.TimerHandle, Check]] = {}
        self._running: dict[asyncio.Task[None], Check] = {}
        self._loop = asyncio.get_running_loop()
        self._stops = False
        #: Fails when the runner itself fails; its owner then ends the process.
        self.broken: asyncio.Future[None] = self._loop.create_future()
        self.offset_ms = 0.0
        #: By how much (s) this machine's clock was set while we ran.
        self.clock_set_s = 0.0
        self._steps = Steps(time.time(), steady_s())
        self.completed_ms = 0
        #: Takes models lists that checks read, where they are told.
        self.model_lists: ModelListSink | None = None

    def now_ms(self) -> int:
        """The time on the clock of Redis."""
        return int(time.time() * 1000 - self.offset_ms)

    def mind_the_clock(self) -> None:
        """Correct the offset if this machine's clock was set, so that no slot moves."""
        stepped_s = self._steps.look(time.time(), steady_s())
        self.offset_ms += stepped_s * 1000
        self.clock_set_s += stepped_s
        if stepped_s:
            _log.warning("clock.was_set", by_s=round(stepped_s, 1))

    @property
    def in_flight(self) -> int:
        return len(self._running)

    def oldest_age_ms(self) -> int:
        """The age of the oldest check that waits for a slot; 0 when none does."""
        heads = [at_ms for slots in self._slots.values() if (at_ms := slots.oldest_ms()) is not None]
        return max(0, self.now_ms() - min(heads)) if heads else 0

    def submit(self, batch: Batch) -> None:
        """Take a batch: start what is due, set a timer for what is not yet, drop what was seen before.

        From `drain` on, what comes is missed.
        """
        slots, now_ms, now_s = self._slots[batch.lane], self.now_ms(), self._loop.time()
        for check in batch.checks:
            order = order_of(check)
            if not self._taken.take(order, now_s):
                continue
            ahead_ms = wait_ms(check, now_ms)
            if self._stops:
                self._publish(missed(check, now_ms, "the worker is stopping"))
            elif ahead_ms > _AHEAD_MOST_MS:
                self._publish(missed(check, now_ms, "dated too far ahead of the clock"))
            elif len(self._timers) >= self._bounds.waiting:
                self._publish(missed(check, now_ms, "too many checks wait in this region"))
            elif ahead_ms > 1:
                self._timers[order] = self._loop.call_later(ahead_ms / 1000, self._due, slots, check), check
            else:
                self._admit(slots, check)

    async def drain(self, within_s: float) -> None:
        """Start what is due within a moment, report the rest as missed, and give what runs until `within_s` to end."""
        self._stops = True
        ends_s = self._loop.time() + within_s
        await self._start_the_last(ends_s)
        for slots in self._slots.values():
            for check in slots.empty():
                self._publish(missed(check, self.now_ms(), "the worker is stopping"))
        if self._running:
            await asyncio.wait(list(self._running), timeout=max(0.0, ends_s - self._loop.time()))
        for task, check in list(self._running.items()):
            task.cancel()
            self._publish(missed(check, self.now_ms(), "the worker stopped before the answer came", was_started=True))
        if self._running:
            await asyncio.wait(list(self._running), timeout=1)

    async def _start_the_last(self, ends_s: float) -> None:
        """Wait for the slots of what was sent ahead, as far as they are near, and not beyond `ends_s`."""
        self._give_up_timers(min(self._loop.time() + _LAST_AHEAD_S, ends_s))
        last_s = max((timer.when() for timer, _ in self._timers.values()), default=0.0)
        while self._timers and (now_s := self._loop.time()) < ends_s:
            await asyncio.sleep(max(0.0, last_s - now_s))
        self._give_up_timers(0.0)

    def _give_up_timers(self, after_s: float) -> None:
        for order, (timer, check) in list(self._timers.items()):
            if timer.when() > after_s:
                timer.cancel()
                del self._timers[order]
                self._publish(missed(check, self.now_ms(), "the worker is stopping"))

    def _due(self, slots: Slots, check: Check) -> None:
        del self._timers[order_of(check)]
        self._admit(slots, check)

    def _admit(self, slots: Slots, check: Check) -> None:
        admission = slots.admit(check)
        if admission is Admission.TOO_MANY_WAIT:
            self._publish(missed(check, self.now_ms(), "too many checks wait in this region"))
        elif admission is Admission.STARTS and not self._start(slots, Waiting(check)):
            self._refill(slots)

    def _refill(self, slots: Slots) -> None:
        while (one := slots.next()) is not None:
            self._start(slots, one)

    def _start(self, slots: Slots, one: Waiting) -> bool:
        """Run a check that has a slot; False, and the slot is free again, when it is not to be run any more."""
        check, now_ms = one.check, self.now_ms()
        if too_late(check, now_ms):
            why = "too many checks of its target run here at once" if one.for_target else "it came too late"
            self._publish(missed(check, now_ms, f"{why} to be started"))
            slots.leave(check)
            return False
        until_ms = self._retry_after.until_ms(check, now_ms)
        if until_ms:
            self._publish(skipped(check, now_ms, until_ms, self._retry_after.reason(check)))
            slots.leave(check)
            return False
        task = self._loop.create_task(self._run(slots, check, now_ms))
        self._running[task] = check
        task.add_done_callback(self._forget)
        return True

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.broken.done():
            # A bug in this file, not in a prober, and a result is lost: the process must not go on as if nothing was.
            self.broken.set_exception(error)

    async def _run(self, slots: Slots, check: Check, started_ms: int) -> None:
        warning = None
        soft_ms = 0 if check.round else self._soft_limits.soft_ms(check)
        if soft_ms:
            check = msgspec.structs.replace(check, soft_ms=soft_ms) if soft_ms != check.soft_ms else check
            warning = self._loop.call_later(soft_ms / 1000, lambda: self._publish(overdue(check, started_ms)))
        try:
            observation, attempts = await self._observe(check)
            self._retry_after.note(check, observation, self.now_ms())
            result = result_of(check, observation, started_ms, attempts)
            self._soft_limits.note(result)
            self._publish(result)
        finally:
            if warning is not None:
                warning.cancel()
            slots.leave(check)
            self.completed_ms = self.now_ms()
            self._refill(slots)

    async def _observe(self, check: Check) -> tuple[Observation, int]:
        try:
            prober, spec = decode_spec(check.kind, bytes(check.spec))
            secrets = self._secrets(check, prober.validate_secrets)
        except SealError as error:
            return failed(Status.UNKNOWN, Reason.PROBE_ERROR, str(error)), 0
        except SpecError as error:
            return failed(Status.UNKNOWN, Reason.PROBE_ERROR, f"the order cannot be run here: {error}"), 0
        timeout_s = min(check.timeout_ms, _TIMEOUT_MOST_MS) / 1000
        now_s = time.time()
        about = (check.monitor, check.round, is_trial(check.round), timeout_s, check.revision, self.model_lists)

        trace = traceparent_of(check, spec, self._opener.region if self._opener else "")

        def once() -> Coroutine[Any, Any, Observation]:
            context = ProbeContext(self._dialer, Trace(), now_s, *about, trace)
            return attempt(prober, spec, secrets, context, timeout_s)

        return await two_attempts(once) if check.round and not is_canary(check.round) else (await once(), 1)

    def _secrets(self, check: Check, validate: Callable[[Mapping[str, str]], None]) -> Mapping[str, str]:
        if not check.sealed:
            return {}
        if self._opener is None:
            raise SealError("this region has no key to open the check's secrets (VIGIL_REGION_KEY)")
        bound = binding(self._opener.region, check.monitor, check.kind, bytes(check.spec))
        secrets = self._opener.secrets(check.sealed, bound)
        validate(secrets)
        return secrets
