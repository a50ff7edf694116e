"""ASGI front of the web process: reads bodies within a deadline, then runs Django in threads.

A slow client costs a task of the loop, never a thread: pages, API and pings answer whatever others drip.
"""

from __future__ import annotations

import asyncio
import gc
import io
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from probes.process import sentry
from probes.process.health import Health
from probes.process.watch.standstill import LoopKind
from probes.process.watch.watchdog import EVENT_LOOP, Watchdog, tick
from vigil.heartbeats.core.pings import reply
from vigil.heartbeats.core.pings.wire import BODY_LIMIT
from vigil.heartbeats.receiving.asgi import PREFIX, AsgiPings
from vigil.problems.codes import code_of_status
from vigil.problems.encoding import encoded, is_api
from vigil.problems.problem import MEDIA_TYPE, Problem
from vigil.problems.request_ids import HEADER, request_id_of
from vigil.web.serving.bodies import Bodies, Disconnected, Receive, Refused, Scope, linger
from vigil.web.serving.status_pages import PAGE_DOMAIN, StatusPages

Send = Callable[[dict[str, Any]], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]

#: Answered by the event loop alone, also while the database is away and all threads wait for it.
LIVEZ = "/livez"
#: The same, and 503 until the status pages are known. It stays 200 while the database is away, and they are served.
STARTZ = "/startz"
THREADS = 8
#: Requests that wait for a thread; more are refused (load shedding).
MAX_WAITING = 512
#: Bytes of a body: of a ping, and of anything else.
MAX_PING, MAX_BODY = 10_000_000, 4_000_000
#: New objects between two collections; a page of the overview makes about as many.
_YOUNG_MOST = 20_000
#: Pages that a supervisor asks for: they have a thread of their own.
HEALTH = frozenset({"/healthz", "/readyz"})


class WebServer:
    """The ASGI application of the web process."""

    def __init__(self, pages: Wsgi, pings: AsgiPings, status: StatusPages) -> None:
        self._pages, self._pings, self._status = pages, pings, status
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="web")
        self._health_thread = ThreadPoolExecutor(1, thread_name_prefix="web-health")
        self._waiting = 0
        self._bodies = Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        scope = self._status.placed(scope)
        if scope["path"] == LIVEZ:
            await _send(scope, send, (200, [], b"alive\n"))
            return
        if scope["path"] == STARTZ:
            has_begun = self._status.knows_pages()
            await _send(scope, send, (200, [], b"ready\n") if has_begun else (503, [], b"not yet\n"))
            return
        published = self._status.answer(scope)
        if published is not None:
            await _send(scope, send, published)
            return
        try:
            answer = await self._answer(scope, receive)
        except Refused as refused:
            await _send(scope, send, refusal(scope, refused), more=True)
            if refused.unread:
                await linger(receive)
            await send({"type": "http.response.body", "body": b""})
        except Disconnected:
            return
        except Exception as error:
            # The server that calls us only logs it.
            sentry.report(error)
            raise
        else:
            await _send(scope, send, answer)

    async def _live(self, receive: Receive, send: Send) -> None:
        watchdog, ticking = self._watch_the_loop()
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._pings.start()
                self._status.start()
                _spare_the_collector()
                await send({"type": "lifespan.startup.complete"})
            else:
                watchdog.stop()
                ticking.cancel()
                await self._pings.stop()
                await self._status.stop()
                for threads in (self._threads, self._health_thread):
                    threads.shutdown(wait=False, cancel_futures=True)
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _watch_the_loop(self) -> tuple[Watchdog, asyncio.Task[None]]:
        """End this process when its event loop stands still; the server starts another."""
        health = Health("web", stale_after_s=15)
        health.mark_ready()
        watchdog = Watchdog(health, {EVENT_LOOP: LoopKind.THREAD})
        watchdog.start()
        return watchdog, asyncio.get_running_loop().create_task(tick(health))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["path"].startswith(PREFIX):
            return await self._ping(scope, receive)
        body = await self._bodies.read(scope, receive, MAX_BODY, MAX_BODY)
        try:
            return await self._in_thread(scope, bytes(body.buffered))
        finally:
            self._bodies.release(body)

    async def _ping(self, scope: Scope, receive: Receive) -> Answer:
        search = self._pings.search(scope)
        try:
            body = await self._bodies.read(scope, receive, MAX_PING, BODY_LIMIT, search.feed)
        except (Refused, Disconnected):
            self._pings.take_failure(scope)
            raise
        try:
            outcome, wait_s = await self._pings.take(scope, bytes(body.buffered), body.size, search.found)
        finally:
            self._bodies.release(body)
        return outcome.value.code, reply.headers(outcome, wait_s), outcome.value.text.encode()

    async def _in_thread(self, scope: Scope, body: bytes) -> Answer:
        loop, environ = asyncio.get_running_loop(), environ_of(scope, body)
        if scope["path"] in HEALTH:
            return await loop.run_in_executor(self._health_thread, respond, self._pages, environ)
        if self._waiting >= MAX_WAITING:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, unread=False)
        self._waiting += 1
        try:
            return await loop.run_in_executor(self._threads, respond, self._pages, environ)
        finally:
            self._waiting -= 1


def _spare_the_collector() -> None:
    """Exclude what the start has made from collection, and collect less often: a full one stops every page at once."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_MOST, 20, 20)


async def _send(scope: Scope, send: Send, answer: Answer, more: bool = False) -> None:
    status, headers, body = answer
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body, "more_body": more})


def refusal(scope: Scope, refused: Refused) -> Answer:
    """The answer to a request whose body is not read to its end, so that its connection cannot be used again."""
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
    request_id, kind, body = request_id_of(given), "text/plain", f"{refused}\n".encode()
    if is_api(scope["path"]):
        problem = Problem(code_of_status(refused.status), f"{refused}.")
        kind, body = MEDIA_TYPE, encoded(problem, scope["path"], request_id)
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), (HEADER, request_id)]
    return int(refused.status), [*headers, ("Connection", "close")], body


def respond(application: Wsgi, environ: dict[str, Any]) -> Answer:
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
        PAGE_DOMAIN: scope.get(PAGE_DOMAIN, ""),
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
