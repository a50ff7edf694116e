"""Run history: past runs laid on the times at which the job should have called. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from vigil.heartbeats.core.schedule import EARLY, JobSchedule, ScheduleKind, expected_after_call, next_after

#: Times without a call that are drawn between two calls; a job that was away for longer shows no more of them.
MISSED_MOST = 20

Span = tuple[datetime, datetime]


class RunOutcome(StrEnum):
    """How a run ended; a missed one did not begin."""

    WELL = "well"
    LATE = "late"
    FAILED = "failed"
    RUNNING = "running"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class PastRun:
    """A call that ended a run, or a run that goes on (`at` is now). `took` is None for a call without a start."""

    at: datetime
    took: timedelta | None = None
    failed: bool = False
    running: bool = False
    overlaps: bool = False

    @property
    def arrived(self) -> datetime:
        """When the job was first heard."""
        return self.at - (self.took or timedelta())


@dataclass(frozen=True, slots=True)
class RunSlot:
    """A time of the schedule and its runs. Without runs it was missed; `expected` is None for calls that no time asked
    for. More than one run: they overlapped, or the job called more often than it should."""

    expected: datetime | None
    runs: tuple[PastRun, ...] = ()

    @property
    def lateness(self) -> timedelta:
        """How long after its time the job was first heard; nothing within the tolerance of clocks."""
        if self.expected is None or not self.runs:
            return timedelta()
        late = self.runs[0].arrived - self.expected
        return late if late > EARLY else timedelta()

    @property
    def outcome(self) -> RunOutcome:
        """The worst of its runs."""
        if not self.runs:
            return RunOutcome.MISSED
        if any(run.failed for run in self.runs):
            return RunOutcome.FAILED
        if self.lateness:
            return RunOutcome.LATE
        return RunOutcome.RUNNING if any(run.running for run in self.runs) else RunOutcome.WELL


def run_slots(
    schedule: JobSchedule, grace: timedelta, runs: Sequence[PastRun], now: datetime, excused: Sequence[Span] = ()
) -> list[RunSlot]:
    """Lay runs (oldest first) on their schedule, up to `now`; a missed time within an `excused` span is left out."""
    slots: list[RunSlot] = []
    expected: datetime | None = None
    busy_until: datetime | None = None
    for run in runs:
        overlaps = busy_until is not None and run.arrived < busy_until
        told = replace(run, overlaps=overlaps)
        missed, own = _times_before(schedule, grace, expected, run.arrived)
        slots += _unexcused(missed, excused)
        extra = own is None and expected is not None and not missed and schedule.kind is not ScheduleKind.PERIOD
        if slots and slots[-1].runs and (extra or (overlaps and own is None)):
            slots[-1] = replace(slots[-1], runs=(*slots[-1].runs, told))
        else:
            slots.append(RunSlot(own, (told,)))
        busy_until = max(run.at, busy_until) if busy_until is not None else run.at
        expected = None if run.running else expected_after_call(schedule, run.at, expected)
    missed, _ = _times_before(schedule, grace, expected, now)
    return slots + _unexcused(missed, excused)


def _times_before(
    schedule: JobSchedule, grace: timedelta, expected: datetime | None, arrived: datetime
) -> tuple[list[datetime], datetime | None]:
    """Times that were missed before a job was heard, and the time that its call stands for."""
    if expected is None:
        return [], None
    if schedule.kind is ScheduleKind.PERIOD:
        # A period begins anew with each call: one that was missed has no next one.
        return ([expected], None) if arrived > expected + grace else ([], expected)
    missed: list[datetime] = []
    at: datetime | None = expected
    while at is not None and at <= arrived + EARLY:
        following = next_after(schedule, at)
        if (following is None or following > arrived + EARLY) and arrived <= at + grace:
            return missed, at
        if arrived > at + grace:
            missed.append(at)
        at = following if len(missed) < MISSED_MOST else None
    return missed, None


def _unexcused(times: Sequence[datetime], excused: Sequence[Span]) -> list[RunSlot]:
    return [RunSlot(at) for at in times if not any(start <= at < end for start, end in excused)]
