"""Runs on their schedule: on time, late, missed, overlapping, and more often than expected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from vigil.heartbeats.core.run_history import PastRun, RunOutcome, RunSlot, run_slots
from vigil.heartbeats.core.schedule import JobSchedule, ScheduleKind
from vigil.heartbeats.showing.run_bars import WIDTH, run_bars, slot_letters

MINUTE = timedelta(minutes=1)
HOURLY = JobSchedule(ScheduleKind.CRON, expression="0 * * * *")
PERIOD = JobSchedule(ScheduleKind.PERIOD, period=60 * MINUTE)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def ran(minutes: float, took: float | None = None, **more: bool) -> PastRun:
    return PastRun(at(minutes), None if took is None else took * MINUTE, **more)


def outcomes(slots: list[RunSlot]) -> list[str]:
    return [slot.outcome.value for slot in slots]


def test_a_run_counts_from_its_start_and_is_late_after_the_tolerance_of_clocks() -> None:
    slots = run_slots(HOURLY, 10 * MINUTE, [ran(0), ran(100, took=40), ran(125), ran(180, failed=True)], at(185))
    assert outcomes(slots) == ["well", "well", "late", "failed"]
    assert slots[2].lateness == 5 * MINUTE and slots[2].expected == at(120)


def test_times_without_a_call_are_missed_unless_the_job_was_paused() -> None:
    runs = [ran(0), ran(240)]
    assert outcomes(run_slots(HOURLY, 10 * MINUTE, runs, at(241))) == ["well", "missed", "missed", "missed", "well"]
    paused = [(at(30), at(130))]
    assert outcomes(run_slots(HOURLY, 10 * MINUTE, runs, at(241), paused)) == ["well", "missed", "well"]
    assert outcomes(run_slots(HOURLY, 10 * MINUTE, runs[:1], at(69))) == ["well"]
    assert outcomes(run_slots(HOURLY, 10 * MINUTE, runs[:1], at(71))) == ["well", "missed"]


def test_a_period_begins_anew_with_each_call() -> None:
    slots = run_slots(PERIOD, 10 * MINUTE, [ran(0), ran(65), ran(300), ran(310)], at(311))
    assert outcomes(slots) == ["well", "late", "missed", "well", "well"]


def test_runs_that_overlap_stand_side_by_side_in_one_time() -> None:
    slots = run_slots(HOURLY, 10 * MINUTE, [ran(70, took=70), ran(100, took=40), ran(185, took=5)], at(186))
    assert [len(slot.runs) for slot in slots] == [2, 0, 1]
    assert [run.overlaps for run in slots[0].runs] == [False, True]
    bars = run_bars(slots)
    assert bars.overlapping == 1 and bars.longest == "1 h 10 min" and "1 overlapped" in bars.label
    first, second = bars.bars[:2]
    assert first.x + first.width <= second.x and second.x + second.width <= WIDTH


def test_a_long_absence_and_a_running_job_are_bounded() -> None:
    every_minute = JobSchedule(ScheduleKind.CRON, expression="* * * * *")
    slots = run_slots(every_minute, MINUTE, [ran(0), ran(600_000, took=3, running=True)], at(600_000))
    assert slots[-1].outcome is RunOutcome.RUNNING and len(slots) < 30
    assert slot_letters(slots, 4) == "3d1u" and run_bars([]).label == "No run yet"
