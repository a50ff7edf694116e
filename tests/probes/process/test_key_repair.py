"""What a region makes of its own keys stops no other part."""

from __future__ import annotations

import time

import msgspec
import pytest
import redis

from probes import keys
from probes.process.key_repair import put_right
from probes.queue.sender import RegionQueues
from probes.wire import Batch, Check, Lane
from tests.signed import control_signer

WRONG = redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")


def test_what_is_of_the_wrong_kind_is_deleted_and_nothing_else(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.xadd(keys.results("us-east"), {"b": b""})
        client.hset(keys.alive("us-east"), "dispatch", "1")
        client.set(keys.status("us-east"), b"beat")
        client.rpush(keys.celery_prefix("us-east") + keys.queue("us-east", Lane.CONFIRM), b"batch")
        client.hset(keys.celery_prefix("us-east") + "unacked", "1", "2")
        well = set(client.keys("*"))
        for name in (keys.results("eu-west"), keys.latest("eu-west"), keys.alive("eu-west")):
            client.set(name, "mine")
        client.hset(keys.status("eu-west"), "a", "b")
        client.set(keys.celery_prefix("eu-west") + keys.queue("eu-west", Lane.SCHEDULED), "mine")
        client.set(keys.celery_prefix("eu-west") + "_kombu.binding.x", "mine")
        assert put_right(client, WRONG)
        assert set(client.keys("*")) == well
        assert not put_right(client, WRONG), "nothing is left to be put right"


@pytest.mark.parametrize(("name", "kind"), keys.owned("eu-west").items())
def test_p3_each_key_of_a_region_is_put_right_when_it_has_another_type(redis_url: str, name: str, kind: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        for write in (
            lambda: client.set(name, "mine"),
            lambda: client.hset(name, "a", "b"),
            lambda: client.sadd(name, "a"),
        ):
            client.delete(name)
            write()
            written = client.type(name).decode()
            assert put_right(client, WRONG) == (written != kind)
            assert client.exists(name) == (written == kind)


def test_p3_the_list_of_a_regions_keys_is_what_a_worker_and_dispatch_leave_in_redis(redis_url: str) -> None:
    now_ms = int(time.time() * 1000)
    check = Check(1, "mon_a", "http", now_ms, now_ms + 30_000, 1_000, msgspec.Raw(b"\x80"))
    queues = RegionQueues(redis_url, control_signer())
    for lane in Lane:
        queues.send(Batch(1, "eu-west", lane, [check]), 30)
    queues.close()
    with redis.Redis.from_url(redis_url) as client:
        owned = keys.owned("eu-west")
        found = {name.decode(): client.type(name).decode() for name in client.keys(keys.celery_prefix("eu-west") + "*")}
    assert found.items() <= owned.items()


def test_another_error_is_none_of_its_business(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set(keys.results("eu-west"), "mine")
        assert not put_right(client, redis.ResponseError("ERR something else"))
        assert client.exists(keys.results("eu-west"))


def test_a_queue_that_is_none_is_told_from_a_redis_that_is_away(redis_url: str) -> None:
    now_ms = int(time.time() * 1000)
    check = Check(1, "mon_a", "http", now_ms, now_ms + 30_000, 1_000, msgspec.Raw(b"\x80"))
    batch = Batch(1, "eu-west", Lane.SCHEDULED, [check])
    queues = RegionQueues(redis_url, control_signer())
    with redis.Redis.from_url(redis_url) as client:
        client.set(keys.celery_prefix("eu-west") + keys.queue("eu-west", Lane.SCHEDULED), "mine")
        with pytest.raises(redis.ResponseError, match="WRONGTYPE") as problem:
            queues.send(batch, 30)
        assert put_right(client, problem.value)
        queues.send(batch, 30)
        assert client.llen(keys.celery_prefix("eu-west") + keys.queue("eu-west", Lane.SCHEDULED)) == 1
    queues.close()
