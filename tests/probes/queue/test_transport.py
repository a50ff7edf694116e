"""The transport of region queues lets go of a session that is lost, with all that it held."""

from __future__ import annotations

import gc
import os
import subprocess
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import redis
from kombu.asynchronous import Hub

from probes import keys
from probes.queue.app import region_app
from probes.wire import Lane
from tests.probes.worker.region_process import REGION, worker
from tests.probes.worker.test_service import own_redis
from tests.waiting import until
from vigil.local.servers.redis import LocalRedis

__all__ = ["own_redis"]

#: Sessions that are lost: many more than the files and connections that a worker opens later than its first session.
LOST = 12
OwnRedis = tuple[LocalRedis, Callable[[], subprocess.Popen[bytes]]]


def lose_a_session(url: str, hub: Hub) -> weakref.ref[Any]:
    """Begin a session as Celery's consumer does, lose it while it waits for a message, and abandon it."""
    app = region_app(REGION, url)
    connection = app.connection_for_read()
    channel = connection.default_channel
    connection.register_with_event_loop(hub)
    app.amqp.queues[keys.queue(REGION, Lane.SCHEDULED)](channel).consume()
    for tick in list(hub.on_tick):
        tick()
    assert channel._in_poll, "a BRPOP is out"
    with redis.Redis.from_url(url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    # Celery does both before it tells the consumer.
    hub.reset()
    for due in hub.timer.queue:
        due.entry.cancel()
    connection.transport.abandon(hub)
    return weakref.ref(channel)


def test_a_session_that_is_lost_leaves_nothing_in_memory(own_redis: OwnRedis) -> None:
    server, start = own_redis
    start()
    hub = Hub()
    hub.on_tick.add(kept := lambda: None)
    channels = [lose_a_session(server.url, hub) for _ in range(3)]
    gc.collect()
    assert [channel() for channel in channels] == [None] * 3
    assert hub.on_tick == {kept}, "what others do at each tick stays"
    assert not hub.timer.queue


def test_a_worker_that_lost_many_sessions_has_no_file_and_no_connection_more(
    own_redis: OwnRedis, tmp_path: Path
) -> None:
    server, start = own_redis
    start()
    with worker(server.url, log := tmp_path / "worker.log") as process, redis.Redis.from_url(server.url) as client:
        until(lambda: brpops(client), "the worker waiting for a message")
        files, connections = open_files(process.pid), len(client.client_list())
        for lost in range(1, LOST + 1):
            for session in brpops(client):
                client.client_kill_filter(_id=session)
            until(partial(has_noticed, log, lost), "the worker noticing")
            until(lambda: brpops(client), "the worker waiting for a message again")
        assert process.poll() is None
        # Its other parts may have opened some meanwhile.
        assert open_files(process.pid) < files + LOST // 2
        assert len(client.client_list()) < connections + LOST // 2


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def has_noticed(log: Path, times: int) -> bool:
    return log.read_text().count("redis.away") >= times


def brpops(client: redis.Redis) -> list[str]:
    """The sessions that wait for a message."""
    return [one["id"] for one in client.client_list() if one["cmd"] == "brpop"]
