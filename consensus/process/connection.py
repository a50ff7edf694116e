"""Connection of consensus to Redis, and the wait for a Redis that is still starting."""

from __future__ import annotations

import threading
import time

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from probes.process.connections.clients import open_both
from probes.process.redis_streams import RedisClock

RETRY_S = 0.5
#: How long Redis may take to start (s).
REDIS_WAIT_S = 10.0


def connect(url: str, control_url: str = "") -> redis.Redis:
    """A client of the Redis at `url`, and of the control plane's own if that is another; connects when first used."""
    return open_both(
        url,
        control_url,
        socket_timeout=5,
        socket_connect_timeout=5,
        socket_keepalive=True,
        health_check_interval=15,
        # Once more, for a connection that was closed while it was idle; ten times would take minutes.
        retry=Retry(ConstantBackoff(0.1), 1),
    )


def await_answer(clock: RedisClock, stop: threading.Event, wait_s: float = REDIS_WAIT_S) -> None:
    """Wait until Redis answers; raises `redis.RedisError` when it does not."""
    deadline_s = time.monotonic() + wait_s
    while not stop.is_set():
        try:
            clock.measure()
        except redis.AuthenticationError:
            raise
        except (redis.ConnectionError, redis.TimeoutError):
            if time.monotonic() >= deadline_s:
                raise
            stop.wait(RETRY_S)
        else:
            return
