"""Dead letters in Redis: read as written, and not where someone kept one and writes it again later."""

from __future__ import annotations

import pytest
import redis
import time_machine

from probes.process.dead_letters import DeadLetterStream, letter_of, waiting_letters
from tests.signed import macs

WRITTEN_S, DAY_S = 1_800_000_000, 86_400


@pytest.mark.parametrize(("days", "taken"), [(0, True), (6, True), (8, False)])
def test_a_letter_of_more_than_a_week_ago_is_not_taken(redis_url: str, days: int, taken: bool) -> None:
    with redis.Redis.from_url(redis_url) as client, time_machine.travel(WRITTEN_S, tick=False) as clock:
        stream = DeadLetterStream(client, macs())
        stream.keep(letter_of("consensus", "fold", "eu-west", ValueError("no")))
        stream.flush()
        clock.shift(days * DAY_S)
        ((_, letter),) = waiting_letters(client, macs(), 10)
    assert (letter is not None) is taken
