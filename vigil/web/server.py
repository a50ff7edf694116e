"""ASGI front of the web process: reads bodies within a deadline, then runs Django in threads.

A slow client costs a task of the loop, never a thread: pages, API and pings answer whatever others drip.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from probes.process import sentry
from vigil.heartbeats.core import reply
from vigil.heartbeats.core.wire import BODY_LIMIT
from vigil.heartbeats.receiving.asgi import PREFIX, AsgiPings

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]

THREADS = 8
#: Requests that wait for a thread; more are refused (load shedding).
MAX_WAITING = 512
#: A body arrives within this (s), and has at most so many bytes: of a ping, and of anything else.
BODY_S = 20.0
MAX_PING, MAX_BODY = 10_000_000, 4_000_000
#: Bytes buffered of all bodies, and the beginning of each that does not count.
MAX_BUFFERED, FREE_BYTES = 64_000_000, 16_384


class Refused(Exception):
    """A request that is answered without being read to its end."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Disconnected(Exception):
    """The client has gone before its request was complete."""


class WebServer:
    """The ASGI application of the web process."""

    def __init__(self, pages: Wsgi, pings: AsgiPings) -> None:
        self._pages, self._pings = pages, pings
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="web")
        self._waiting = 0
        self._buffered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            status, headers, body = await self._answer(scope, receive)
        except Refused as refused:
            status, body = int(refused.status), f"{refused}\n".encode()
            headers = [("Content-Type", "text/plain"), ("Connection", "close"), ("Content-Length", str(len(body)))]
        except Disconnected:
            return
        except Exception as error:
            # The server that calls us only logs it.
            sentry.report(error)
            raise
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._pings.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._pings.stop()
                self._threads.shutdown(wait=False, cancel_futures=True)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
        if scope["path"].startswith(PREFIX):
            return await self._ping(scope, receive)
        buffered = bytearray()
        try:
            async for piece in self._pieces(scope, receive, MAX_BODY):
                self._buffer(buffered, piece)
            return await self._in_thread(environ_of(scope, bytes(buffered)))
        finally:
            self._buffered -= max(0, len(buffered) - FREE_BYTES)

    async def _ping(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
        buffered, size = bytearray(), 0
        try:
            async for piece in self._pieces(scope, receive, MAX_PING):
                size += len(piece)
                self._buffer(buffered, piece[: max(0, BODY_LIMIT - len(buffered))])
            outcome, wait_s = await self._pings.take(scope, bytes(buffered), size)
        finally:
            self._buffered -= max(0, len(buffered) - FREE_BYTES)
        return outcome.value.code, reply.headers(outcome, wait_s), outcome.value.text.encode()

    async def _pieces(self, scope: Scope, receive: Receive, most: int) -> Any:
        """The pieces of a body, all of them within the deadline; raises `Refused`."""
        if _announced(scope) > most:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        size = 0
        ends_s = asyncio.get_running_loop().time() + BODY_S
        while True:
            try:
                async with asyncio.timeout_at(ends_s):
                    message = await receive()
            except TimeoutError:
                raise Refused(HTTPStatus.REQUEST_TIMEOUT) from None
            if message["type"] != "http.request":
                raise Disconnected
            piece = message.get("body", b"")
            size += len(piece)
            if size > most:
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            yield piece
            if not message.get("more_body"):
                return

    def _buffer(self, buffered: bytearray, piece: bytes) -> None:
        before = max(0, len(buffered) - FREE_BYTES)
        after = max(0, len(buffered) + len(piece) - FREE_BYTES)
        if after > before and self._buffered + after - before > MAX_BUFFERED:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        buffered += piece
        self._buffered += after - before

    async def _in_thread(self, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
        if self._waiting >= MAX_WAITING:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, respond, self._pages, environ)
        finally:
            self._waiting -= 1


def respond(application: Wsgi, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
    """Status, headers and the whole body of a WSGI application's answer."""
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
        started.append((status, headers))

    result = application(environ, start_response)
    try:
        body = b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    status, headers = started[-1]
    return int(status.split(" ", 1)[0]), headers, body


def environ_of(scope: Scope, body: bytes) -> dict[str, Any]:
    """A request as WSGI has it (PEP 3333); header names with an underscore are left out, since they could pose as
    those with a hyphen."""
    host, port = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": scope["client"][0] if scope.get("client") else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper(), raw_value.decode("latin-1")
        if "_" in name:
            continue
        key = name.replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _announced(scope: Scope) -> int:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0
