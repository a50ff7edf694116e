"""When a check is due, and when it is too late to start it: pure, in milliseconds on Redis' clock."""

from __future__ import annotations

import datetime

from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Check, Phases, Result

_NO_PHASES = Phases()


def wait_ms(check: Check, now_ms: int) -> int:
    """How long to wait before starting; 0 when it is due."""
    return max(0, check.at_ms - now_ms)


def too_late(check: Check, now_ms: int) -> bool:
    """Whether it must not be started any more."""
    return now_ms >= check.expires_ms


def order_of(check: Check) -> tuple[str, int, str, int]:
    """What makes two orders the same order, within one region."""
    return check.monitor, check.at_ms, check.round, check.look


def missed(check: Check, now_ms: int, why: str) -> Result:
    """The result of a check that was not started: no vote, but not silence either."""
    return _unseen(check, Reason.MISSED, now_ms, why)


def overdue(check: Check, started_ms: int) -> Result:
    """The early word that an answer takes longer than usual; the result itself follows."""
    return _unseen(check, Reason.OVERDUE, started_ms, f"no answer yet after {check.soft_ms} ms")


def skipped(check: Check, now_ms: int, until_ms: int) -> Result:
    """The result of a check that was not made, because the target asked to be left alone."""
    until = datetime.datetime.fromtimestamp(until_ms / 1000, datetime.UTC)
    return _unseen(check, Reason.SKIPPED, now_ms, f"asked to wait until {until:%H:%M:%S} UTC (Retry-After)")


def _unseen(check: Check, reason: Reason, started_ms: int, why: str) -> Result:
    return Result(
        WIRE_VERSION, check.monitor, check.at_ms, Status.UNKNOWN, reason, started_ms, _NO_PHASES,
        check.round, check.look, 0, 0, why, {}, check.revision,
    )  # fmt: skip
