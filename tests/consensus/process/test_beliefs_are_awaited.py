"""A consensus process before anything is believed, as while a database is migrated: it waits, and computes nothing."""

from __future__ import annotations

import threading

from consensus.process.service import BELIEFS_S, Consensus
from consensus.process.settings import ConsensusSettings
from probes.process.health import Health

TURNS_MOST = 10_000


class CountedStop(threading.Event):
    """A stop that comes after five rests, or after more turns than five rests take."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0
        self.rests: list[float | None] = []

    def is_set(self) -> bool:
        self.turns += 1
        return super().is_set() or self.turns > TURNS_MOST

    def wait(self, timeout: float | None = None) -> bool:
        self.rests.append(timeout)
        if len(self.rests) == 5:
            self.set()
        return super().wait(timeout)


def test_it_rests_between_its_turns_until_something_is_believed(redis_url: str) -> None:
    stop = CountedStop()
    Consensus(ConsensusSettings(redis_url=redis_url), Health("consensus", 15)).run(stop)  # type: ignore[arg-type]
    assert stop.rests == [BELIEFS_S] * 5
    assert stop.turns == 6, "one turn for each rest, and the last look at the stop"
