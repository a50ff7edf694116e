"""Fake alert receivers: one address that answers as each provider would.

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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from vigil.demo.exchange import ServedAnswer, ServedRequest, ServerConnection

#: Requests kept in full; of others only the number is known.
KEPT = 50_000


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request and its time; `body` is decoded by its content type."""

    at_s: float
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
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
    """A scripted answer. `hang`: no answer; `cut`: the connection closes after the request."""

    code: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False


_numbers = itertools.count(1)


def _telegram(took: ReceivedRequest) -> ReceiverReply:
    return ReceiverReply(200, {"ok": True, "result": {"message_id": next(_numbers)}})


def _slack(took: ReceivedRequest) -> ReceiverReply:
    if took.path.startswith("/slack/api/"):
        return ReceiverReply(
            200, {"ok": True, "channel": took.body.get("channel", ""), "ts": f"17000.{next(_numbers):06}"}
        )
    return ReceiverReply(200, "ok")


#: Accepting answer of each provider, from its documentation.
PROVIDERS: dict[str, Callable[[ReceivedRequest], ReceiverReply]] = {
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
    """Keeps requests in order; all state may be read while it serves."""

    def __init__(self) -> None:
        self.took: list[ReceivedRequest] = []
        self._by_path: defaultdict[str, list[ReceivedRequest]] = defaultdict(list)
        self.count = 0
        #: Answers by path, used up in order; the last one repeats.
        self.script: defaultdict[str, deque[ReceiverReply]] = defaultdict(deque)
        self._server: asyncio.Server | None = None
        self._open: set[ServerConnection] = set()

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Session(self), "127.0.0.1", port, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.reset()

    def at(self, path: str) -> list[ReceivedRequest]:
        """Requests to a path or below it."""
        paths = [one for one in list(self._by_path) if one == path or one.startswith(f"{path}/")]
        found = [took for one in paths for took in list(self._by_path[one])]
        return found if len(paths) < 2 else sorted(found, key=lambda took: took.at_s)

    def answer(self, took: ReceivedRequest) -> ReceiverReply:
        """Keep a request and choose its answer."""
        self.count += 1
        if len(self.took) < KEPT:
            self.took.append(took)
            self._by_path[took.path].append(took)
        script = self.script.get(took.path)
        if script:
            return script.popleft() if len(script) > 1 else script[0]
        provider = PROVIDERS.get(took.path.split("/")[1])
        return provider(took) if provider else ReceiverReply()


class _Session(ServerConnection):
    """One keep-alive connection."""

    def __init__(self, receiver: AlertReceiver) -> None:
        super().__init__(receiver._open)
        self._receiver = receiver

    def asked(self, request: ServedRequest) -> None:
        query = dict(parse_qsl(request.query))
        took = ReceivedRequest(time.time(), request.method, request.path, query, request.headers, request.body)
        reply = self._receiver.answer(took)
        if reply.cut:
            self.reset()
        elif not reply.hang:
            text = reply.body if isinstance(reply.body, str) else "" if reply.body is None else json.dumps(reply.body)
            answer = ServedAnswer(reply.code, text.encode(), headers=tuple(reply.headers.items()))
            self._transport.write(answer.encode("keep-alive"))
