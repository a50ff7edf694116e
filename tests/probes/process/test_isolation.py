"""Isolation: good entries are applied once and in order, each bad one is buried once, and a server away is no fault."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.process.dead_letters import DeadLetterMessage, entry_of, letter_of
from probes.process.isolation import STEP_REST_MOST_S, TURN_WAIT_MOST_S, WAIT_MOST_S, Isolation, apply_by_halves


class Away(Exception):
    """What a server that is away raises here."""


class Poison(ValueError):
    """What an entry that cannot be applied raises."""


def refusal(error: BaseException) -> str:
    return "Redis is away" if isinstance(error, Away) else ""


class Table:
    """Applies parts in a transaction, and keeps letters."""

    def __init__(self, poisons: frozenset[int] = frozenset()) -> None:
        self.poisons = poisons
        self.applied: list[int] = []
        self.tried: list[tuple[int, ...]] = []
        self.buried: list[int] = []
        self.letters: list[DeadLetterMessage] = []

    def apply(self, part: Sequence[int]) -> int:
        self.tried.append(tuple(part))
        if self.poisons & set(part):
            raise Poison(part)
        self.applied.extend(part)
        return len(part)

    def bury(self, entry: int, error: Exception) -> None:
        assert isinstance(error, Poison)
        self.buried.append(entry)

    def keep(self, letter: DeadLetterMessage) -> None:
        self.letters.append(letter)


@given(size=st.integers(0, 40), poisons=st.frozensets(st.integers(0, 39)))
def test_s05_good_entries_are_applied_once_in_order_and_each_poison_is_buried_once(
    size: int, poisons: frozenset[int]
) -> None:
    table, entries = Table(poisons), list(range(size))
    applied = apply_by_halves(entries, table.apply, table.bury, refusal)
    assert table.applied == [entry for entry in entries if entry not in poisons]
    assert table.buried == [entry for entry in entries if entry in poisons]
    assert sum(applied) == len(table.applied)
    assert all(table.tried.count((entry,)) == 2 for entry in table.buried)


@given(st.integers(1, 200), st.integers(0, 199))
def test_s05_one_poison_costs_a_few_more_parts(size: int, place: int) -> None:
    table = Table(frozenset([place % size]))
    apply_by_halves(list(range(size)), table.apply, table.bury, refusal)
    assert len(table.tried) <= 2 * size.bit_length() + 2


def test_s05_an_entry_that_fails_once_only_is_applied() -> None:
    faults = [Poison(), Poison()]

    def apply(part: Sequence[int]) -> int:
        if faults:
            raise faults.pop()
        return len(part)

    table = Table()
    assert apply_by_halves([1, 2], apply, table.bury, refusal) == [1, 1]
    assert table.buried == []


def test_s05_a_server_that_is_away_is_raised_and_what_came_before_is_done() -> None:
    table = Table(frozenset([1]))

    def apply(part: Sequence[int]) -> int:
        if list(part) == [3]:
            raise Away
        if 3 in part:
            raise Poison
        return table.apply(part)

    with pytest.raises(Away):
        apply_by_halves([0, 1, 2, 3], apply, table.bury, refusal)
    assert (table.applied, table.buried) == ([0, 2], [1])


class Clocked:
    """An isolation whose clock the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.table = Table()
        self.isolation = Isolation("ingest", self.table, refusal, lambda: self.now_s)

    def fail(self) -> str:
        raise Poison("no\x00pe")


def test_s05_a_step_that_fails_twice_is_a_letter_and_rests_until_it_works() -> None:
    told = Clocked()
    attempt = told.isolation.attempt
    assert attempt("sweep", told.fail, "left", "7") == "left"
    assert told.table.letters == []
    assert attempt("sweep", told.fail, "left", "7") == "left"
    (letter,) = told.table.letters
    assert (letter.source, letter.step, letter.origin) == ("ingest", "sweep", "7")
    assert "Poison: nope" in letter.error and "\x00" not in letter.error
    assert told.isolation.resting("sweep") == ["7"]
    assert attempt("sweep", lambda: "done", "left", "7") == "left"
    assert attempt("sweep", lambda: "done", "left", "8") == "done"
    told.now_s += 2
    assert attempt("sweep", lambda: "done", "left", "7") == "done"
    assert told.table.letters[-1].settled and told.isolation.resting("sweep") == []


def test_s05_a_whole_step_rests_for_seconds_only() -> None:
    told = Clocked()
    for _ in range(50):
        told.isolation.attempt("composites", told.fail, "left")
        told.now_s += STEP_REST_MOST_S
    assert told.isolation.attempt("composites", lambda: "done", "left") == "done"


def test_s05_the_first_success_of_a_process_settles_what_an_earlier_one_left() -> None:
    told = Clocked()
    told.isolation.attempt("composites", lambda: 1, 0)
    told.isolation.attempt("composites", lambda: 1, 0)
    assert [(letter.step, letter.settled) for letter in told.table.letters] == [("composites", True)]


def test_s05_every_row_is_tried_by_itself() -> None:
    told = Clocked()

    def work(row: int) -> int:
        return row if row != 2 else 1 // 0

    assert told.isolation.each("retire", [1, 2, 3], work, 0) == [1, 0, 3]


def test_s05_a_turn_waits_longer_each_time_and_never_long() -> None:
    told = Clocked()
    waits = [told.isolation.setback(Away()).wait_s for _ in range(20)]
    assert waits == sorted(waits) and waits[0] < 1 and waits[-1] == WAIT_MOST_S
    assert told.table.letters == []
    assert told.isolation.turned()
    assert told.isolation.setback(Away()).wait_s == waits[0]


def test_s05_a_turn_that_fails_again_and_again_is_a_letter() -> None:
    told = Clocked()
    setbacks = [told.isolation.setback(Poison()) for _ in range(2)]
    assert not any(setback.away for setback in setbacks)
    assert [letter.step for letter in told.table.letters] == ["turn"]


def test_s05_letters_that_cannot_be_kept_hold_up_nothing() -> None:
    told = Clocked()
    told.table.keep = lambda letter: told.fail()  # type: ignore[method-assign,assignment]
    assert told.isolation.entry("decode", "eu", told.fail, entry_of("s", "1-0", b"x")) is None


@given(st.text(), st.binary(), st.text(), st.text())
def test_s05_a_letter_is_bounded_whatever_failed(message: str, payload: bytes, origin: str, stream: str) -> None:
    letter = letter_of("ingest", "apply", origin * 50, ValueError(message * 1000), entry_of(stream, "1-0", payload))
    assert len(letter.error) <= 1_000 and len(letter.origin) <= 200
    for text in (letter.error, letter.origin, letter.stream):
        text.encode()
        assert "\x00" not in text


def test_s05_whatever_a_turn_fails_of_the_rest_waits_less_than_five_seconds_for_it() -> None:
    told = Clocked()
    waits = [told.isolation.setback(Poison()).wait_s for _ in range(12)]
    assert waits == sorted(waits) and waits[-1] == TURN_WAIT_MOST_S
    # An entry that fails alone twice is passed in the turn that met it: what is left is one wait, or one rest.
    assert sum(waits[:3]) < 5.0 and TURN_WAIT_MOST_S < 5.0 and STEP_REST_MOST_S < 5.0
