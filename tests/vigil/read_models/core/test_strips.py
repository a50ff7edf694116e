"""Strips show the worst of each slot, unknown time where nothing is worse, and each day in words."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.history.core.uptime import Settled, Span, UptimeSpans, minus, settle, union
from vigil.read_models.core.strips import DAY_S, HALF_HOUR_S, SLOTS, ShownSpans, days, last_slots, strip

NOW_S = int(datetime(2026, 11, 29, 14, 2, 11, tzinfo=UTC).timestamp())
SLOTS_NOW = last_slots(NOW_S)


def shown(down: tuple[Span, ...] = (), unseen: tuple[Span, ...] = (), **spans: tuple[Span, ...]) -> ShownSpans:
    # A monitor that was down when it went blind stays down, as where spans are read.
    excluded = [*minus(union(unseen), union(down)), *spans.get("excluded", ())]
    settled = settle(UptimeSpans(down, spans.get("degraded", ()), excluded, spans.get("maintenance", ())))
    return ShownSpans(settled, unseen, tuple(start for start, _ in down))


def ago(minutes: int, length: int) -> Span:
    return NOW_S - minutes * 60, NOW_S - (minutes - length) * 60


def test_slots_are_half_hours_of_the_clock_and_the_last_one_ends_now() -> None:
    assert len(SLOTS_NOW) == SLOTS
    assert all(start % HALF_HOUR_S == 0 for start, _ in SLOTS_NOW)
    assert SLOTS_NOW[-1][1] == NOW_S


def test_a_quiet_day_is_one_run() -> None:
    assert strip(shown(), SLOTS_NOW) == "48u"


def test_the_worst_of_a_slot_wins() -> None:
    assert strip(shown(down=(ago(1, 1),), degraded=(ago(2, 1),)), SLOTS_NOW) == "47u1d"
    assert strip(shown(degraded=(ago(2, 1),)), SLOTS_NOW) == "47u1g"


def test_a_slot_that_is_partly_unknown_is_unknown_if_nothing_is_worse() -> None:
    assert strip(shown(unseen=(ago(40, 1),)), SLOTS_NOW) == "45u1n2u"
    assert strip(shown(down=(ago(40, 1),), unseen=(ago(40, 1),)), SLOTS_NOW) == "45u1d2u"


def test_maintenance_and_pause_need_most_of_a_slot() -> None:
    assert strip(shown(maintenance=(ago(62, 60),)), SLOTS_NOW) == "45u2m1u"
    assert "m" not in strip(shown(maintenance=(ago(20, 5),)), SLOTS_NOW)
    assert strip(shown(excluded=((NOW_S - 40 * DAY_S, NOW_S),)), SLOTS_NOW) == "48p"


def test_each_day_is_told_in_words() -> None:
    told = days(shown(down=(ago(14 * 60, 10),)), NOW_S)
    assert len(told) == 90
    assert told[-1].text == "29 Nov 2026, 98.81\u202f%, 1 incident, 10 min down"
    assert told[0].text == "1 Sep 2026, 100\u202f%"
    assert days(shown(excluded=((0, NOW_S),)), NOW_S)[0].text == "1 Sep 2026, not measured"
    assert days(shown(unseen=((0, NOW_S),)), NOW_S)[0].text == "1 Sep 2026, unknown"


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(NOW_S - 2 * DAY_S, NOW_S), st.integers(1, DAY_S)), max_size=8), st.integers(0, 3))
def test_runs_always_cover_every_slot(found: list[tuple[int, int]], kind: int) -> None:
    spans: list[tuple[Span, ...]] = [(), (), (), ()]
    spans[kind] = tuple((start, min(start + length, NOW_S)) for start, length in found)
    down, degraded, excluded, maintenance = spans
    settled: Settled = settle(UptimeSpans(down, degraded, excluded, maintenance))
    runs = strip(ShownSpans(settled), SLOTS_NOW)
    assert sum(int(part) for part in "".join(c if c.isdigit() else " " for c in runs).split()) == SLOTS
