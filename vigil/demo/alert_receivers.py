"""A stand-in for every alert provider: takes what channels send, on one address, and answers as each provider would.

    receiver = AlertReceiver(); port = await receiver.start()

The first part of a path says who is played: `/hook/...`, `/slack/...`, `/telegram/...`; its answer is that provider's.
Connections are kept open, as real providers keep them. What to answer instead can be scripted for a path.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httptools

#: Requests kept whole; of the others only the number is known.
KEPT = 50_000
BODY_LIMIT = 2_000_000


@dataclass(frozen=True, slots=True)
class Took:
    """One request as it came, and when; `body` is what its content type says, bytes where that says nothing."""

    at_s: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        kind = self.headers.get("content-type", "")
        if "json" in kind:
            return json.loads(self.raw)
        if "x-www-form-urlencoded" in kind:
            return dict(parse_qsl(self.raw.decode()))
        return self.raw


@dataclass(frozen=True, slots=True)
class ReceiverReply:
    """A scripted answer. With `hang`, none at all; with `cut`, the connection is closed once the request is in."""

    code: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False


_numbers = itertools.count(1)


def _telegram(took: Took) -> ReceiverReply:
    return ReceiverReply(200, {"ok": True, "result": {"message_id": next(_numbers)}})


def _slack(took: Took) -> ReceiverReply:
    if took.path.startswith("/slack/api/"):
        return ReceiverReply(
            200, {"ok": True, "channel": took.body.get("channel", ""), "ts": f"17000.{next(_numbers):06}"}
        )
    return ReceiverReply(200, "ok")


#: What each provider answers to what it accepts, as its documentation shows it.
PROVIDERS: dict[str, Callable[[Took], ReceiverReply]] = {
    "slack": _slack,
    "telegram": _telegram,
    "pagerduty": lambda took: ReceiverReply(
        202, {"status": "success", "message": "Event processed", "dedup_key": took.body.get("dedup_key")}
    ),
    "jsm": lambda took: ReceiverReply(202, {"result": "Request will be processed", "took": 0.1, "requestId": "r"}),
    "discord": lambda took: ReceiverReply(200, {"id": str(next(_numbers)), "type": 0}),
    "teams": lambda took: ReceiverReply(202),
    "google": lambda took: ReceiverReply(200, {"name": f"spaces/A/messages/{next(_numbers)}"}),
    "ntfy": lambda took: ReceiverReply(200, {"id": f"n{next(_numbers)}", "event": "message"}),
    "twilio": lambda took: ReceiverReply(201, {"sid": f"SM{next(_numbers)}", "status": "queued"}),
}


class AlertReceiver:
    """Keeps what it is sent, in order. Everything it has may be read while it serves."""

    def __init__(self) -> None:
        self.took: list[Took] = []
        self._by_path: defaultdict[str, list[Took]] = defaultdict(list)
        self.count = 0
        #: Answers by path, used up in order; the last one stays.
        self.script: defaultdict[str, deque[ReceiverReply]] = defaultdict(deque)
        self._server: asyncio.Server | None = None
        self._open: set[_Session] = set()

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Session(self), "127.0.0.1", port, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for session in list(self._open):
            session.close()

    def at(self, path: str) -> list[Took]:
        """What came to a path or below it."""
        paths = [one for one in list(self._by_path) if one == path or one.startswith(f"{path}/")]
        found = [took for one in paths for took in list(self._by_path[one])]
        return found if len(paths) < 2 else sorted(found, key=lambda took: took.at_s)

    def answer(self, took: Took) -> ReceiverReply:
        """Keep a request and say what to answer."""
        self.count += 1
        if len(self.took) < KEPT:
            self.took.append(took)
            self._by_path[took.path].append(took)
        script = self.script.get(took.path)
        if script:
            return script.popleft() if len(script) > 1 else script[0]
        provider = PROVIDERS.get(took.path.split("/")[1])
        return provider(took) if provider else ReceiverReply()


class _Session(asyncio.Protocol):
    """One connection; a request is answered before the next is read."""

    def __init__(self, receiver: AlertReceiver) -> None:
        self._receiver = receiver
        self._transport: asyncio.Transport | None = None
        self._reset()
        self._parser = httptools.HttpRequestParser(self)

    def _reset(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._receiver._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._receiver._open.discard(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        if len(self._body) + len(body) > BODY_LIMIT:
            self.close()
            return
        self._body += body

    def on_message_complete(self) -> None:
        parts = urlsplit(self._url.decode("latin-1"))
        took = Took(
            at_s=time.time(),
            method=self._parser.get_method().decode(),
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers=self._headers,
            raw=self._body,
        )
        self._reset()
        self._write(self._receiver.answer(took))

    def _write(self, say: ReceiverReply) -> None:
        if say.hang or self._transport is None:
            return
        if say.cut:
            self.close()
            return
        body = (
            b""
            if say.body is None
            else say.body.encode()
            if isinstance(say.body, str)
            else json.dumps(say.body).encode()
        )
        head = [f"HTTP/1.1 {say.code} X", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in say.headers.items()]
        self._transport.write("\r\n".join([*head, "", ""]).encode() + body)
