"""MCP over streamable HTTP: an ASGI application that admits a host, a method and a bearer token before the SDK reads.

It keeps no session: each request carries its token, and any of several processes can answer it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request

from probes.process.health import Health
from probes.process.watch.watchdog import EVENT_LOOP, TICK_S
from vigil.client import ApiError, Unreachable
from vigil.mcp.api import CallerApi
from vigil.mcp.core.hosts import is_allowed
from vigil.mcp.core.outside_text import one_line
from vigil.mcp.server import ERROR_MOST, AssistantCaller, build_server, scopes_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
#: The API of a token, for a client at an address (peer, X-Forwarded-For).
ApiOf = Callable[[str, str, str], CallerApi]

PATH, LIVEZ = "/mcp", "/livez"
#: Calls that run at once, and requests that wait for one; more are refused (load shedding).
THREADS, WAITING_MOST = 12, 100
#: Bytes of a request: the longest holds a document of `plan_config`.
BODY_MOST = 1_000_000
#: Longest wait for the scopes of a token, and for the body of a request (s).
TOKEN_S, BODY_S = 15.0, 20.0
_CALLER = "vigil.caller"
_TITLES = {401: "Not signed in", 403: "Not allowed", 408: "Too slow", 429: "Too many requests"}


def caller_of(request: Any) -> AssistantCaller:
    """The caller that was admitted with this request."""
    found: AssistantCaller = request.scope[_CALLER]
    return found


class McpApplication:
    """The ASGI application of `manage.py run mcp`. `hosts` are what a Host header may say, without ports."""

    def __init__(self, api_of: ApiOf, hosts: Sequence[str], health: Health) -> None:
        self._api_of, self._health = api_of, health
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mcp")
        self._waiting = 0
        server = build_server(caller_of, self._threads)
        self._sessions = StreamableHTTPSessionManager(
            server, json_response=True, stateless=True, max_request_body_size=BODY_MOST
        )
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"] == LIVEZ:
            await _answer(send, 200, {"alive": True})
        elif scope["path"].rstrip("/") != PATH:
            await _answer(send, 404, _problem("Not found", f"The MCP server is at {PATH}."))
        elif scope["method"] != "POST":
            # Nothing is sent without a request, and no session is held: there is nothing to listen to or to end.
            await _answer(send, 405, _problem("Method not allowed", "Use POST."), {"Allow": "POST"})
        else:
            await self._post(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        # A page in a browser could reach this server by a name of its own (DNS rebinding).
        if not is_allowed(request.headers.get("host", ""), self._hosts):
            await _answer(send, 421, _problem("Misdirected", "VIGIL_ALLOWED_HOSTS does not name this host."))
            return
        origin = request.headers.get("origin")
        if origin and not is_allowed(origin.partition("://")[2], self._hosts):
            await _answer(send, 403, _problem("Not allowed", "VIGIL_ALLOWED_HOSTS does not name this origin."))
            return
        if self._waiting >= WAITING_MOST:
            await _answer(send, 503, _problem("Busy", "Too many requests wait. Try again in a second."), _later(1))
            return
        self._waiting += 1
        try:
            scope[_CALLER] = await self._admitted(request)
            received = await _whole_body(receive)
        except _Refused as problem:
            await _answer(send, problem.status, _problem(problem.title, str(problem)), problem.headers)
            return
        else:
            await self._sessions.handle_request(scope, received, send)
        finally:
            self._waiting -= 1

    async def _admitted(self, request: Request) -> AssistantCaller:
        """The caller of this request; raises `_Refused`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _Refused(401, "Send `Authorization: Bearer vgl_...`, with a token of this installation.")
        peer = request.client.host if request.client else ""
        api = self._api_of(token.strip(), peer, ",".join(request.headers.getlist("x-forwarded-for")))
        asking = asyncio.get_running_loop().run_in_executor(self._threads, scopes_of, api)
        try:
            return AssistantCaller(api, await asyncio.wait_for(asking, TOKEN_S))
        except ApiError as problem:
            raise _Refused(problem.status, str(problem)) from None
        except (Unreachable, TimeoutError) as problem:
            raise _Refused(503, f"The token could not be checked. {problem}".strip()) from None

    async def _live(self, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            while True:
                message = await receive()
                if message["type"] == "lifespan.startup":
                    await stack.enter_async_context(self._sessions.run())
                    ticking = asyncio.get_running_loop().create_task(self._tick())
                    stack.callback(ticking.cancel)
                    await send({"type": "lifespan.startup.complete"})
                else:
                    self._threads.shutdown(wait=False, cancel_futures=True)
                    break
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        """Say that the event loop turns, until cancelled."""
        self._health.mark_ready()
        while True:
            self._health.turned(EVENT_LOOP)
            self._health.beat(waiting=self._waiting)
            await asyncio.sleep(TICK_S)


async def _whole_body(receive: Receive) -> Receive:
    """The body, read within its deadline, as the SDK receives it; raises `_Refused`. Of one that is too long as much as
    shows that."""
    body, is_more = bytearray(), True
    try:
        async with asyncio.timeout(BODY_S):
            while is_more and len(body) <= BODY_MOST:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Refused(400, "The client went away.")
                body += message.get("body", b"")
                is_more = message.get("more_body", False)
    except TimeoutError:
        raise _Refused(408, f"Send a request within {BODY_S:.0f} s.") from None
    waiting: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def received() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return received


class _Refused(Exception):
    """A request without a right token, one that has to wait, or one that does not come to its end."""

    def __init__(self, status: int, words: str) -> None:
        self.status = status
        self.title = _TITLES.get(status, "Unavailable")
        self.headers = {401: {"WWW-Authenticate": "Bearer"}, 429: _later(60), 503: _later(5)}.get(status, {})
        super().__init__(one_line(words, ERROR_MOST))


def _later(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def _problem(title: str, detail: str) -> dict[str, Any]:
    return {"title": title, "detail": detail}


async def _answer(send: Send, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    encoded = json.dumps(body).encode()
    kind = "application/json" if status < 400 else "application/problem+json"
    named = {"Content-Type": kind, "Content-Length": str(len(encoded)), **(headers or {})}
    told = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": encoded})
