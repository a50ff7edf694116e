"""The life of a heartbeat, decided: what a ping does, and what the clock does when none came. Pure.

    NEW ──ping──► UP ──expected──► LATE ──grace──► DOWN ──success──► UP
                  │ ▲                                ▲
                start └──success──┐                  │
                  ▼               │                  │
                RUNNING ──────────┴──too long, fail──┘

PAUSED is not a step of this life: a paused heartbeat is stepped by nothing but the ping that it may wait for. Pings may
come twice or late: one that is older than the newest that decided something changes nothing any more. A job is never
blamed for a time in which Vigil could not be reached (a gap): its waiting starts again when that ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from vigil.heartbeats.core.budget import Breach, breaches, looping
from vigil.heartbeats.core.schedule import expected_after_call, next_after
from vigil.heartbeats.core.states import MAX_RUNS, Effect, Gap, HeartbeatStatus, Run, State, Terms, Told, Trouble, Why
from vigil.heartbeats.core.wire import PingKind


def due(state: State, terms: Terms) -> datetime | None:
    """When the clock has something to decide next; None when only a ping can change anything."""
    if state.status is HeartbeatStatus.RUNNING:
        patience = terms.longest_run
        if state.trouble is Trouble.NONE and terms.budget.max_duration_s is not None:
            patience = min(patience, timedelta(seconds=terms.budget.max_duration_s))
        return min((run.started + patience for run in state.runs if not run.overdue), default=None)
    if state.expected is None or state.status in (HeartbeatStatus.DOWN, HeartbeatStatus.PAUSED):
        return None
    return state.expected + terms.grace if state.status is HeartbeatStatus.LATE else state.expected


def on_ping(state: State, terms: Terms, told: Told) -> Effect:
    """Step by one ping.

    1. A paused heartbeat sleeps on, unless a success or a start is what it waits for.
    2. A log message only counts; more of them than the budget allows are a loop.
    3. A ping older than the newest that decided something ends its run and changes nothing else.
    4. Otherwise the ping says how the job is.
    """
    if told.kind is PingKind.IGNORED:
        return Effect(state, Why.LOGGED)
    if state.status is HeartbeatStatus.PAUSED:
        if not terms.wakes_on_ping or told.kind not in (PingKind.SUCCESS, PingKind.START):
            return Effect(state, Why.PAUSED)
        state = replace(state, status=HeartbeatStatus.NEW, runs=(), logs=0)
    if told.kind is PingKind.LOG:
        return _logged(state, terms, told)
    run = _run(state, told.rid)
    if state.decided is not None and told.at < state.decided:
        ended = run if run and told.kind is not PingKind.START and run.started <= told.at else None
        return Effect(_still_running(_without(state, ended)), Why.OLD, _duration(ended, told))
    state = replace(state, decided=told.at, logs=0)
    if told.kind is PingKind.START:
        return _started(state, told)
    state = _without(state, run)
    if told.kind is PingKind.FAIL:
        again = state.trouble is Trouble.DOWN
        down = replace(_moved(state, HeartbeatStatus.DOWN, told.at), trouble=Trouble.DOWN)
        return Effect(down, Why.FAILED_AGAIN if again else Why.FAILED, _duration(run, told))
    return _succeeded(state, terms, told, run)


def on_clock(state: State, terms: Terms, now: datetime, gaps: Sequence[Gap] = ()) -> Effect:
    """Step by the clock: late when the expected time has passed, down when the grace has, or a run takes too long.

    `gaps` are the times in which no ping could come; who waited in one is excused.
    """
    at = due(state, terms)
    if at is None or now < at:
        return Effect(state, Why.NOT_DUE)
    if state.status is HeartbeatStatus.RUNNING:
        return _overdue_run(state, terms, now, gaps)
    assert state.expected is not None
    deadline = state.expected + terms.grace
    if now < deadline:
        return Effect(_moved(state, HeartbeatStatus.LATE, state.expected), Why.LATE)
    gap = _touching(gaps, state.expected - terms.grace, deadline)
    if gap is not None:
        return _excused(state, terms, gap)
    return Effect(replace(_moved(state, HeartbeatStatus.DOWN, deadline), trouble=Trouble.DOWN), Why.MISSED)


def paused(state: State, now: datetime) -> State:
    """The state of a heartbeat that nobody waits for any more; what was open is resolved elsewhere."""
    return replace(
        _moved(state, HeartbeatStatus.PAUSED, now), expected=None, runs=(), logs=0, trouble=Trouble.NONE, decided=None
    )


def resumed(state: State, terms: Terms, now: datetime) -> State:
    """The state of a heartbeat that is waited for again: from now on, if it has ever called."""
    expected = next_after(terms.schedule, now) if state.last_success else None
    return replace(_moved(state, HeartbeatStatus.NEW, now), expected=expected)


def rescheduled(state: State, terms: Terms, now: datetime) -> State:
    """The state under new terms: waiting starts again from now, so that no change of a schedule sounds an alarm."""
    if state.status in (HeartbeatStatus.PAUSED, HeartbeatStatus.DOWN) or state.expected is None:
        return state
    state = replace(state, expected=next_after(terms.schedule, now))
    return _moved(state, HeartbeatStatus.UP, now) if state.status is HeartbeatStatus.LATE else state


def _started(state: State, told: Told) -> Effect:
    known = _run(state, told.rid)
    # Of a run that never ended, the first start counts: starting again and again is no way to be well.
    if known is None or known.overdue:
        others = _without(state, known).runs
        state = replace(state, runs=(*others, Run(told.rid, told.at))[-MAX_RUNS:])
    if state.status is HeartbeatStatus.DOWN:
        return Effect(state, Why.STARTED)
    return Effect(_moved(state, HeartbeatStatus.RUNNING, told.at), Why.STARTED)


def _succeeded(state: State, terms: Terms, told: Told, run: Run | None) -> Effect:
    duration = _duration(run, told)
    broken = breaches(terms.budget, told.facts, duration)
    logs = looping(terms.budget, run.logs) if run else None
    broken = (*broken, logs) if logs else broken
    before, trouble = state.trouble, Trouble.DEGRADED if broken else Trouble.NONE
    expected = expected_after_call(terms.schedule, told.at, state.expected)
    state = replace(_moved(state, _well(state), told.at), last_success=told.at, expected=expected, trouble=trouble)
    if broken:
        why = Why.STILL_OVER_BUDGET if before is Trouble.DEGRADED else Why.OVER_BUDGET
    else:
        ends = {Trouble.DOWN: Why.CAME_BACK, Trouble.DEGRADED: Why.WITHIN_BUDGET, Trouble.NONE: Why.PINGED}
        why = ends[before]
    return Effect(state, why, duration, broken)


def _logged(state: State, terms: Terms, told: Told) -> Effect:
    run = _run(state, told.rid)
    if run is None:
        state = replace(state, logs=state.logs + 1)
        count = state.logs
    else:
        counted = replace(run, logs=run.logs + 1)
        state = replace(state, runs=tuple(counted if each is run else each for each in state.runs))
        count = counted.logs
    breach = looping(terms.budget, count)
    if breach is None or state.trouble is not Trouble.NONE:
        return Effect(state, Why.LOGGED)
    return Effect(replace(state, trouble=Trouble.DEGRADED), Why.LOOPING, breaches=(breach,))


def _overdue_run(state: State, terms: Terms, now: datetime, gaps: Sequence[Gap]) -> Effect:
    run = min((each for each in state.runs if not each.overdue), key=lambda each: each.started)
    deadline = run.started + terms.longest_run
    if now < deadline:
        breach = Breach("max_duration_s", (now - run.started).total_seconds(), terms.budget.max_duration_s or 0)
        return Effect(replace(state, trouble=Trouble.DEGRADED), Why.OVER_BUDGET, breaches=(breach,))
    gap = _touching(gaps, run.started, deadline)
    if gap is not None:
        return _excused(_without(state, run), terms, gap)
    told = tuple(replace(each, overdue=True) if each is run else each for each in state.runs)
    down = _moved(replace(state, runs=told), HeartbeatStatus.DOWN, deadline)
    return Effect(replace(down, trouble=Trouble.DOWN), Why.OVERRAN, overran=run)


def _excused(state: State, terms: Terms, gap: Gap) -> Effect:
    """Whoever may have called in vain is expected again at the first time after the gap."""
    expected = next_after(terms.schedule, gap.end)
    return Effect(replace(_moved(state, _well(state), gap.end), expected=expected), Why.EXCUSED)


def _still_running(state: State) -> State:
    """The state after a run ended out of turn: running only while another one is."""
    return replace(state, status=_well(state)) if state.status is HeartbeatStatus.RUNNING else state


def _well(state: State) -> HeartbeatStatus:
    return HeartbeatStatus.RUNNING if any(not run.overdue for run in state.runs) else HeartbeatStatus.UP


def _touching(gaps: Sequence[Gap], begin: datetime, end: datetime) -> Gap | None:
    """The last gap that takes something of this time."""
    return max((gap for gap in gaps if gap.begin < end and gap.end > begin), key=lambda gap: gap.end, default=None)


def _moved(state: State, status: HeartbeatStatus, at: datetime) -> State:
    return state if state.status is status else replace(state, status=status, since=at)


def _run(state: State, rid: str) -> Run | None:
    return next((run for run in state.runs if run.rid == rid), None)


def _without(state: State, run: Run | None) -> State:
    return replace(state, runs=tuple(each for each in state.runs if each is not run)) if run else state


def _duration(run: Run | None, told: Told) -> timedelta | None:
    return max(timedelta(), told.at - run.started) if run else None
