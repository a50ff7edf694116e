"""What is read once in a batch, and anew outside of one."""

from __future__ import annotations

from itertools import count

import pytest

from vigil.database.transaction_cache import batch, read_once


def test_within_a_batch_a_key_is_read_once() -> None:
    numbers = count()
    with batch():
        assert [read_once("a", lambda: next(numbers)) for _ in range(3)] == [0, 0, 0]
        assert read_once("b", lambda: next(numbers)) == 1


def test_outside_of_a_batch_and_in_the_next_one_it_is_read_anew() -> None:
    numbers = count()
    assert [read_once("a", lambda: next(numbers)) for _ in range(2)] == [0, 1]
    with pytest.raises(ValueError), batch():
        assert read_once("a", lambda: next(numbers)) == 2
        raise ValueError
    with batch():
        assert read_once("a", lambda: next(numbers)) == 3
    assert read_once("a", lambda: next(numbers)) == 4
