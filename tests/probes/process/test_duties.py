"""A duty is due at once, then once an interval, and again when it is made due."""

from __future__ import annotations

import pytest

from probes.process.duties import Duties


def test_a_duty_is_due_at_once_and_again_after_its_interval() -> None:
    now_s = 100.0
    duties = Duties(lambda: now_s)
    assert duties.is_due("sweep", 5.0)
    assert not duties.is_due("sweep", 5.0)
    assert duties.is_due("publish", 5.0)
    now_s = 104.9
    assert not duties.is_due("sweep", 5.0)
    now_s = 105.0
    assert duties.is_due("sweep", 5.0)


def test_duties_can_be_made_due_alone_or_all_at_once() -> None:
    duties = Duties(lambda: 100.0)
    assert duties.is_due("sweep", 5.0)
    assert duties.is_due("publish", 5.0)
    duties.make_due("sweep")
    assert duties.is_due("sweep", 5.0)
    assert not duties.is_due("publish", 5.0)
    duties.make_all_due()
    assert duties.is_due("sweep", 5.0)
    assert duties.is_due("publish", 5.0)


def test_a_duty_that_fails_is_due_again_at_once() -> None:
    duties = Duties(lambda: 100.0)
    done: list[str] = []

    def fails() -> None:
        done.append("tried")
        raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError):
            duties.do("statuses", 5.0, fails)
    for _ in range(2):
        duties.do("statuses", 5.0, lambda: done.append("done"))
    assert done == ["tried", "tried", "done"]
