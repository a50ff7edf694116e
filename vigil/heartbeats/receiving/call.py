"""Calls of a process that waits: one ping written to the log, as a receiver writes it.

For the API, whose callers name a heartbeat by its id or slug and need not know its address. The clock is that of the
database; a ping is kept once Redis has it in its file, or PostgreSQL has it while Redis is away.
"""

from __future__ import annotations

import os
import socket
from functools import lru_cache

import redis
import structlog
from django.db import connection

from probes import keys
from probes.process.connections.clients import open_client
from vigil.clock import database_wall_now
from vigil.configuration import configuration
from vigil.heartbeats.core.pings.address import PingCall
from vigil.heartbeats.core.pings.wire import PING_VERSION, LogEntry, encode
from vigil.heartbeats.receiving.ping_log import REDIS_S, SPOOL
from vigil.heartbeats.receiving.receiver import PingRequest, stamped

log = structlog.get_logger()


@lru_cache(maxsize=1)
def ping_client() -> redis.Redis:
    """Client of the ping log: every call has a deadline, none retries."""
    url = configuration().ping_log_url
    return open_client(url, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S, retry=None)


def keep_call(call: PingCall, request: PingRequest) -> None:
    """Write a call to the log; raises `django.db.Error` where neither Redis nor PostgreSQL takes it."""
    at_us = round(database_wall_now().timestamp() * 1_000_000)
    receiver = f"api:{socket.gethostname()}:{os.getpid()}"
    payload = encode(LogEntry(PING_VERSION, receiver, [stamped(call, request, at_us)]))
    try:
        ping_client().xadd(keys.PINGS, {keys.BODY: payload})
    except redis.RedisError as error:
        log.warning("ping.not_in_redis", error=type(error).__name__)
        with connection.cursor() as cursor:
            cursor.execute(SPOOL, [payload])
