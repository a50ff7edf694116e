"""What a heartbeat may be, what was agreed for it, and what a ping or the clock does to it. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from vigil.heartbeats.core.body import Facts
from vigil.heartbeats.core.budget import Breach, RunBudget
from vigil.heartbeats.core.schedule import JobSchedule
from vigil.heartbeats.core.wire import PingKind

#: Runs that are open at once; of more, the oldest is forgotten.
MAX_RUNS = 100


class HeartbeatStatus(StrEnum):
    NEW = "new"
    UP = "up"
    RUNNING = "running"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"


class HeartbeatTrouble(StrEnum):
    """What is open about a heartbeat: nothing, a job that is down, or one that works and breaks its budget."""

    NONE = ""
    DOWN = "heartbeat"
    DEGRADED = "degraded"


class EffectReason(StrEnum):
    """Why a ping, or the clock, had the effect it had, or none."""

    PINGED = "pinged"
    STARTED = "started"
    LOGGED = "logged"
    FAILED = "failed"
    FAILED_AGAIN = "failed_again"
    CAME_BACK = "came_back"
    OVER_BUDGET = "over_budget"
    STILL_OVER_BUDGET = "still_over_budget"
    WITHIN_BUDGET = "within_budget"
    LOOPING = "looping"
    OLD = "old"
    PAUSED = "paused"
    LATE = "late"
    MISSED = "missed"
    OVERRAN = "overran"
    EXCUSED = "excused"
    NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has started and not ended; `rid` is empty for one without an id.

    An overdue run has been told of: it is only kept so that its end, should it come, can be measured.
    """

    rid: str
    started: datetime
    logs: int = 0
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class ReceiverGap:
    """A time in which no ping could be received."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed for a heartbeat. A run may take `run_limit`, or the grace when that is None."""

    schedule: JobSchedule
    grace: timedelta
    run_limit: timedelta | None = None
    wakes_on_ping: bool = False
    budget: RunBudget = field(default_factory=RunBudget)

    @property
    def longest_run(self) -> timedelta:
        return self.run_limit or self.grace


@dataclass(frozen=True, slots=True)
class HeartbeatState:
    """What is known of a heartbeat. `decided` is the time of the newest ping that changed or confirmed something.

    `logs` counts log messages without a run since the last ping that was none.
    """

    status: HeartbeatStatus = HeartbeatStatus.NEW
    since: datetime | None = None
    decided: datetime | None = None
    last_success: datetime | None = None
    expected: datetime | None = None
    runs: tuple[Run, ...] = ()
    logs: int = 0
    trouble: HeartbeatTrouble = HeartbeatTrouble.NONE


@dataclass(frozen=True, slots=True)
class ToldTrouble:
    """A ping as the life cycle needs it."""

    at: datetime
    kind: PingKind
    rid: str = ""
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True)
class HeartbeatEffect:
    """The next state and why; `duration` of the run that ended, the budget's rules that it broke.

    `overran` is a run that did not end in time. What is open changes when `state.trouble` does.
    """

    state: HeartbeatState
    why: EffectReason
    duration: timedelta | None = None
    breaches: tuple[Breach, ...] = ()
    overran: Run | None = None
