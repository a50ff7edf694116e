"""What a change of a models list leads to: told once, when it has settled, in the regions that see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.ai.models.listed import ListedModel
from vigil.model_watch.core.drift import (
    AGAIN,
    APART,
    BEGINS,
    GAP,
    HALF_LOST,
    SETTLES,
    DriftState,
    SeenChange,
    begin,
    decide,
)
from vigil.model_watch.core.drift_words import before_and_after, digest_of, title_of
from vigil.model_watch.core.list_changes import ListChange, ListChangeKind, changes_between

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
A = ListedModel("a", 100, "1", "2", "2030-05-01", "preview", "a-1", "b")
OLD = {name: ListedModel(name) for name in ("a", "b", "c", "d", "e", "f")}
NEW = {**OLD, "g": ListedModel("g")}
FEW = {"a": OLD["a"], "b": OLD["b"]}


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (A, []),
        (ListedModel("a", 200, "1", "2", "2030-05-01", "preview", "a-1", "b"), [("context", "100", "200")]),
        (ListedModel("a", 100, "1", "3", "2030-05-01", "preview", "a-1", "b"), [("price", "1 / 2", "1 / 3")]),
        (ListedModel("a", 100, "1", "2", "2030-06-01", "preview", "a-1"), [("retires", "2030-05-01", "2030-06-01")]),
        (ListedModel("a", 100, "1", "2", "", "preview", "a-1"), [("retires", "2030-05-01", "")]),
        (ListedModel("a", 100, "1", "2", "2030-05-01", "legacy", "a-1"), [("stage", "preview", "legacy")]),
        (ListedModel("a", 100, "1", "2", "2030-05-01", "preview", "a-2"), [("repointed", "a-1", "a-2")]),
        # What a list no longer tells is no change.
        (ListedModel("a", retires="2030-05-01"), []),
    ],
)
def test_what_changed_in_a_row(after: ListedModel, changes: list[tuple[str, str, str]]) -> None:
    found = changes_between({"a": A}, {"a": after})
    assert [(one.kind.value, one.before, one.after) for one in found] == changes


def test_a_first_price_or_context_is_no_change_and_a_first_date_is() -> None:
    assert changes_between({"a": ListedModel("a")}, {"a": ListedModel("a", 100, "1", "2")}) == []
    dated = changes_between({"a": ListedModel("a")}, {"a": ListedModel("a", retires="2030-05-01")})
    assert dated == [ListChange(ListChangeKind.RETIRES, "a", "", "2030-05-01")]


def test_more_than_half_lost_is_one_change() -> None:
    assert changes_between(OLD, FEW) == [ListChange(ListChangeKind.HALF_LOST, "", "6 models", "2 models")]
    assert [one.kind for one in changes_between(OLD, {name: OLD[name] for name in "abc"})] == [ListChangeKind.GONE] * 3


Look = tuple[timedelta, Mapping[str, Mapping[str, ListedModel]]]


def told(*looks: Look, used: Sequence[str] = ()) -> list[tuple[int, list[SeenChange]]]:
    """What is told, and after how many minutes, of looks at the lists of regions, which began as OLD."""
    state, found = DriftState(OLD), []
    for after, seen in looks:
        drift = decide(state, seen, NOW + after, used)
        state = drift.state
        if drift.tell:
            found.append((round(after / MINUTE), list(drift.tell)))
    return found


def both(rows: Mapping[str, ListedModel], *minutes: int) -> list[Look]:
    return [(minute * MINUTE, {"eu": rows, "us": rows}) for minute in minutes]


def in_words(found: list[tuple[int, list[SeenChange]]]) -> list[tuple[int, str]]:
    return [(minute, title_of("OpenAI", changes)) for minute, changes in found]


def test_a_change_is_told_once_when_it_has_settled() -> None:
    assert in_words(told(*both(NEW, 0, 5, 10, 11, 60, 2000, 20000))) == [(10, "OpenAI: g is new")]


def test_a_page_of_results_that_is_lost_for_a_moment_is_not_told() -> None:
    short = {name: OLD[name] for name in "abcd"}
    assert told(*both(short, 0, 9), *both(OLD, 10, 11), *both(short, 12, 20), *both(OLD, 21)) == []


def test_a_list_that_lost_more_than_half_is_told_as_one_thing_after_an_hour() -> None:
    last = round(HALF_LOST / MINUTE)
    assert in_words(told(*both(FEW, 0, 30, last, last + 5, 3000))) == [
        (last, "OpenAI lists 2 models instead of 6 models")
    ]
    assert told(*both(FEW, 0, 30), *both(OLD, 40), *both(FEW, 41, 50), *both(OLD, 60)) == []


def test_two_regions_that_see_old_and_new_in_turn_tell_it_once() -> None:
    looks = [
        (minute * MINUTE, {"eu": NEW if minute % 2 else OLD, "us": OLD if minute % 2 else NEW, "ap": NEW})
        for minute in range(30)
    ]
    assert in_words(told(*looks, *both(NEW, 31, 60))) == [(10, "OpenAI: g is new")]


def test_what_fewer_regions_see_is_told_late_with_their_names_and_once() -> None:
    last = round(APART / MINUTE)
    week = round(AGAIN / MINUTE)
    looks = [(minute * MINUTE, {"eu": OLD, "us": NEW}) for minute in (0, 60, last, last + 60, week + last, 3 * week)]
    assert in_words(told(*looks)) == [(last, "OpenAI: g is new (in us only)")]


def test_a_change_back_and_forth_is_told_once_each_way_in_a_week() -> None:
    day = 24 * 60
    looks = [
        look
        for number in range(5)
        for look in [*both(NEW, number * day, number * day + 20), *both(OLD, number * day + 600, number * day + 620)]
    ]
    assert in_words(told(*looks)) == [(20, "OpenAI: g is new"), (620, "OpenAI: g is gone")]


def test_notices_of_one_list_keep_a_gap_unless_a_model_in_use_is_concerned() -> None:
    more = {**NEW, "h": ListedModel("h")}
    gap = round(GAP / MINUTE)
    looks = [*both(NEW, 0, 10), *both(more, 11, 21, 30, 10 + gap)]
    assert in_words(told(*looks)) == [(10, "OpenAI: g is new"), (10 + gap, "OpenAI: h is new")]
    assert in_words(told(*looks, used=["h"]))[1] == (21, "OpenAI: h is new")


def test_lists_that_regions_tell_one_after_the_other_are_no_change() -> None:
    state = begin({"ap": FEW}, NOW, {})
    for minute in (0, 1, 3, 5, 20, 600):
        drift = decide(state, {"ap": FEW, "eu": OLD, "us": OLD} if minute else {"ap": FEW}, NOW + minute * MINUTE)
        state = drift.state
        assert drift.tell == ()
        assert drift.waits is (minute * MINUTE < BEGINS)
    assert state.rows.keys() == OLD.keys()
    drift = decide(state, {"ap": FEW, "eu": FEW, "us": FEW}, NOW + 700 * MINUTE)
    drift = decide(drift.state, {"ap": FEW, "eu": FEW, "us": FEW}, NOW + 800 * MINUTE)
    assert title_of("X", drift.tell) == "X lists 2 models instead of 6 models"


def test_a_moment_in_which_a_second_region_agrees_settles_nothing() -> None:
    looks = [(minute * MINUTE, {"eu": OLD, "us": NEW, "ap": OLD}) for minute in range(0, 350, 10)]
    looks.insert(20, (195 * MINUTE, {"eu": NEW, "us": NEW, "ap": OLD}))
    assert told(*looks) == []


def test_a_change_that_settles_does_not_hide_one_of_the_same_row_that_has_not() -> None:
    before, dated = {"a": ListedModel("a", 100, "1")}, {"a": ListedModel("a", 200, "1")}
    dearer = {"a": ListedModel("a", 200, "2")}
    state, found = DriftState(before), []
    for minute, rows in [(0, dated), (8, dearer), (10, dearer), (18, dearer), (900, dearer)]:
        drift = decide(state, {"eu": rows, "us": rows}, NOW + minute * MINUTE)
        state = drift.state
        found += [(minute, one.change.kind.value) for one in drift.tell]
    assert found == [(10, "context"), (900, "price")]


def test_a_price_that_a_list_begins_to_tell_is_what_the_next_is_held_against() -> None:
    rows = [{"a": ListedModel("a", price_in=price)} for price in ("", "1", "2", "2")]
    state, found = DriftState(rows[0]), []
    for number, each in enumerate(rows):
        drift = decide(state, {"eu": each, "us": each}, NOW + number * SETTLES)
        state = drift.state
        found += [(one.change.before, one.change.after) for one in drift.tell]
    assert found == [("1", "2")]


def test_a_region_that_makes_up_a_row_leaves_no_trace_in_what_is_known() -> None:
    lied = {**NEW, "g": ListedModel("g", 1, "999")}
    true = {**NEW, "g": ListedModel("g", 1, "2")}
    looks = [(minute * MINUTE, {"ap": lied, "eu": true, "us": true}) for minute in (0, 10, 20, 300)]
    assert in_words(told(*looks)) == [(10, "OpenAI: g is new")]


def test_the_words_say_before_and_after() -> None:
    changes = [
        SeenChange(ListChange(ListChangeKind.GONE, "old-1", "old-1"), ("eu",), True),
        SeenChange(ListChange(ListChangeKind.NEW, "new-1", "", "new-1"), ("eu",), True),
        SeenChange(ListChange(ListChangeKind.PRICE, "m", "1 / 2", "1 / 3"), ("eu",), True),
        SeenChange(ListChange(ListChangeKind.RETIRES, "m", "", "2030-05-01"), ("eu",), True),
    ]
    assert title_of("xAI", changes) == (
        "xAI changed its models: 1 model gone, 1 new model, 1 price changed, 1 retirement date changed"
    )
    before, after = before_and_after(changes)
    assert before == "old-1; m $1 / 2 for a million tokens in / out; m no retirement date"
    assert after == "new-1; m $1 / 3 for a million tokens in / out; m retires on 2030-05-01"
    assert digest_of(changes) == digest_of(reversed(changes)) != digest_of(changes[:2])


ROWS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.builds(ListedModel, st.just("x"), st.integers(0, 2), st.sampled_from(["", "1"]))
).map(lambda rows: {name: ListedModel(name, row.context, row.price_in) for name, row in rows.items()})


@given(ROWS, ROWS)
def test_whatever_changes_is_told_at_most_once_and_then_the_state_is_what_is_seen(
    before: dict[str, ListedModel], after: dict[str, ListedModel]
) -> None:
    state, times = DriftState(before), 0
    for minute in (0, 10, 60, 61, 400, 800):
        drift = decide(state, {"eu": after, "us": after}, NOW + minute * MINUTE)
        state = drift.state
        times += bool(drift.tell)
    assert times <= 2
    assert changes_between(state.rows, after) == []
