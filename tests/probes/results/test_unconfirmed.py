"""What Redis may lose: how it is seen, and what is then written again."""

from __future__ import annotations

import pytest

from probes.results.unconfirmed import Sent, StreamView, Unconfirmed, storable_id


def with_entries(*millis: int, results: int = 10) -> Unconfirmed:
    unconfirmed = Unconfirmed()
    for at_ms in millis:
        unconfirmed.sent(Sent((at_ms, 0), str(at_ms).encode(), results))
    return unconfirmed


def test_what_is_stored_need_not_be_kept() -> None:
    unconfirmed = with_entries(100, 200, 300)
    unconfirmed.stored((200, 0))
    assert [entry.id for entry in unconfirmed.take()] == [(300, 0)]
    assert unconfirmed.results == 0


@pytest.mark.parametrize(
    ("view", "lost"),
    [
        (StreamView((50, 0), (300, 0)), False),
        (StreamView((100, 0), (900, 0)), False),
        (StreamView(None, (300, 0)), False),
        (StreamView((50, 0), (200, 0)), True),
        (StreamView(None, (0, 0)), True),
        (StreamView((900, 0), (900, 0)), True),
        (StreamView((150, 0), (300, 0)), True),
    ],
    ids=[
        "all there",
        "another worker writes as well",
        "trimmed to nothing",
        "the last is missing",
        "the stream is gone",
        "it was begun anew",
        "trimmed before it was stored",
    ],
)
def test_a_loss_is_seen_by_the_first_entry_or_by_the_last(view: StreamView, lost: bool) -> None:
    assert with_entries(100, 200, 300).has_lost(view, (300, 0)) is lost


def test_what_was_written_while_redis_was_asked_is_not_held_against_it() -> None:
    unconfirmed = with_entries(100)
    asked = unconfirmed.last
    unconfirmed.sent(Sent((200, 0), b"", 1))
    assert not unconfirmed.has_lost(StreamView((100, 0), (100, 0)), asked)
    assert unconfirmed.has_lost(StreamView((100, 0), (100, 0)), unconfirmed.last)


def test_what_is_stored_can_be_lost_by_nobody() -> None:
    unconfirmed = with_entries(100)
    unconfirmed.stored((100, 0))
    assert not unconfirmed.has_lost(StreamView(), unconfirmed.last)


def test_a_position_behind_a_loss_does_not_make_it_stored() -> None:
    """The recorder went on with what came after the loss, and never saw what was lost."""
    unconfirmed = with_entries(100, 200, 900)
    again = unconfirmed.settle(StreamView((900, 0), (900, 0)), (900, 0), upto=(900, 0), was_away=False)
    assert again is not None
    assert [entry.id[0] for entry in again] == [100, 200, 900]


def test_a_server_that_was_away_may_have_lost_what_it_does_not_miss() -> None:
    again = with_entries(100, 200).settle(StreamView((100, 0), (200, 0)), (200, 0), upto=(200, 0), was_away=True)
    assert again is not None
    assert len(again) == 2


def test_without_a_loss_what_is_stored_is_given_up_and_nothing_is_sent_again() -> None:
    unconfirmed = with_entries(100, 200)
    assert unconfirmed.settle(StreamView((100, 0), (200, 0)), (200, 0), upto=(100, 0), was_away=False) is None
    assert len(unconfirmed) == 1


def test_of_too_many_the_oldest_are_given_up() -> None:
    unconfirmed = with_entries(100, 200, 300)
    assert [entry.id for entry in unconfirmed.take(keep_results=15)] == [(100, 0), (200, 0)]
    assert len(unconfirmed) == 1


def test_an_id_is_two_numbers() -> None:
    assert storable_id(b"1800000000000-7") == (1_800_000_000_000, 7)
    assert storable_id(b"5") == (5, 0)
    for wrong in (b"", b"x-1", b"1-y"):
        with pytest.raises(ValueError, match="invalid literal"):
            storable_id(wrong)
