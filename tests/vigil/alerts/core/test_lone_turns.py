"""A poison message has its turn when nothing else is sent, and holds nobody up for long."""

from __future__ import annotations

from itertools import pairwise

from vigil.alerts.core.lone_turns import LOOK_EVERY_S, PATIENCE_S, ClaimTurn, LoneTurns
from vigil.alerts.core.retry import ALONE_AFTER, GIVE_UP_AFTER, TOLD_AFTER, alone_again_s, is_given_up


def waiting_since(now_s: float) -> LoneTurns:
    turns = LoneTurns()
    assert not turns.looks(now_s) and turns.next(now_s, idle=True) is ClaimTurn.OTHERS, "the others come first"
    assert turns.looks(now_s)
    turns.note(now_s, waits=True)
    return turns


def test_without_one_it_looks_once_a_second_and_claims_the_others() -> None:
    turns = LoneTurns()
    turns.next(0.0, idle=True)
    turns.note(0.0, waits=False)
    assert not turns.looks(LOOK_EVERY_S - 0.1) and turns.looks(LOOK_EVERY_S)
    assert turns.next(0.5, idle=True) is turns.next(0.5, idle=False) is ClaimTurn.OTHERS


def test_it_waits_until_nothing_else_is_sent_and_then_nothing_else_is_claimed() -> None:
    turns = waiting_since(0.0)
    assert turns.next(1.0, idle=False) is ClaimTurn.OTHERS
    assert turns.next(2.0, idle=True) is ClaimTurn.ALONE
    assert turns.next(20.0, idle=False) is ClaimTurn.NOTHING and not turns.looks(20.0)


def test_the_others_have_a_turn_after_each() -> None:
    turns = waiting_since(0.0)
    assert turns.next(1.0, idle=True) is ClaimTurn.ALONE
    assert turns.next(2.0, idle=True) is ClaimTurn.OTHERS and turns.looks(2.0)
    turns.note(2.0, waits=True)
    assert turns.next(2.0, idle=False) is ClaimTurn.OTHERS


def test_a_sender_that_is_never_idle_claims_nothing_more_after_a_while() -> None:
    turns = waiting_since(0.0)
    assert turns.next(PATIENCE_S, idle=False) is ClaimTurn.OTHERS
    assert turns.next(PATIENCE_S + 0.1, idle=False) is ClaimTurn.NOTHING
    assert turns.next(PATIENCE_S + 5, idle=True) is ClaimTurn.ALONE


def test_it_is_tried_for_a_day_and_comes_within_a_minute_once_it_can() -> None:
    waits_s = [alone_again_s(number) for number in (*range(ALONE_AFTER, TOLD_AFTER), 1_000)]
    assert all(shorter <= longer for shorter, longer in pairwise(waits_s)) and (waits_s[0], waits_s[-1]) == (5.0, 60.0)
    assert not is_given_up(1_000, GIVE_UP_AFTER / 2) and not is_given_up(TOLD_AFTER - 1, GIVE_UP_AFTER)
    assert is_given_up(TOLD_AFTER, GIVE_UP_AFTER)


def test_one_that_another_sender_takes_meanwhile_keeps_nobody_waiting() -> None:
    turns = waiting_since(0.0)
    assert not turns.looks(LOOK_EVERY_S - 0.1) and turns.looks(LOOK_EVERY_S)
    turns.note(LOOK_EVERY_S, waits=True)
    assert turns.next(PATIENCE_S + 0.1, idle=False) is ClaimTurn.NOTHING, "it waits since the first look"
    turns.note(PATIENCE_S + 0.2, waits=False)
    assert turns.next(PATIENCE_S + 0.3, idle=False) is ClaimTurn.OTHERS
