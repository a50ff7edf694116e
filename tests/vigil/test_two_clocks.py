"""Two servers of Redis whose clocks differ: what is of now on one of them is not taken for old or for the future."""

from __future__ import annotations

from typing import Any, cast

import pytest
import redis

from consensus.process.beliefs import BeliefReader
from consensus.process.handover import Handover
from consensus.process.stream import Streams
from consensus.quarantine_list import read_quarantines
from consensus.verdicts import VERDICT_VERSION, Belief, Call, encode
from consensus.vocabulary import Cause
from probes import keys
from probes.process.connections.split import SplitRedis
from probes.process.key_repair import delete_future_streams
from probes.process.published_keys import PublishedRegionKeys
from probes.process.redis_streams import RedisClock, redis_now_ms
from probes.reasons import Status
from tests.signed import macs
from vigil.dispatch.bus import AGE_MOST_MS, Bus

APART_MS = 600_000


class Shifted(redis.Redis):
    """A server whose clock is ahead by so much, where its answers depend on that here."""

    ahead_ms = 0

    def execute_command(self, *words: Any, **options: Any) -> Any:
        answer = super().execute_command(*words, **options)  # type: ignore[no-untyped-call]
        return (answer[0] + self.ahead_ms // 1000, answer[1]) if words[0] == "TIME" else answer


@pytest.fixture(params=[APART_MS, -APART_MS], ids=["ahead", "behind"])
def split(request: pytest.FixtureRequest, redis_url: str) -> SplitRedis:
    """Two clients of one server; the clock of the control plane's is ahead of the regions', or behind it."""
    control: Any = Shifted.from_url(redis_url)
    control.ahead_ms = request.param
    return SplitRedis(control, redis.Redis.from_url(redis_url))


def measured(split: SplitRedis) -> RedisClock:
    clock = RedisClock(split)
    clock.measure()
    return clock


def add_call(split: SplitRedis, clock: RedisClock) -> None:
    """Write a call as consensus does, with the id that the control plane's server would give it."""
    at_ms = clock.control_ms()
    body = encode(Call(VERDICT_VERSION, "mon_example", "eu-west", Cause.FAILURE, clock.now_ms()))
    fields = {keys.BODY: body, keys.ENVELOPE: macs().mac(keys.CALLS, body, at_ms)}
    split.xadd(keys.CALLS, cast(Any, fields), id=f"{at_ms}-1")


def test_only_a_stream_of_the_future_of_its_own_server_is_deleted(split: SplitRedis) -> None:
    clock = measured(split)
    assert clock.control_ahead_ms == pytest.approx(clock.control_ms() - clock.now_ms(), abs=1_000)
    add_call(split, clock)
    split.xadd(keys.results("eu-west"), {"b": "now"}, id=f"{clock.now_ms()}-1")
    split.xadd(keys.results("us-east"), {"b": "later"}, id=f"{clock.now_ms() + 2 * 60_000}-1")
    names = [name.encode() for name in (keys.CALLS, keys.results("eu-west"), keys.results("us-east"))]
    assert delete_future_streams(split, names) == [keys.results("us-east").encode()]


def test_dispatch_reads_each_call_once(split: SplitRedis) -> None:
    bus = Bus(split, cast(Any, None))
    bus.clock.measure()
    add_call(split, bus.clock)
    bus.start_at(bus.clock.now_ms() - 5_000)
    assert [message.monitor for message in bus.read(1)] == ["mon_example"]
    assert list(bus.read(1)) == []


def test_what_consensus_writes_is_of_now_for_its_readers(split: SplitRedis) -> None:
    clock = measured(split)
    streams = Streams(split, PublishedRegionKeys(split, macs()), 60_000)
    streams.clock = clock
    list(streams.read(1, clock.now_ms()))
    streams.write([Call(VERDICT_VERSION, "mon_example", "eu-west", Cause.FAILURE, clock.now_ms())])
    [(_, fields)] = cast(Any, split.xrange(keys.CALLS))
    read_ms = redis_now_ms(split)
    assert macs().refusal(keys.CALLS, fields[keys.BODY], fields[keys.ENVELOPE], read_ms, AGE_MOST_MS) is None
    Handover(split, macs(), clock.control_ms).write_quarantines([])
    assert read_quarantines(macs(), cast(Any, split.hgetall(keys.QUARANTINED)), read_ms) == []


def test_what_ingest_believes_is_of_now_for_consensus(split: SplitRedis) -> None:
    belief = Belief(VERDICT_VERSION, Status.DOWN, 0)
    value = macs().value(f"{keys.BELIEVED}/mon_example", encode(belief), redis_now_ms(split))
    split.hset(keys.BELIEVED, mapping=cast(Any, {b"mon_example": value, keys.BELIEVED_MARK: b"1"}))
    believed = BeliefReader(split, macs(), measured(split).control_ms).read()
    assert believed is not None and "mon_example" in believed.beliefs
