"""Where each key is once regions have a server of their own: its name decides, and what names both is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from consensus.process.lease import ConsensusLease
from probes import keys
from probes.process.connections.clients import open_both
from probes.process.connections.split import KeysOfTwoServers, SplitRedis, goes_to_regions, regions_of
from probes.process.redis_client import bounded
from probes.process.redis_streams import read_streams, redis_now_ms
from probes.wire import Lane
from vigil.enrolment.core.redis_users import region_rules
from vigil.local.servers import redis as local_redis

EU = "eu-west"
OF_REGIONS = {
    *keys.owned(EU), keys.results(EU), keys.latest(EU), keys.status(EU), keys.alive(EU), keys.stored(EU),
    keys.celery_prefix(EU) + keys.queue(EU, Lane.CONFIRM),
}  # fmt: skip
OF_CONTROL = {
    keys.CALLS, keys.ROUNDS, keys.VERDICTS, keys.PINGS, keys.DEAD_LETTERS, keys.BELIEVED, keys.ALIVE,
    keys.BELIEF_CHANGES, keys.READERS, keys.QUARANTINED, keys.BASELINES, keys.SHARES, keys.LIVE, keys.REGION_KEYS,
    keys.HEADROOM,
    keys.REFUSED, keys.lease("consensus"), keys.lease("consensus:epoch"), keys.SHARD_MAP, keys.trial("t"),
    keys.trials("team", 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitRedis]:
    """A client of two real servers."""
    with ExitStack() as stack:
        urls = []
        for name in ("regions", "control"):
            home = tmp_path_factory.mktemp(name)
            urls.append(stack.enter_context(local_redis.running(home, "not-a-secret", home / "redis.log")).url)
        client = open_both(*urls, socket_timeout=5)
        assert isinstance(client, SplitRedis)
        yield client


def test_each_key_of_the_keyspace_has_its_server() -> None:
    assert all(keys.is_of_regions(key) and keys.is_of_regions(key.encode()) for key in OF_REGIONS)
    assert not any(keys.is_of_regions(key) or keys.is_of_regions(key.encode()) for key in OF_CONTROL)
    named = {value for name, value in vars(keys).items() if name.isupper() and str(value).startswith(keys.PREFIX)}
    assert named - {keys.PREFIX} <= OF_CONTROL, "a key that has no server here"


def test_the_regions_server_has_what_a_regions_user_may_reach_and_no_more() -> None:
    reached = [word[1:] for word in region_rules(EU, "pw").split() if word.startswith("~")]
    assert len(reached) >= 6 and all(keys.is_of_regions(pattern) for pattern in reached)


@pytest.mark.parametrize(
    ("words", "to_regions"),
    [
        (("HMGET", keys.latest(EU), "vigil:calls"), True),
        (("SCAN", "0", "MATCH", keys.alive("*"), "COUNT", 10), True),
        (("MEMORY USAGE", keys.results(EU).encode()), True),
        (("EVALSHA", "sha", 2, keys.lease("a"), keys.lease("a:epoch"), keys.results(EU)), False),
        (("XREAD", "COUNT", 1, "STREAMS", keys.CALLS, keys.VERDICTS, "0", "0"), False),
        (("SET", keys.REGION_KEYS, keys.results(EU)), False),
        (("TIME",), None), (("INFO", "memory"), None), (("SCRIPT LOAD", "return 1"), None),
    ],
)  # fmt: skip
def test_a_command_goes_where_its_keys_are(words: tuple[object, ...], to_regions: bool | None) -> None:
    assert goes_to_regions(words) is to_regions


def test_a_command_of_keys_of_both_is_refused(split: SplitRedis) -> None:
    with pytest.raises(KeysOfTwoServers):
        split.delete(keys.results(EU), keys.CALLS)
    pipe = split.pipeline(transaction=True)
    pipe.set(keys.status(EU), "a")
    pipe.hset(keys.READERS, EU, "1-0")
    with pytest.raises(KeysOfTwoServers):
        pipe.execute()


def test_a_pipeline_answers_in_its_order_whichever_server_each_part_is_on(split: SplitRedis) -> None:
    pipe = split.pipeline(transaction=False)
    pipe.time()
    pipe.set(keys.status(EU), "alive")
    pipe.hset(keys.READERS, EU, "1-0")
    pipe.get(keys.status(EU))
    pipe.hget(keys.READERS, EU)
    assert len(pipe) == 5
    assert pipe.execute()[1:] == [True, 1, b"alive", b"1-0"]
    assert len(pipe) == 0 and not split.control.exists(keys.status(EU)) and not split.regions.exists(keys.READERS)


def test_scripts_and_replies_that_are_bounded_work_on_both(split: SplitRedis) -> None:
    lease = ConsensusLease(split, "consensus", "one", lambda: 0.0)
    assert lease.renew() and split.control.exists(keys.lease("consensus"))
    small = bounded(split, 1_000_000)
    assert isinstance(small, SplitRedis) and regions_of(small) is small.regions
    small.set(keys.stored(EU), "2-0")
    assert split.regions.get(keys.stored(EU)) == b"2-0"
    assert set(split.scan_iter(keys.stored("*"))) == {keys.stored(EU).encode()}
    assert abs(redis_now_ms(split) - redis_now_ms(split.regions)) < 60_000 and split.ping()


def test_a_round_is_read_before_a_result_that_came_of_it(split: SplitRedis) -> None:
    split.xadd(keys.results(EU), {"b": "result"})
    split.xadd(keys.ROUNDS, {"b": "round"})
    positions = {keys.results(EU).encode(): b"0-0", keys.ROUNDS.encode(): b"0-0"}
    found = [name.decode() for name, _ in read_streams(split, positions, 10, 1000)]
    assert found == [keys.ROUNDS, keys.results(EU)]


def test_one_address_for_both_is_one_client() -> None:
    one = open_both("redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0")
    assert not isinstance(one, SplitRedis) and regions_of(one) is one
    assert not isinstance(open_both("redis://127.0.0.1:1/0", ""), SplitRedis)
