"""Request bodies: read within a deadline and a size, and buffered within a sum for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

#: A body arrives within this (s).
BODY_S = 20.0
#: How long the rest of a refused body is still taken, so that the client can read the answer (lingering close, s).
LINGER_S = 2.0
#: Bytes buffered of all bodies, and the beginning of each that does not count.
MAX_BUFFERED, FREE_BYTES = 64_000_000, 16_384


class Refused(Exception):
    """A request that is not dealt with, and mostly `unread`: not all of its body has arrived."""

    def __init__(self, status: HTTPStatus, unread: bool = True) -> None:
        super().__init__(status.phrase)
        self.status = status
        self.unread = unread


class Disconnected(Exception):
    """The client has gone before its request was complete."""


@dataclass(eq=False)
class Body:
    """A body that arrives: `buffered` may be cut, `size` is all that came."""

    deadline: asyncio.Timeout
    buffered: bytearray = field(default_factory=bytearray)
    size: int = 0
    #: Called with each piece, also with those that are not buffered.
    hears: Callable[[bytes], None] | None = None

    @property
    def counted(self) -> int:
        return max(0, len(self.buffered) - FREE_BYTES)


class Bodies:
    """Bodies of a server; where they are too many bytes together, the oldest that is incomplete makes room."""

    def __init__(self) -> None:
        self._arriving: dict[Body, None] = {}
        self.buffered = 0

    async def read(
        self, scope: Scope, receive: Receive, most: int, keep: int, hears: Callable[[bytes], None] | None = None
    ) -> Body:
        """A whole body of at most `most` bytes, of which `keep` are buffered; `release` it. Raises `Refused`."""
        if _announced(scope) > most:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = Body(asyncio.timeout(BODY_S), hears=hears)
        try:
            async with body.deadline:
                self._arriving[body] = None
                await self._take(body, receive, most, keep)
        except TimeoutError:
            self.release(body)
            raise Refused(HTTPStatus.REQUEST_TIMEOUT) from None
        except BaseException:
            self.release(body)
            raise
        finally:
            self._arriving.pop(body, None)
        return body

    def release(self, body: Body) -> None:
        """Forget a body that was dealt with."""
        self.buffered -= body.counted
        body.buffered.clear()

    async def _take(self, body: Body, receive: Receive, most: int, keep: int) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise Disconnected
            piece = message.get("body", b"")
            body.size += len(piece)
            if body.hears is not None:
                body.hears(piece)
            if body.size > most:
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            before = body.counted
            body.buffered += piece[: max(0, keep - len(body.buffered))]
            self.buffered += body.counted - before
            more = bool(message.get("more_body"))
            if self.buffered > MAX_BUFFERED and body.counted > before:
                self._make_room()

    def _make_room(self) -> None:
        """End the oldest incomplete bodies; they say so as if their time were over."""
        excess = self.buffered - MAX_BUFFERED
        now_s = asyncio.get_running_loop().time()
        for oldest in list(self._arriving):
            if excess <= 0:
                return
            if oldest.counted:
                excess -= oldest.counted
                oldest.deadline.reschedule(now_s)
                del self._arriving[oldest]
        if excess > 0:
            # The rest waits for a thread, and is complete.
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE)


async def linger(receive: Receive) -> None:
    """Take what a refused client still sends, for a moment, and forget it."""
    try:
        async with asyncio.timeout(LINGER_S):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
    except TimeoutError:
        return


def _announced(scope: Scope) -> int:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0
