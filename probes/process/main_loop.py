"""The main loop of a process: it turns until told to stop, and a turn that fails is no reason to end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from probes.process.health import Health
from probes.process.isolation import Isolation, Setback

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
