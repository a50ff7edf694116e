"""Lateness of checks: when one is due, when it is too late, and the results of checks that were not run. Pure."""

from __future__ import annotations

import datetime

from msgspec.structs import replace

from probes.ai.classify import status_of
from probes.ai.streams.facts import NOT_SENT
from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Check, Phases, Result, is_canary

_NO_PHASES = Phases()


def wait_ms(check: Check, now_ms: int) -> int:
    """How long to wait before starting; 0 when it is due."""
    return max(0, check.at_ms - now_ms)


def too_late(check: Check, now_ms: int) -> bool:
    """Whether it is too late to start it."""
    return now_ms >= check.expires_ms


def order_of(check: Check) -> tuple[str, int, str, int]:
    """The key by which two orders are the same order, within one region."""
    return check.monitor, check.at_ms, check.round, check.look


def missed(check: Check, now_ms: int, why: str, was_started: bool = False) -> Result:
    """The result of a check that was not started, or not ended: no vote, but not silence either."""
    result = _unseen(check, Reason.MISSED, now_ms, why)
    # What a canary has not asked costs nothing.
    return replace(result, facts={NOT_SENT: True}) if is_canary(check.round) and not was_started else result


def overdue(check: Check, started_ms: int) -> Result:
    """An early result that an answer takes longer than usual; the final result follows."""
    return _unseen(check, Reason.OVERDUE, started_ms, f"no answer yet after {check.soft_ms} ms")


def skipped(check: Check, now_ms: int, until_ms: int, reason: Reason) -> Result:
    """The result of a check that was not made, because the target asked to be left alone.

    In a round it is a vote: until then the target's last answer holds. Without such votes, a round about a rate limit
    would have no voter.
    """
    if reason is Reason.SKIPPED:
        # Not the target's wish, but ours: nothing is known of it.
        return _unseen(
            check, reason, now_ms, "not made: every check of this monitor costs money, so it is to be paused"
        )
    until = datetime.datetime.fromtimestamp(until_ms / 1000, datetime.UTC)
    why = f"asked to wait until {until:%H:%M:%S} UTC (Retry-After)"
    if check.round:
        return _unseen(check, reason, now_ms, f"skipped: {why}", status_of(reason))
    return _unseen(check, Reason.SKIPPED, now_ms, why)


def _unseen(check: Check, reason: Reason, started_ms: int, why: str, status: Status = Status.UNKNOWN) -> Result:
    return Result(
        WIRE_VERSION, check.monitor, check.at_ms, status, reason, started_ms, _NO_PHASES,
        check.round, check.look, 0, 0, why, {}, check.revision,
    )  # fmt: skip
