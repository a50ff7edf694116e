"""Ping endpoint in the web server (WSGI): answers before Django's middleware, by the same rules and log.

For a high rate run `manage.py run ping` behind the proxy (deploy/README.md): here each call costs a thread of the web
server.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from probes import keys
from vigil.configuration import Configuration
from vigil.heartbeats.core.address import PingCall, read_target
from vigil.heartbeats.core.rate_limit import Rates
from vigil.heartbeats.core.reply import PingOutcome, headers
from vigil.heartbeats.core.wire import BODY_LIMIT, PING_VERSION, LogEntry, Method, encode
from vigil.heartbeats.receiving.ping_log import SPOOL
from vigil.heartbeats.receiving.receiver import PingRequest, stamped

log = structlog.get_logger()

PREFIX = "/ping/"
MAX_BODY = 10_000_000
#: The sum of all waits stays below `receiver_gaps.SETTLED`.
REDIS_S = 0.5
CONNECT_S, STATEMENT_S = 2, 1
#: One rate limit for all unknown addresses, since this endpoint does not look them up.
_EVERYBODY = "*"
_ALL_BURST, _ALL_PER_S = 2_000.0, 500.0

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WsgiPings:
    """WSGI application for /ping/; passes everything else on."""

    def __init__(self, following: Wsgi, configuration: Configuration) -> None:
        self._following = following
        self._database_url = configuration.database_url.get_secret_value()
        self._redis = redis.Redis.from_url(
            configuration.ping_log_url,
            socket_timeout=REDIS_S,
            socket_connect_timeout=REDIS_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._rates, self._all = Rates(), Rates(_ALL_BURST, _ALL_PER_S, 1)
        self._lock = threading.Lock()
        self._name = f"web:{socket.gethostname()}:{os.getpid()}"

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not str(environ.get("PATH_INFO", "")).startswith(PREFIX):
            return self._following(environ, start_response)
        outcome, wait_s = self._take(environ)
        start_response(f"{outcome.value.code} {outcome.value.phrase}", headers(outcome, wait_s))
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [outcome.value.text.encode()]

    def _take(self, environ: dict[str, Any]) -> tuple[PingOutcome, float]:
        try:
            method = Method(environ["REQUEST_METHOD"])
        except ValueError:
            return PingOutcome.NO_METHOD, 0.0
        query = environ.get("QUERY_STRING", "")
        call = read_target(f"{environ['PATH_INFO']}?{query}" if query else environ["PATH_INFO"])
        if call is None:
            return PingOutcome.NO_ADDRESS, 0.0
        wait_s = self._admit(call)
        if wait_s:
            return PingOutcome.TOO_OFTEN, wait_s
        body, size = _read_body(environ)
        if size > MAX_BODY:
            return PingOutcome.TOO_LARGE, 0.0
        request = PingRequest(
            environ["PATH_INFO"],
            method,
            environ.get("REMOTE_ADDR", ""),
            environ.get("HTTP_USER_AGENT", ""),
            body,
            size,
        )
        entry = LogEntry(PING_VERSION, self._name, [stamped(call, request, time.time_ns() // 1000)])
        payload = encode(entry)
        return (PingOutcome.ACCEPTED if self._write(payload) else PingOutcome.TRY_AGAIN), 0.0

    def _admit(self, call: PingCall) -> float:
        address = call.address.code or f"{call.address.key}/{call.address.slug}"
        with self._lock:
            now_s = time.monotonic()
            return self._rates.admit(address, now_s) or self._all.admit(_EVERYBODY, now_s)

    def _write(self, payload: bytes) -> bool:
        try:
            self._redis.execute_command("XADD", keys.PINGS, "*", keys.BODY, payload)
            return True
        except redis.RedisError as error:
            log.warning("ping.not_in_redis", error=type(error).__name__)
        try:
            # One connection per ping: used only while Redis is unavailable.
            with psycopg.connect(self._database_url, autocommit=True, connect_timeout=CONNECT_S) as connection:
                connection.execute(f"SET statement_timeout = '{STATEMENT_S}s'")
                connection.execute(SPOOL, [payload])
            return True
        except psycopg.Error as error:
            log.warning("ping.not_in_postgresql", error=type(error).__name__)
            return False


def _read_body(environ: dict[str, Any]) -> tuple[bytes, int]:
    """The stored part of a body, and its full size. The rest is read and dropped, up to a limit."""
    stream = environ.get("wsgi.input")
    if stream is None:
        return b"", 0
    kept, size = bytearray(), 0
    while size <= MAX_BODY:
        piece = stream.read(65_536)
        if not piece:
            break
        size += len(piece)
        kept += piece[: max(0, BODY_LIMIT - len(kept))]
    return bytes(kept), size
