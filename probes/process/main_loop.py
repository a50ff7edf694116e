"""The main loop of a process, which turns until told to stop, and the threads beside it, which go on as long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from probes.process.health import Health
from probes.process.isolation import Isolation, Setback
from probes.process.sentry import report

log = structlog.get_logger(__name__)

#: A thread that ended is started again so often at most (s).
RESTART_S = 1.0

#: Mends what an error is about, or forgets what is in memory; True when the next turn may begin at once.
Recover = Callable[[Exception], bool]


def turn_until_stopped(
    turn: Callable[[], object], stop: threading.Event, isolation: Isolation, health: Health, recover: Recover
) -> None:
    """Call `turn` again and again. After one that raises, `recover` is called, and the next one comes a little later.

    The health says why in the fact `away`: which server is away or refuses work, or that a turn failed.
    """
    while not stop.is_set():
        try:
            turn()
            if isolation.turned():
                health.beat(away=None)
        except Exception as error:  # noqa: BLE001  # the one place where a loop goes on after the unexpected
            setback = _after(error, isolation, recover)
            if setback is not None:
                health.beat(away=setback.words)
                stop.wait(setback.wait_s)


def _after(error: Exception, isolation: Isolation, recover: Recover) -> Setback | None:
    try:
        if recover(error):
            return None
    except Exception as second:  # noqa: BLE001  # whatever it is, the loop goes on
        return isolation.setback(second)
    return isolation.setback(error)


class LastingThread:
    """A thread beside a main loop. Whatever ends it, also what is no `Exception`, the loop starts it again.

    A thread ends without a word to the others: `keep_alive` is for every turn of the loop that needs its work.
    """

    def __init__(self, name: str, work: Callable[[], object], now_s: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._work = work
        self._now_s = now_s
        self._thread: threading.Thread | None = None
        self._next_s = 0.0
        #: How often it was started again.
        self.restarts = 0

    def start(self) -> None:
        """Begin the work in a thread of its own."""
        self._next_s = self._now_s() + RESTART_S
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def keep_alive(self) -> bool:
        """Whether it runs; one that has ended is started again, once a second at most."""
        if self._thread is not None and self._thread.is_alive():
            return True
        if self._now_s() >= self._next_s:
            self.restarts += 1
            log.error("thread.started_again", thread=self._name, restarts=self.restarts)
            self.start()
        return False

    def join(self, timeout_s: float) -> None:
        """Wait for its end, as after it was told to stop."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # a thread's end is silent, unless it is said here
            log.error("thread.ended", thread=self._name, error=type(error).__name__, exc_info=error)
            report(error)
