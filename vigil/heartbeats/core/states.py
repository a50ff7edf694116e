"""Heartbeat values: state, terms, ping, and effect. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from vigil.heartbeats.core.budget import Breach, RunBudget
from vigil.heartbeats.core.pings.body import Facts
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.reception import ReceiverGap
from vigil.heartbeats.core.schedule import JobSchedule

MAX_RUNS = 100


class HeartbeatStatus(StrEnum):
    NEW = "new"
    UP = "up"
    RUNNING = "running"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"


class HeartbeatTrouble(StrEnum):
    """Open incident of a heartbeat: none, job down, or over budget."""

    NONE = ""
    DOWN = "heartbeat"
    DEGRADED = "degraded"


class EffectReason(StrEnum):
    """Reason of an effect, or of none."""

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
    #: Past its deadline, but Vigil could not receive: told of after a fair wait.
    WAITING = "waiting"
    #: A maintenance window came at the expected time.
    EXCUSED = "excused"
    NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has not ended; `rid` may be empty. An overdue one has alerted, and is kept to measure its end.

    `first` is the first start of one that was started again.
    """

    rid: str
    started: datetime
    logs: int = 0
    overdue: bool = False
    first: datetime | None = None

    def deadline(self, longest: timedelta) -> datetime:
        """A run has its whole time since it was started again; one that only starts has twice the time in all."""
        ends = self.started + longest
        return min(ends, self.first + 2 * longest) if self.first is not None else ends


@dataclass(frozen=True, slots=True)
class Terms:
    """Schedule and limits of a heartbeat. A run may take `run_limit`, or the grace if that is None."""

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
    """State of a heartbeat: `decided` by the newest decisive ping; `logs` counts log pings without a run since."""

    status: HeartbeatStatus = HeartbeatStatus.NEW
    since: datetime | None = None
    decided: datetime | None = None
    last_success: datetime | None = None
    expected: datetime | None = None
    runs: tuple[Run, ...] = ()
    logs: int = 0
    trouble: HeartbeatTrouble = HeartbeatTrouble.NONE


@dataclass(frozen=True, slots=True)
class PingFacts:
    """A ping as the life cycle needs it."""

    at: datetime
    kind: PingKind
    rid: str = ""
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True)
class HeartbeatEffect:
    """Next state and reason; `duration` and breaches of the ended run; `overran`: a run that did not end in time.

    `again`: when the clock must look again while it is WAITING; `gaps` may have hidden the missing ping.
    """

    state: HeartbeatState
    why: EffectReason
    duration: timedelta | None = None
    breaches: tuple[Breach, ...] = ()
    overran: Run | None = None
    again: datetime | None = None
    gaps: tuple[ReceiverGap, ...] = ()
