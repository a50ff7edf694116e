"""A decider whose turn takes longer than its lease still says what it decided, unless another leads since."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from consensus.process import lease
from consensus.process.service import Consensus
from consensus.process.settings import ConsensusSettings
from consensus.process.stream import Streams
from probes import keys
from probes.process.health import Health
from probes.process.redis_streams import redis_now_ms
from tests.consensus.examples import make_result
from tests.signed import report, trust
from tests.waiting import until

LEASE_MS = 200
TURN_S = 2 * LEASE_MS / 1000


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with redis.Redis.from_url(redis_url) as client:
        client.hset(keys.BELIEVED, keys.BELIEVED_MARK.decode(), "1")
        trust(client, "eu-west")
        yield client


class LongTurns:
    """A decider in a thread, which waits in each turn behind what it read."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = threading.Event()
        self._stop = threading.Event()
        decider = Consensus(ConsensusSettings(redis_url=url), Health("consensus", 15))  # type: ignore[arg-type]
        self._thread = threading.Thread(target=decider.run, args=(self._stop,), daemon=True)
        self._plain = Streams.read
        monkeypatch.setattr(lease, "LEASE_MS", LEASE_MS)
        monkeypatch.setattr(Streams, "read", lambda streams, *waits: self._read(streams, *waits))

    def _read(self, streams: Streams, *waits: int) -> Iterator[Any]:
        for message in self._plain(streams, *waits):
            yield message
            self.read.set()
        # Not cut short by the stop: the last turn is a long one too.
        threading.Event().wait(TURN_S)

    def __enter__(self) -> LongTurns:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)


def test_what_was_decided_in_a_turn_longer_than_the_lease_is_said(
    client: Any, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LongTurns(redis_url, monkeypatch):
        until(lambda: client.exists(keys.lease("consensus")), "the lease")
        report(client, "eu-west", make_result("fail", started_ms=redis_now_ms(client)))
        until(lambda: client.xlen(keys.CALLS) == 1, "the call")


def test_nothing_is_said_where_another_took_the_lease_meanwhile(
    client: Any, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LongTurns(redis_url, monkeypatch) as turns:
        until(lambda: client.exists(keys.lease("consensus")), "the lease")
        client.set(keys.lease("consensus"), "another")
        report(client, "eu-west", make_result("fail", started_ms=redis_now_ms(client)))
        until(turns.read.is_set, "the failure to be read")
    assert client.xlen(keys.CALLS) == 0
