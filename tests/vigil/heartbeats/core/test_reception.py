"""Silence and receiver gaps: no gap of Vigil excuses a job past its deadline, and none accuses one that called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from vigil.heartbeats.core.lifecycle import due, on_clock, on_ping
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.reception import (
    GAP,
    LONGEST_WAIT,
    RETRIES,
    ReceiverGap,
    alarm_at,
    gaps_between,
    hiding,
)
from vigil.heartbeats.core.schedule import JobSchedule, ScheduleKind, next_after
from vigil.heartbeats.core.states import EffectReason, HeartbeatEffect, HeartbeatState, PingFacts, Terms
from vigil.heartbeats.core.wording import Happening, shared_gap, text

#: A Thursday, two hours after midnight: when the nightly backup runs.
TWO = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)

NIGHTLY = Terms(JobSchedule(ScheduleKind.CRON, expression="0 2 * * *"), 2 * H)
CALENDAR = Terms(JobSchedule(ScheduleKind.ONCALENDAR, expression="*-*-* 02:00:00"), 2 * H)
WEEKLY = Terms(JobSchedule(ScheduleKind.CRON, expression="0 2 * * 4"), 3 * H)
HOURLY = Terms(JobSchedule(ScheduleKind.PERIOD, H), 20 * M)
EVERY_MINUTE = Terms(JobSchedule(ScheduleKind.PERIOD, M), M)
LONG_RUN = Terms(NIGHTLY.schedule, 2 * H, run_limit=6 * H)
ALL = (NIGHTLY, CALENDAR, WEEKLY, HOURLY, EVERY_MINUTE, LONG_RUN)


def gap(begin: timedelta, length: timedelta) -> ReceiverGap:
    """A gap that begins so long after the expected time."""
    return ReceiverGap(TWO + begin, TWO + begin + length)


def expecting(terms: Terms, *, started: bool = False) -> HeartbeatState:
    """A job that is expected at two, or that started then."""
    before = TWO - (terms.schedule.period or timedelta(days=7))
    state = on_ping(HeartbeatState(), terms, PingFacts(before, PingKind.SUCCESS)).state
    while (expected := state.expected) and expected < TWO:
        state = on_ping(state, terms, PingFacts(expected, PingKind.SUCCESS)).state
    return on_ping(state, terms, PingFacts(TWO, PingKind.START)).state if started else state


def deadline_of(terms: Terms, *, started: bool = False) -> datetime:
    return TWO + (terms.longest_run if started else terms.grace)


def alarm_of(terms: Terms, gaps: list[ReceiverGap], *, started: bool = False) -> tuple[datetime, HeartbeatEffect]:
    """When a job that never calls again is told of, by a clock that knows each gap once it has ended."""
    state = expecting(terms, started=started)
    now = due(state, terms)
    for _ in range(200):
        assert now is not None
        for each in gaps:
            # While no receiver runs, time stands still, and then the gap is known.
            now = each.end if each.begin < now < each.end else now
        effect = on_clock(state, terms, now, [each for each in gaps if each.end <= now])
        if effect.why in (EffectReason.MISSED, EffectReason.OVERRAN):
            return now, effect
        state = effect.state
        again = effect.again or due(state, terms)
        assert again is not None and again > now, (effect, now)
        now = again
    raise AssertionError("never told of")


@pytest.mark.parametrize(
    ("terms", "gaps", "after"),
    [
        pytest.param(NIGHTLY, [], 0 * S, id="1-no-gap"),
        pytest.param(NIGHTLY, [gap(2 * H - 10 * S, 4 * S)], 24 * S, id="1-nightly-4-s-before-its-deadline"),
        pytest.param(CALENDAR, [gap(2 * H - 10 * S, 4 * S)], 24 * S, id="1-oncalendar-4-s-before-its-deadline"),
        pytest.param(WEEKLY, [gap(3 * H - 2 * S, 4 * S)], 32 * S, id="1-weekly-4-s-over-its-deadline"),
        pytest.param(WEEKLY, [gap(0 * S, 4 * S)], 0 * S, id="1-weekly-4-s-at-its-time"),
        pytest.param(HOURLY, [gap(10 * M, 8 * S)], 0 * S, id="1-long-before-the-deadline"),
        pytest.param(HOURLY, [gap(20 * M, 8 * S)], 0 * S, id="1-begins-at-the-deadline"),
        pytest.param(EVERY_MINUTE, [gap(50 * S, 16 * S)], 36 * S, id="1-a-restart-over-the-deadline"),
        pytest.param(EVERY_MINUTE, [gap(0 * S, 60 * S)], 60 * S, id="1-the-whole-grace"),
        pytest.param(EVERY_MINUTE, [gap(-1 * H, 5 * H)], 4 * H, id="1-the-whole-window-and-hours-more"),
        pytest.param(HOURLY, [gap(-1 * M, 3 * H)], 2 * H + 44 * M, id="1-ends-after-the-next-expected-time"),
        pytest.param(NIGHTLY, [gap(-1 * H, 30 * H)], 27 * H + 5 * M, id="1-ends-a-day-after-its-time"),
        pytest.param(
            EVERY_MINUTE, [gap(n * 30 * S, 16 * S) for n in range(8)], 32 * S + 16 * S, id="1-restarts-in-a-row"
        ),
        pytest.param(
            HOURLY, [gap(20 * M - 2 * S, 4 * S), gap(20 * M + 12 * S, 16 * S)], 48 * S, id="1-again-within-the-wait"
        ),
        pytest.param(HOURLY, [gap(20 * M - 2 * S, 4 * S), gap(20 * M, 8 * S)], 38 * S, id="1-two-that-overlap"),
    ],
)
def test_the_alarm_comes_a_fair_wait_after_the_gap_and_no_later(
    terms: Terms, gaps: list[ReceiverGap], after: timedelta
) -> None:
    told, effect = alarm_of(terms, gaps)
    assert told - deadline_of(terms) == after
    assert effect.state.since == deadline_of(terms)


def test_what_the_gap_may_have_hidden_is_said() -> None:
    state = expecting(NIGHTLY)
    _, effect = alarm_of(NIGHTLY, [gap(2 * H - 10 * S, 4 * S), gap(-9 * H, 4 * S)])
    happening = Happening("backup", NIGHTLY, state, effect)
    assert text(happening).endswith(
        "Vigil could not receive from 03:59:50 to 03:59:54 (UTC): a call in that time may be lost."
    )
    assert shared_gap(effect) == "unheard:2026-11-26T03:59:54"
    assert shared_gap(alarm_of(NIGHTLY, [])[1]) == ""
    many = [gap(n * 10 * M, 4 * S + 300_000 * timedelta(microseconds=1)) for n in range(11)]
    said = text(Happening("backup", NIGHTLY, state, alarm_of(NIGHTLY, many)[1]))
    assert "could not receive 7 times before, and from 03:10:00 to 03:10:05, 03:20:00 to" in said
    over_midnight = ReceiverGap(TWO - 3 * H, TWO + H)
    assert over_midnight.in_words() == "23:00:00 to 2026-11-26 03:00:00"


#: Offsets from the expected time, and lengths, of gaps: around the deadline, and anywhere.
GAPS = st.lists(
    st.builds(
        lambda begin_s, length_s: gap(timedelta(seconds=begin_s), timedelta(seconds=length_s)),
        st.one_of(st.integers(-400, 15_000), st.sampled_from([0, 50, 60, 1_190, 1_200, 7_190, 7_200, 10_790, 21_590])),
        st.one_of(st.integers(4, 40), st.integers(4, 30_000)),
    ),
    max_size=8,
)


@given(st.sampled_from(ALL), GAPS, st.booleans())
@example(NIGHTLY, [gap(2 * H - 10 * S, 4 * S)], False)
@example(WEEKLY, [gap(-1 * H, 12 * H)], False)
@example(EVERY_MINUTE, [gap(n * 20 * S, 16 * S) for n in range(8)], False)
@example(LONG_RUN, [gap(6 * H - 2 * S, 4 * S)], True)
def test_no_silence_is_told_later_than_deadline_and_gaps_and_one_fair_wait(
    terms: Terms, gaps: list[ReceiverGap], started: bool
) -> None:
    deadline = deadline_of(terms, started=started)
    told, effect = alarm_of(terms, gaps, started=started)
    away = sum((each.end - each.begin for each in hiding(gaps, deadline, told)), timedelta())
    assert deadline <= told <= deadline + away + min(terms.grace, LONGEST_WAIT)
    # A gap as short as a restart costs a short wait.
    if all(each.end - each.begin <= RETRIES for each in gaps):
        assert told <= deadline + away + RETRIES
    # Every gap that may have hidden the last call is said.
    if told > deadline:
        assert effect.gaps


@given(st.sampled_from(ALL), GAPS, st.integers(0, 30_000), st.integers(0, 16))
def test_a_job_that_called_in_time_or_whose_retry_came_through_is_never_accused(
    terms: Terms, gaps: list[ReceiverGap], called_s: int, retry_s: int
) -> None:
    """It calls up to its deadline; where no receiver runs, it tries again until the gap is over, as curl does."""
    call = TWO + timedelta(seconds=called_s % round(terms.grace.total_seconds()))
    heard = call
    for each in sorted(gaps, key=lambda one: one.begin):
        if each.begin < heard < each.end or each.begin == call:
            heard = each.end + timedelta(seconds=retry_s)
    # Where another gap used up its retries as well, it did not come through.
    assume(not any(each.begin < heard < each.end for each in gaps))
    told, _ = alarm_of(terms, gaps)
    assert heard < told


@given(st.sampled_from(ALL), GAPS)
def test_waiting_changes_nothing_but_the_time_of_the_next_look(terms: Terms, gaps: list[ReceiverGap]) -> None:
    state, now = expecting(terms), deadline_of(terms)
    effect = on_clock(state, terms, now, gaps)
    if effect.why is EffectReason.WAITING:
        assert effect.again is not None and effect.again > now
        assert effect.state.expected == TWO
        calls = on_ping(effect.state, terms, PingFacts(effect.again - S, PingKind.SUCCESS))
        assert calls.why is EffectReason.PINGED
        assert calls.state.expected == next_after(terms.schedule, effect.again - S)


@pytest.mark.parametrize(
    ("received_s", "gaps_s"),
    [
        pytest.param([1, 2, 3, 4], [], id="beats"),
        pytest.param([1, 2, 6], [(2, 6)], id="a-gap"),
        pytest.param([6, 1, 2], [(2, 6)], id="1-two-logs-merged-in-any-order"),
        pytest.param([10, 1, 2, 3, 4, 5, 6, 7, 8, 9], [], id="1-the-spool-filled-it"),
        pytest.param([10, 3, 6, 9], [], id="1-pings-filled-it"),
        pytest.param([10, 7], [(0, 7)], id="1-a-ping-ends-it-sooner"),
        pytest.param([-5, -1], [], id="1-old-news"),
        pytest.param([5, 11], [(0, 5), (5, 11)], id="two"),
    ],
)
def test_what_any_server_took_is_reception(received_s: list[int], gaps_s: list[tuple[int, int]]) -> None:
    found = gaps_between(TWO, [TWO + each * S for each in received_s])
    assert [((one.begin - TWO) // S, (one.end - TWO) // S) for one in found] == gaps_s


@given(st.lists(st.integers(0, 300), max_size=60), st.randoms())
def test_the_order_in_which_logs_are_read_makes_no_gap(beats_s: list[int], by: object) -> None:
    times = [TWO + each * S for each in beats_s]
    shuffled = list(times)
    by.shuffle(shuffled)  # type: ignore[attr-defined]
    assert gaps_between(TWO, shuffled) == gaps_between(TWO, times)
    assert all(one.end - one.begin > GAP for one in gaps_between(TWO, times))


def test_a_deadline_without_gaps_before_it_is_not_moved() -> None:
    assert alarm_at(TWO, H, [ReceiverGap(TWO, TWO + H), ReceiverGap(TWO - 9 * H, TWO - 8 * H)]) == TWO
