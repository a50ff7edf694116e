"""Heartbeat life cycle (state machine): effects of pings and of the clock. Pure.

    NEW ──ping──► UP ──expected──► LATE ──grace──► DOWN ──success──► UP
                  │ ▲                                ▲
                start └──success──┐                  │
                  ▼               │                  │
                RUNNING ──────────┴──too long, fail──┘

A PAUSED heartbeat reacts only to the ping that may resume it. Pings may be repeated or late: one older than the newest
decisive ping changes nothing. A receiver gap postpones an alarm by a fair wait (`reception`) and never excuses it; a
maintenance window at the expected time does: the schedule restarts when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from vigil.heartbeats.core.budget import Breach, breaches, looping
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.reception import ReceiverGap, alarm_at, hiding
from vigil.heartbeats.core.schedule import earliest_call, expected_after_call, next_after
from vigil.heartbeats.core.states import (
    MAX_RUNS,
    EffectReason,
    HeartbeatEffect,
    HeartbeatState,
    HeartbeatStatus,
    HeartbeatTrouble,
    PingFacts,
    Run,
    Terms,
)


def due(state: HeartbeatState, terms: Terms) -> datetime | None:
    """Next time the clock must act; None when only a ping can change the state."""
    if state.status is HeartbeatStatus.RUNNING:
        limit = terms.longest_run
        if state.trouble is HeartbeatTrouble.NONE and terms.budget.max_duration_s is not None:
            limit = min(limit, timedelta(seconds=terms.budget.max_duration_s))
        return min((run.deadline(limit) for run in state.runs if not run.overdue), default=None)
    if state.expected is None or state.status in (HeartbeatStatus.DOWN, HeartbeatStatus.PAUSED):
        return None
    return state.expected + terms.grace if state.status is HeartbeatStatus.LATE else state.expected


def on_ping(state: HeartbeatState, terms: Terms, told: PingFacts) -> HeartbeatEffect:
    """Step by one ping.

    1. A paused heartbeat stays paused, unless it waits for a success or a start.
    2. A log ping is counted; more than the budget allows mean a loop.
    3. A ping older than the newest decisive one only ends its run.
    4. Otherwise the ping decides the status.
    """
    if told.kind is PingKind.IGNORED:
        return HeartbeatEffect(state, EffectReason.LOGGED)
    if state.status is HeartbeatStatus.PAUSED:
        if not terms.wakes_on_ping or told.kind not in (PingKind.SUCCESS, PingKind.START):
            return HeartbeatEffect(state, EffectReason.PAUSED)
        state = replace(state, status=HeartbeatStatus.NEW, runs=(), logs=0)
    if told.kind is PingKind.LOG:
        return _logged(state, terms, told)
    run = _run(state, told.rid)
    if state.decided is not None and told.at < state.decided:
        ended = run if run and told.kind is not PingKind.START and run.started <= told.at else None
        return HeartbeatEffect(_still_running(_without(state, ended)), EffectReason.OLD, _duration(ended, told))
    state = replace(state, decided=told.at, logs=0)
    if told.kind is PingKind.START:
        return _started(state, told)
    state = _without(state, run)
    if told.kind is PingKind.FAIL:
        again = state.trouble is HeartbeatTrouble.DOWN
        down = replace(_moved(state, HeartbeatStatus.DOWN, told.at), trouble=HeartbeatTrouble.DOWN)
        return HeartbeatEffect(down, EffectReason.FAILED_AGAIN if again else EffectReason.FAILED, _duration(run, told))
    return _succeeded(state, terms, told, run)


def on_clock(state: HeartbeatState, terms: Terms, now: datetime, gaps: Sequence[ReceiverGap] = ()) -> HeartbeatEffect:
    """Step by the clock: late, down after the grace or an overlong run. `gaps` are all that have ended, and windows."""
    at = due(state, terms)
    if at is None or now < at:
        return HeartbeatEffect(state, EffectReason.NOT_DUE)
    if state.status is HeartbeatStatus.RUNNING:
        return _overdue_run(state, terms, now, gaps)
    assert state.expected is not None
    deadline = state.expected + terms.grace
    if now < deadline:
        return HeartbeatEffect(_moved(state, HeartbeatStatus.LATE, state.expected), EffectReason.LATE)
    window = _planned(gaps, state.expected - terms.grace, state.expected)
    if window is not None:
        return _excused(state, terms, window)
    alarm = alarm_at(deadline, terms.grace, gaps)
    if now < alarm:
        late = _moved(state, HeartbeatStatus.LATE, state.expected)
        return HeartbeatEffect(late, EffectReason.WAITING, again=alarm)
    down = replace(_moved(state, HeartbeatStatus.DOWN, deadline), trouble=HeartbeatTrouble.DOWN)
    hidden = hiding(gaps, earliest_call(terms.schedule, state.expected, terms.grace), alarm)
    return HeartbeatEffect(down, EffectReason.MISSED, gaps=hidden)


def paused(state: HeartbeatState, now: datetime) -> HeartbeatState:
    """State of a paused heartbeat; its open incident is resolved elsewhere."""
    return replace(
        _moved(state, HeartbeatStatus.PAUSED, now),
        expected=None,
        runs=(),
        logs=0,
        trouble=HeartbeatTrouble.NONE,
        decided=None,
    )


def resumed(state: HeartbeatState, terms: Terms, now: datetime) -> HeartbeatState:
    """State after a resume: the schedule starts now, if the job has ever called."""
    expected = next_after(terms.schedule, now) if state.last_success else None
    return replace(_moved(state, HeartbeatStatus.NEW, now), expected=expected)


def rescheduled(state: HeartbeatState, terms: Terms, now: datetime) -> HeartbeatState:
    """State under a new schedule, which starts now, so that a change never alerts."""
    if state.status in (HeartbeatStatus.PAUSED, HeartbeatStatus.DOWN) or state.expected is None:
        return state
    state = replace(state, expected=next_after(terms.schedule, now))
    return _moved(state, HeartbeatStatus.UP, now) if state.status is HeartbeatStatus.LATE else state


def _started(state: HeartbeatState, told: PingFacts) -> HeartbeatEffect:
    known = _run(state, told.rid)
    # The first start is remembered, so that repeated starts cannot hide a crash loop.
    first = None if known is None or known.overdue else known.first or known.started
    others = _without(state, known).runs
    logs = known.logs if known is not None and first is not None else 0
    state = replace(state, runs=(*others, Run(told.rid, told.at, logs, first=first))[-MAX_RUNS:])
    if state.status is HeartbeatStatus.DOWN:
        return HeartbeatEffect(state, EffectReason.STARTED)
    return HeartbeatEffect(_moved(state, HeartbeatStatus.RUNNING, told.at), EffectReason.STARTED)


def _succeeded(state: HeartbeatState, terms: Terms, told: PingFacts, run: Run | None) -> HeartbeatEffect:
    duration = _duration(run, told)
    broken = breaches(terms.budget, told.facts, duration)
    logs = looping(terms.budget, run.logs) if run else None
    broken = (*broken, logs) if logs else broken
    before, trouble = state.trouble, HeartbeatTrouble.DEGRADED if broken else HeartbeatTrouble.NONE
    expected = expected_after_call(terms.schedule, told.at, state.expected)
    state = replace(_moved(state, _well(state), told.at), last_success=told.at, expected=expected, trouble=trouble)
    if broken:
        why = EffectReason.STILL_OVER_BUDGET if before is HeartbeatTrouble.DEGRADED else EffectReason.OVER_BUDGET
    else:
        ends = {
            HeartbeatTrouble.DOWN: EffectReason.CAME_BACK,
            HeartbeatTrouble.DEGRADED: EffectReason.WITHIN_BUDGET,
            HeartbeatTrouble.NONE: EffectReason.PINGED,
        }
        why = ends[before]
    return HeartbeatEffect(state, why, duration, broken)


def _logged(state: HeartbeatState, terms: Terms, told: PingFacts) -> HeartbeatEffect:
    run = _run(state, told.rid)
    if run is None:
        state = replace(state, logs=state.logs + 1)
        count = state.logs
    else:
        counted = replace(run, logs=run.logs + 1)
        state = replace(state, runs=tuple(counted if each is run else each for each in state.runs))
        count = counted.logs
    breach = looping(terms.budget, count)
    if breach is None or state.trouble is not HeartbeatTrouble.NONE:
        return HeartbeatEffect(state, EffectReason.LOGGED)
    return HeartbeatEffect(replace(state, trouble=HeartbeatTrouble.DEGRADED), EffectReason.LOOPING, breaches=(breach,))


def _overdue_run(state: HeartbeatState, terms: Terms, now: datetime, gaps: Sequence[ReceiverGap]) -> HeartbeatEffect:
    longest = terms.longest_run
    run = min((each for each in state.runs if not each.overdue), key=lambda each: each.deadline(longest))
    deadline = run.deadline(longest)
    over = now < deadline
    window = None if over else _planned(gaps, run.started, deadline)
    if window is not None:
        return _excused(_without(state, run), terms, window)
    ends = run.deadline(timedelta(seconds=terms.budget.max_duration_s or 0)) if over else deadline
    alarm = alarm_at(ends, terms.grace, gaps)
    if now < alarm:
        return HeartbeatEffect(state, EffectReason.WAITING, again=alarm)
    if over:
        breach = Breach("max_duration_s", (now - run.started).total_seconds(), terms.budget.max_duration_s or 0)
        return HeartbeatEffect(
            replace(state, trouble=HeartbeatTrouble.DEGRADED), EffectReason.OVER_BUDGET, breaches=(breach,)
        )
    told = tuple(replace(each, overdue=True) if each is run else each for each in state.runs)
    down = _moved(replace(state, runs=told), HeartbeatStatus.DOWN, deadline)
    hidden = hiding(gaps, run.started, alarm)
    down = replace(down, trouble=HeartbeatTrouble.DOWN)
    return HeartbeatEffect(down, EffectReason.OVERRAN, overran=run, gaps=hidden)


def _excused(state: HeartbeatState, terms: Terms, window: ReceiverGap) -> HeartbeatEffect:
    """Restart the schedule of a job that was not expected during the window."""
    expected = next_after(terms.schedule, window.end)
    return HeartbeatEffect(replace(_moved(state, _well(state), window.end), expected=expected), EffectReason.EXCUSED)


def _still_running(state: HeartbeatState) -> HeartbeatState:
    """State after one run ended: still running while another run is open."""
    return replace(state, status=_well(state)) if state.status is HeartbeatStatus.RUNNING else state


def _well(state: HeartbeatState) -> HeartbeatStatus:
    return HeartbeatStatus.RUNNING if any(not run.overdue for run in state.runs) else HeartbeatStatus.UP


def _planned(gaps: Sequence[ReceiverGap], begin: datetime, end: datetime) -> ReceiverGap | None:
    """The last maintenance window that overlaps this time."""
    windows = (gap for gap in gaps if gap.planned and gap.begin <= end and gap.end > begin)
    return max(windows, key=lambda gap: gap.end, default=None)


def _moved(state: HeartbeatState, status: HeartbeatStatus, at: datetime) -> HeartbeatState:
    return state if state.status is status else replace(state, status=status, since=at)


def _run(state: HeartbeatState, rid: str) -> Run | None:
    return next((run for run in state.runs if run.rid == rid), None)


def _without(state: HeartbeatState, run: Run | None) -> HeartbeatState:
    return replace(state, runs=tuple(each for each in state.runs if each is not run)) if run else state


def _duration(run: Run | None, told: PingFacts) -> timedelta | None:
    return max(timedelta(), told.at - run.started) if run else None
