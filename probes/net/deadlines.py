"""Task deadlines with shared timers, 50 ms coarse, for thousands of checks on one loop.

`asyncio.timeout` makes and drops a timer for each check, which is a tenth of the CPU of a cheap check.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

#: How late a deadline may expire (s).
GRAIN_S = 0.05


class Deadline:
    """Use as `with within(seconds):` inside a task; raises TimeoutError there when the time is over."""

    __slots__ = ("_bucket", "_struck", "_task")

    def __init__(self, bucket: set[Deadline], task: asyncio.Task[object]) -> None:
        self._bucket = bucket
        self._task = task
        self._struck = False

    def strike(self) -> None:
        self._struck = True
        self._task.cancel()

    def __enter__(self) -> Deadline:
        self._bucket.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bucket.discard(self)
        # As in asyncio.timeout: a cancellation that also came from outside must pass.
        if self._struck and self._task.uncancel() <= 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error


class _Clock:
    """The buckets of one loop: deadlines within the same grain expire together."""

    __slots__ = ("buckets", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.buckets: dict[int, set[Deadline]] = {}

    def bucket(self, seconds: float) -> set[Deadline]:
        grain = int((self.loop.time() + seconds) / GRAIN_S) + 1
        found = self.buckets.get(grain)
        if found is None:
            found = self.buckets[grain] = set()
            self.loop.call_at(grain * GRAIN_S, self._strike, grain)
        return found

    def _strike(self, grain: int) -> None:
        for deadline in list(self.buckets.pop(grain)):
            deadline.strike()


_clock: _Clock | None = None


def within(seconds: float) -> Deadline:
    """A deadline for the running task; it expires after `seconds`, at most GRAIN_S late."""
    global _clock
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a deadline needs a running task")
    loop = asyncio.get_running_loop()
    if _clock is None or _clock.loop is not loop:
        _clock = _Clock(loop)
    return Deadline(_clock.bucket(seconds), task)
