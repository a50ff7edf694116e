"""Transports of MCP: streamable HTTP, and HTTP+SSE of 2024-11-05, where answers come over a stream of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urljoin

from probes.ai.mcp.messages import Ask, GrowingStream, Reply, message_in
from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.http.location import follow, location_of
from probes.net.http.reader import AnswerReader
from probes.net.http1 import exchange
from probes.net.http_messages import BODY_LIMIT_MOST, Header, Request, Response, head_of
from probes.net.stream import Endpoint, Stream, open_stream
from probes.net.targets import BadTarget, Target, parse_url
from probes.net.tls.options import HTTP_ALPN
from probes.prober import ProbeContext
from probes.specs.tls import TlsFields, server_name_of, tls_options_of

#: How long a stream is read for an answer (s); the deadline of the check comes sooner.
_STREAM_S = 60.0
_EVENTS = "text/event-stream"
_OK = 200
#: Redirects that keep method and body, and how many in a row are followed.
_MOVED, _REDIRECTS_MOST = frozenset({307, 308}), 3
#: An answer beyond this (bytes) is read in a thread, so that other checks go on meanwhile.
THREAD_FROM = 131_072


class Transport(Protocol):
    """Carries requests and their answers. Raises what `probes.net.failures.explain` knows."""

    async def send(self, ask: Ask) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Way:
    """How a server is reached: its address and TLS, and the headers that say who asks."""

    url: str
    tls: TlsFields
    secrets: Mapping[str, str]
    headers: tuple[Header, ...]
    context: ProbeContext

    def request(self, ask: Ask, target: Target | None = None) -> Request:
        """The request on the wire; what goes to another address than the endpoint's own has nothing secret in it."""
        elsewhere = parse_url(ask.url) if ask.url else None
        return Request(
            elsewhere or target or parse_url(self.url),
            ask.method,
            ask.headers if elsewhere else (*ask.headers, *self.headers),
            ask.body,
            tls_options_of(self.tls, {} if elsewhere else self.secrets, HTTP_ALPN),
            self.tls.server_name,
            BODY_LIMIT_MOST,
            stream_s=_STREAM_S,
            growth=1.0,
        )


class _AwaitedAnswer:
    """The answer that a stream is read for, looked for in what is new of it only."""

    def __init__(self, ask_id: str) -> None:
        self._id = ask_id
        self._stream = GrowingStream()
        self.found: Mapping[str, Any] | None = None

    def __call__(self, body: bytes | bytearray) -> bool:
        self.found = self.found or self._stream.answer(body, self._id)
        return self.found is not None


class HttpTransport:
    """Streamable HTTP: each request is answered by itself, in JSON or in a stream.

    A redirect that keeps the method and the host is followed, as clients do: older servers lead from /mcp to /mcp/.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._target: Target | None = None

    async def send(self, ask: Ask) -> Reply:
        awaited = _AwaitedAnswer(ask.id)
        try:
            answer = await self._asked(ask, awaited)
            for _ in range(_REDIRECTS_MOST):
                target = None if ask.url else _moved_to(answer, self._target or parse_url(self._way.url))
                if target is None:
                    break
                self._target = target
                answer = await self._asked(ask, awaited)
        except BadTarget:
            # The server named an address that cannot be dialled.
            return Reply(0)
        kind = answer.header("content-type") or ""
        message = awaited.found
        if message is None and ask.id:
            is_large = len(answer.body) >= THREAD_FROM
            arguments = answer.body, kind, ask.id
            message = await asyncio.to_thread(message_in, *arguments) if is_large else message_in(*arguments)
        cut = answer.truncated and message is None and not answer.stream
        return Reply(answer.code, answer.headers, message, answer.body, cut)

    async def _asked(self, ask: Ask, awaited: _AwaitedAnswer) -> Response:
        request = replace(self._way.request(ask, self._target), enough=awaited if ask.id else None)
        return await exchange(request, self._way.context.dialer, self._way.context.trace)


def _moved_to(answer: Response, here: Target) -> Target | None:
    """Where an answer sends the same request on the same host; None for any other answer."""
    location = location_of(answer.headers) if answer.code in _MOVED else None
    try:
        target = follow(here, location).target if location is not None else None
    except BadTarget:
        return None
    return target if target is not None and target.origin == here.origin else None


class EventStreamTransport:
    """HTTP+SSE: a stream is opened first, names the address for requests, and brings every answer."""

    def __init__(self, way: Way, stack: AsyncExitStack) -> None:
        self._way = way
        self._stack = stack
        self._stream: Stream | None = None
        self._request = Request(parse_url(way.url))
        self._reader = AnswerReader(self._request)
        self._target: Target | None = None
        self._events = GrowingStream()

    async def send(self, ask: Ask) -> Reply:
        if ask.url:
            return await HttpTransport(self._way).send(ask)
        if self._stream is None:
            refused = await self._open()
            if refused is not None:
                return refused
        if ask.method == "DELETE":
            # Closing the stream ends the session.
            return Reply(_OK)
        request = self._way.request(ask, self._target)
        answer = await exchange(request, self._way.context.dialer, self._way.context.trace)
        if not 200 <= answer.code < 300 or not ask.id:
            return Reply(answer.code, answer.headers, None, answer.body)
        while (message := self._events.answer(self._heard(), ask.id)) is None:
            await self._more()
        return Reply(_OK, answer.headers, message)

    async def _open(self) -> Reply | None:
        """Open the stream and wait for its first event; the answer where it is no stream."""
        way, target = self._way, parse_url(self._way.url)
        ask = Ask("GET", headers=(("Accept", _EVENTS),))
        self._request = replace(way.request(ask), enough=lambda body: False)
        self._reader = AnswerReader(self._request)
        tls = tls_options_of(way.tls, way.secrets, HTTP_ALPN) if target.secure else None
        endpoint = Endpoint(target.host, target.port, tls, server_name_of(way.tls, target.host))
        stream = await self._stack.enter_async_context(open_stream(way.context.dialer, endpoint, way.context.trace))
        way.context.trace.begin("first_byte")
        stream.send(head_of(self._request))
        self._stream = stream
        while self._reader.head is None:
            await self._more()
        way.context.trace.answered()
        if self._reader.head.code != _OK or not self._is_stream():
            while not self._reader.complete:
                await self._more()
            answer = self._reader.answer()
            self._stream = None
            return Reply(answer.code, answer.headers, None, answer.body)
        while (address := self._named_address()) is None:
            await self._more()
        self._target = self._endpoint(address)
        return None

    def _named_address(self) -> str | None:
        """The address for requests, if it is among the new events."""
        named = (text for name, text in self._events.events(self._heard()) if name == "endpoint")
        address = next(named, None)
        return None if address is None else address.decode("utf-8", "replace").strip()

    def _is_stream(self) -> bool:
        assert self._reader.head is not None
        return any(
            name == "content-type" and value.lower().startswith(_EVENTS) for name, value in self._reader.head.headers
        )

    def _endpoint(self, address: str) -> Target:
        """Where requests go: on the same host, since they carry the token. Raises ProtocolBroken."""
        own = parse_url(self._way.url)
        try:
            target = parse_url(urljoin(self._way.url, address))
        except (BadTarget, ValueError):
            raise ProtocolBroken("the address for requests that the server names is none") from None
        if target.origin != own.origin:
            raise ProtocolBroken("the server names an address for requests on another host")
        return target

    def _heard(self) -> bytes | bytearray:
        return self._reader.body_so_far

    async def _more(self) -> None:
        """Read on. Raises ClosedEarly at the end of the stream, TooLarge beyond 1 MiB."""
        assert self._stream is not None
        if self._reader.complete:
            if len(self._heard()) >= BODY_LIMIT_MOST:
                raise TooLarge("a stream of more than 1 MiB before the answer")
            raise ClosedEarly("the stream ended before the answer came")
        came = await self._stream.more()
        if came:
            self._reader.feed(came)
        else:
            self._reader.close()
