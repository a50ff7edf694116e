"""The life of a heartbeat: a table of cases, and the laws that hold whatever comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.heartbeats.core.budget import RunBudget
from vigil.heartbeats.core.lifecycle import due, on_clock, on_ping, paused, rescheduled, resumed
from vigil.heartbeats.core.pings.body import Facts
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.reception import ReceiverGap
from vigil.heartbeats.core.schedule import JobSchedule, ScheduleKind
from vigil.heartbeats.core.states import (
    EffectReason,
    HeartbeatEffect,
    HeartbeatState,
    HeartbeatStatus,
    HeartbeatTrouble,
    PingFacts,
    Terms,
)

T0 = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOURLY = Terms(JobSchedule(ScheduleKind.PERIOD, timedelta(hours=1)), timedelta(minutes=20))
BUDGETED = replace(HOURLY, budget=RunBudget(min_items=10, max_cost=5, max_duration_s=600, max_logs=2))


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


#: What happens, each at a minute: ping kinds with `:rid`, or `clock`; `{...}` are facts.
Story = list[tuple[float, str]]


def live(story: Story, terms: Terms = HOURLY, gaps: tuple[ReceiverGap, ...] = ()) -> list[HeartbeatEffect]:
    state, effects = HeartbeatState(), []
    for minutes, what in story:
        kind, _, rest = what.partition(":")
        if kind == "clock":
            effect = on_clock(state, terms, at(minutes), gaps)
        elif kind == "items":
            effect = on_ping(state, terms, PingFacts(at(minutes), PingKind.SUCCESS, facts=Facts(items=float(rest))))
        else:
            effect = on_ping(state, terms, PingFacts(at(minutes), PingKind(kind), rest))
        state = effect.state
        effects.append(effect)
    return effects


NEW, UP, RUNNING, LATE, DOWN = (HeartbeatStatus(name) for name in ("new", "up", "running", "late", "down"))


@pytest.mark.parametrize(
    ("story", "status", "why", "trouble"),
    [
        ([(0, "success")], UP, EffectReason.PINGED, HeartbeatTrouble.NONE),
        ([(0, "success"), (59, "clock")], UP, EffectReason.NOT_DUE, HeartbeatTrouble.NONE),
        ([(0, "success"), (60, "clock")], LATE, EffectReason.LATE, HeartbeatTrouble.NONE),
        ([(0, "success"), (60, "clock"), (79, "clock")], LATE, EffectReason.NOT_DUE, HeartbeatTrouble.NONE),
        ([(0, "success"), (60, "clock"), (70, "success")], UP, EffectReason.PINGED, HeartbeatTrouble.NONE),
        ([(0, "success"), (60, "clock"), (80, "clock")], DOWN, EffectReason.MISSED, HeartbeatTrouble.DOWN),
        ([(0, "success"), (500, "clock")], DOWN, EffectReason.MISSED, HeartbeatTrouble.DOWN),
        ([(0, "success"), (80, "clock"), (81, "clock")], DOWN, EffectReason.NOT_DUE, HeartbeatTrouble.DOWN),
        ([(0, "success"), (80, "clock"), (81, "success")], UP, EffectReason.CAME_BACK, HeartbeatTrouble.NONE),
        (
            [(0, "success"), (80, "clock"), (81, "start"), (82, "success")],
            UP,
            EffectReason.CAME_BACK,
            HeartbeatTrouble.NONE,
        ),
        ([(0, "success"), (80, "clock"), (81, "start")], DOWN, EffectReason.STARTED, HeartbeatTrouble.DOWN),
        ([(0, "fail")], DOWN, EffectReason.FAILED, HeartbeatTrouble.DOWN),
        ([(0, "fail"), (1, "fail")], DOWN, EffectReason.FAILED_AGAIN, HeartbeatTrouble.DOWN),
        ([(0, "success"), (80, "clock"), (81, "fail")], DOWN, EffectReason.FAILED_AGAIN, HeartbeatTrouble.DOWN),
        ([(0, "start")], RUNNING, EffectReason.STARTED, HeartbeatTrouble.NONE),
        ([(0, "start"), (19, "clock")], RUNNING, EffectReason.NOT_DUE, HeartbeatTrouble.NONE),
        ([(0, "start"), (20, "clock")], DOWN, EffectReason.OVERRAN, HeartbeatTrouble.DOWN),
        ([(0, "start"), (5, "success")], UP, EffectReason.PINGED, HeartbeatTrouble.NONE),
        ([(0, "start:a"), (1, "start:b"), (5, "success:a")], RUNNING, EffectReason.PINGED, HeartbeatTrouble.NONE),
        (
            [(0, "start:a"), (1, "start:b"), (5, "success:b"), (20, "clock")],
            DOWN,
            EffectReason.OVERRAN,
            HeartbeatTrouble.DOWN,
        ),
        # The hung run has been told of: the next run's success ends that, once.
        (
            [(0, "start:a"), (20, "clock"), (30, "success:b"), (31, "clock")],
            UP,
            EffectReason.NOT_DUE,
            HeartbeatTrouble.NONE,
        ),
        # A job that is started again has its whole time again.
        ([(0, "start"), (10, "start"), (20, "clock")], RUNNING, EffectReason.NOT_DUE, HeartbeatTrouble.NONE),
        ([(0, "start"), (10, "start"), (25, "success")], UP, EffectReason.PINGED, HeartbeatTrouble.NONE),
        ([(0, "start"), (10, "start"), (30, "clock")], DOWN, EffectReason.OVERRAN, HeartbeatTrouble.DOWN),
        ([(0, "start:a"), (10, "start:a"), (20, "clock")], RUNNING, EffectReason.NOT_DUE, HeartbeatTrouble.NONE),
        # One that starts again and again and never ends is not well.
        (
            [(0, "start"), (10, "start"), (20, "start"), (30, "start"), (39, "start"), (40, "clock")],
            DOWN,
            EffectReason.OVERRAN,
            HeartbeatTrouble.DOWN,
        ),
        ([(0, "success"), (60, "clock"), (61, "start")], RUNNING, EffectReason.STARTED, HeartbeatTrouble.NONE),
        ([(0, "success"), (60, "clock"), (61, "log")], LATE, EffectReason.LOGGED, HeartbeatTrouble.NONE),
        ([(0, "clock")], NEW, EffectReason.NOT_DUE, HeartbeatTrouble.NONE),
        ([(0, "log")], NEW, EffectReason.LOGGED, HeartbeatTrouble.NONE),
        ([(0, "success"), (5, "ignored"), (80, "clock")], DOWN, EffectReason.MISSED, HeartbeatTrouble.DOWN),
        # Late news: an older ping than the one that decided changes nothing.
        ([(0, "success"), (10, "fail"), (5, "success")], DOWN, EffectReason.OLD, HeartbeatTrouble.DOWN),
        ([(0, "success"), (10, "success"), (5, "fail")], UP, EffectReason.OLD, HeartbeatTrouble.NONE),
        ([(0, "start:a"), (5, "success:b"), (3, "success:a")], UP, EffectReason.OLD, HeartbeatTrouble.NONE),
        # A ping that came in time and was applied after the deadline ends what the clock began.
        ([(0, "success"), (80, "clock"), (79, "success")], UP, EffectReason.CAME_BACK, HeartbeatTrouble.NONE),
    ],
)
def test_what_happens_decides_how_it_is(
    story: Story, status: HeartbeatStatus, why: EffectReason, trouble: HeartbeatTrouble
) -> None:
    last = live(story)[-1]
    assert (last.state.status, last.why, last.state.trouble) == (status, why, trouble)


@pytest.mark.parametrize(
    ("story", "why", "trouble", "rules"),
    [
        ([(0, "items:10")], EffectReason.PINGED, HeartbeatTrouble.NONE, []),
        ([(0, "items:3")], EffectReason.OVER_BUDGET, HeartbeatTrouble.DEGRADED, ["min_items"]),
        ([(0, "items:3"), (60, "items:4")], EffectReason.STILL_OVER_BUDGET, HeartbeatTrouble.DEGRADED, ["min_items"]),
        ([(0, "items:3"), (60, "items:40")], EffectReason.WITHIN_BUDGET, HeartbeatTrouble.NONE, []),
        ([(0, "items:3"), (60, "fail")], EffectReason.FAILED, HeartbeatTrouble.DOWN, []),
        ([(0, "fail"), (60, "items:3")], EffectReason.OVER_BUDGET, HeartbeatTrouble.DEGRADED, ["min_items"]),
        ([(0, "start"), (1, "log"), (2, "log")], EffectReason.LOGGED, HeartbeatTrouble.NONE, []),
        (
            [(0, "start"), (1, "log"), (2, "log"), (3, "log")],
            EffectReason.LOOPING,
            HeartbeatTrouble.DEGRADED,
            ["max_logs"],
        ),
        ([(0, "log"), (1, "log"), (2, "log"), (3, "log")], EffectReason.LOGGED, HeartbeatTrouble.DEGRADED, []),
        ([(0, "log"), (1, "log"), (2, "log"), (3, "success")], EffectReason.WITHIN_BUDGET, HeartbeatTrouble.NONE, []),
        ([(0, "log"), (1, "log"), (2, "start"), (3, "log")], EffectReason.LOGGED, HeartbeatTrouble.NONE, []),
        ([(0, "start"), (10, "clock")], EffectReason.OVER_BUDGET, HeartbeatTrouble.DEGRADED, ["max_duration_s"]),
        ([(0, "start"), (10, "clock"), (11, "clock")], EffectReason.NOT_DUE, HeartbeatTrouble.DEGRADED, []),
        ([(0, "start"), (10, "clock"), (20, "clock")], EffectReason.OVERRAN, HeartbeatTrouble.DOWN, []),
        (
            [(0, "start"), (10, "clock"), (12, "success")],
            EffectReason.STILL_OVER_BUDGET,
            HeartbeatTrouble.DEGRADED,
            ["max_duration_s"],
        ),
    ],
)
def test_a_run_outside_its_budget_is_degraded(
    story: Story, why: EffectReason, trouble: HeartbeatTrouble, rules: list[str]
) -> None:
    last = live(story, BUDGETED)[-1]
    assert (last.why, last.state.trouble, [breach.rule for breach in last.breaches]) == (why, trouble, rules)


def test_overlapping_runs_have_a_duration_each() -> None:
    effects = live([(0, "start:a"), (2, "start:b"), (5, "success:b"), (9, "fail:a")])
    assert [effect.duration for effect in effects] == [None, None, timedelta(minutes=3), timedelta(minutes=9)]


WINDOW = ReceiverGap(at(0), at(0), planned=True)


@pytest.mark.parametrize(
    ("window", "why", "until"),
    [
        # A maintenance window at the expected time: no ping is expected, the schedule starts again at its end.
        (replace(WINDOW, begin=at(55), end=at(65)), EffectReason.EXCUSED, at(125)),
        (replace(WINDOW, begin=at(30), end=at(41)), EffectReason.EXCUSED, at(101)),
        # One that came after it: the job was expected, and gets its grace again.
        (replace(WINDOW, begin=at(70), end=at(75)), EffectReason.WAITING, at(95)),
        (replace(WINDOW, begin=at(5), end=at(30)), EffectReason.MISSED, None),
        (replace(WINDOW, begin=at(81), end=at(90)), EffectReason.MISSED, None),
    ],
)
def test_a_maintenance_window_at_the_expected_time_excuses(
    window: ReceiverGap, why: EffectReason, until: datetime | None
) -> None:
    last = live([(0, "success"), (85, "clock")], gaps=(window,))[-1]
    assert (last.why, last.again or (last.state.expected if why is EffectReason.EXCUSED else None)) == (why, until)


def test_a_run_that_a_maintenance_window_may_have_ended_is_excused() -> None:
    window = replace(WINDOW, begin=at(55), end=at(57))
    last = live([(0, "success"), (50, "start"), (90, "clock")], gaps=(window,))[-1]
    assert (last.state.status, last.state.runs, last.why) == (UP, (), EffectReason.EXCUSED)
    assert last.state.expected == at(57) + timedelta(hours=1)


def test_who_stays_silent_after_an_excuse_is_told_of() -> None:
    effects = live(
        [(0, "success"), (100, "clock"), (124, "clock"), (125, "clock"), (145, "clock")],
        gaps=(replace(WINDOW, begin=at(55), end=at(65)),),
    )
    assert [effect.why for effect in effects[1:]] == [
        EffectReason.EXCUSED,
        EffectReason.NOT_DUE,
        EffectReason.LATE,
        EffectReason.MISSED,
    ]


def test_a_paused_heartbeat_sleeps_until_it_is_resumed_or_the_ping_it_waits_for_comes() -> None:
    state = paused(live([(0, "success")])[-1].state, at(1))
    assert due(state, HOURLY) is None
    assert on_ping(state, HOURLY, PingFacts(at(2), PingKind.SUCCESS)).state is state
    assert on_clock(state, HOURLY, at(9_999)).state is state
    waits = replace(HOURLY, wakes_on_ping=True)
    assert on_ping(state, waits, PingFacts(at(2), PingKind.FAIL)).state is state
    assert on_ping(state, waits, PingFacts(at(2), PingKind.SUCCESS)).state.status is UP
    assert on_ping(state, waits, PingFacts(at(2), PingKind.START)).state.status is RUNNING


def test_a_resumed_heartbeat_is_waited_for_from_then_on() -> None:
    state = resumed(paused(live([(0, "success")])[-1].state, at(1)), HOURLY, at(500))
    assert (state.status, state.expected) == (NEW, at(560))
    assert on_clock(state, HOURLY, at(580)).why is EffectReason.MISSED
    never_called = resumed(paused(HeartbeatState(), at(1)), HOURLY, at(500))
    assert due(never_called, HOURLY) is None


def test_a_new_schedule_sounds_no_alarm() -> None:
    late = live([(0, "success"), (60, "clock")])[-1].state
    state = rescheduled(late, HOURLY, at(70))
    assert (state.status, state.expected) == (UP, at(130))


# Laws. Whatever comes, in whatever order:

PINGS = st.tuples(
    st.floats(0, 300, allow_nan=False),
    st.sampled_from([kind.value for kind in PingKind]),
    st.sampled_from(["", "a", "b"]),
)
HAPPENINGS = st.lists(
    st.one_of(
        PINGS.map(lambda each: (each[0], f"{each[1]}:{each[2]}")), st.tuples(st.floats(0, 600), st.just("clock"))
    ),
    max_size=30,
)


@given(HAPPENINGS)
def test_the_clock_never_asks_twice_at_one_time(story: Story) -> None:
    """One transition per change: once the clock has decided, it has nothing to decide at that time."""
    state = live(story)[-1].state if story else HeartbeatState()
    now = at(700)
    first = on_clock(state, HOURLY, now)
    assert on_clock(first.state, HOURLY, now).why in (EffectReason.NOT_DUE, EffectReason.OVERRAN)
    assert first.why is EffectReason.NOT_DUE or first.state != state


@given(HAPPENINGS)
def test_trouble_begins_and_ends_by_turns(story: Story) -> None:
    """What is told follows the state: DOWN is troubled, and a success without a budget ends every trouble."""
    before = HeartbeatState()
    for effect in live(story):
        if effect.state.status is DOWN:
            assert effect.state.trouble is HeartbeatTrouble.DOWN
        if effect.state.trouble is not before.trouble:
            assert effect.why not in (
                EffectReason.PINGED,
                EffectReason.STARTED,
                EffectReason.LOGGED,
                EffectReason.OLD,
                EffectReason.LATE,
                EffectReason.EXCUSED,
                EffectReason.NOT_DUE,
            )
        before = effect.state
    final = on_ping(before, HOURLY, PingFacts(at(9_999), PingKind.SUCCESS))
    assert final.state.trouble is HeartbeatTrouble.NONE


@given(HAPPENINGS)
def test_a_job_that_goes_silent_is_always_told_of(story: Story) -> None:
    """Liveness: whatever happened, after a success and then silence the clock brings every heartbeat down."""
    state = live(story)[-1].state if story else HeartbeatState()
    state = on_ping(state, HOURLY, PingFacts(at(1_000), PingKind.SUCCESS)).state
    for _ in range(10):
        moment = due(state, HOURLY)
        if moment is None:
            break
        state = on_clock(state, HOURLY, max(moment, at(1_000))).state
    assert state.status is DOWN


@given(HAPPENINGS, st.permutations(list(range(4))))
def test_older_pings_change_nothing_in_any_order(story: Story, order: list[int]) -> None:
    state = live(story)[-1].state if story else HeartbeatState()
    state = on_ping(state, HOURLY, PingFacts(at(1_000), PingKind.FAIL)).state
    kinds = [PingKind.SUCCESS, PingKind.FAIL, PingKind.START, PingKind.SUCCESS]
    for place in order:
        effect = on_ping(state, HOURLY, PingFacts(at(900 + place), kinds[place]))
        assert (effect.state.status, effect.state.trouble) == (state.status, state.trouble)
        state = effect.state


@given(HAPPENINGS)
def test_a_ping_that_comes_again_changes_nothing(story: Story) -> None:
    state = live(story)[-1].state if story else HeartbeatState()
    told = PingFacts(at(1_000), PingKind.SUCCESS, "a")
    once = on_ping(state, HOURLY, told).state
    assert on_ping(once, HOURLY, told).state == once
