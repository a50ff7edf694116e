"""Webhook receiver that keeps deliveries: `python -m vigil.demo.receiver --port N`.

`POST /hook` takes deliveries signed by the Standard Webhooks specification with the secret in VIGIL_RECEIVER_SECRET,
`GET /received` lists them, and `POST /behaviour` makes the next deliveries fail.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import Annotated

import msgspec

from vigil.demo.exchange import ServedAnswer, ServedRequest, as_json, serve

SECRET_VARIABLE = "VIGIL_RECEIVER_SECRET"
#: Greatest age of a timestamp (replay protection), as the specification asks.
TIMESTAMP_TOLERANCE_S = 300
KEPT = 1000


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answer to the next `times` deliveries: `answer`, after `hang_s` seconds."""

    times: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    answer: Annotated[int, msgspec.Meta(ge=200, le=599)] = 500
    hang_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 0.0
    retry_after_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 0


class Received(msgspec.Struct, frozen=True):
    """A delivery: time, id, whether its signature is valid, and the answer."""

    received_ms: int
    id: str
    verified: bool
    problem: str
    answered: int
    body: object


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The `v1,...` signature of a delivery; raises ValueError for a secret without `whsec_`."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret must be whsec_ and base64") from error
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def fault_of(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> str:
    """Why a delivery is invalid; empty if signature and time are valid."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdecimal():
        return "webhook-id or webhook-timestamp is missing"
    if abs(now_s - int(timestamp)) > TIMESTAMP_TOLERANCE_S:
        return "webhook-timestamp is more than five minutes off"
    expected = signature(secret, message_id, timestamp, body)
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
        return "webhook-signature does not match"
    return ""


class WebhookReceiver:
    """Received deliveries and requested behaviour."""

    def __init__(self, secret: str, kept: int = KEPT) -> None:
        signature(secret, "", "", b"")
        self._secret = secret
        self._behaviour = Behaviour()
        self.received: deque[Received] = deque(maxlen=kept)

    async def respond(self, request: ServedRequest) -> ServedAnswer:
        """The answer to one request on any of the receiver's paths."""
        match request.method, request.path:
            case "POST", "/hook":
                return await self._take(request)
            case "GET", "/received":
                return ServedAnswer(200, msgspec.json.encode(list(self.received)))
            case "POST", "/behaviour":
                return self._behave(request.body)
            case "GET", "/healthz":
                return as_json(200, {"received": len(self.received)})
        return as_json(404, {"error": "only /hook, /received and /behaviour are here"})

    def _behave(self, body: bytes) -> ServedAnswer:
        try:
            self._behaviour = msgspec.json.decode(body, type=Behaviour)
        except msgspec.DecodeError as problem:
            return as_json(400, {"error": str(problem)})
        return ServedAnswer(200, msgspec.json.encode(self._behaviour))

    async def _take(self, request: ServedRequest) -> ServedAnswer:
        now_s = time.time()
        problem = fault_of(self._secret, request.headers, request.body, now_s)
        try:
            body = msgspec.json.decode(request.body)
        except msgspec.DecodeError as error:
            body, problem = None, problem or f"the body is no JSON: {error}"
        behaviour, answer = self._next_behaviour(), 401 if problem else 200
        if behaviour is not None:
            answer = behaviour.answer
        self.received.append(
            Received(
                received_ms=int(now_s * 1000),
                id=request.headers.get("webhook-id", ""),
                verified=not problem,
                problem=problem,
                answered=answer,
                body=body,
            )
        )
        if behaviour is not None and behaviour.hang_s:
            await asyncio.sleep(behaviour.hang_s)
        retry_after_s = behaviour.retry_after_s if behaviour is not None else 0
        wait = (("Retry-After", str(retry_after_s)),) if retry_after_s else ()
        return as_json(answer, {"ok": answer < 300}, *wait)

    def _next_behaviour(self) -> Behaviour | None:
        behaviour = self._behaviour
        if not behaviour.times:
            return None
        self._behaviour = msgspec.structs.replace(behaviour, times=behaviour.times - 1)
        return behaviour


async def run(port: int, secret: str) -> None:
    """Serve until SIGTERM or SIGINT; raises OSError if the port is taken, ValueError for a bad secret."""
    server = await serve(port, WebhookReceiver(secret).respond)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"webhook receiver on http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", file=sys.stderr)
    await stop.wait()
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vigil.demo.receiver", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where to listen, on 127.0.0.1")
    args = parser.parse_args()
    secret = os.environ.get(SECRET_VARIABLE, "")
    try:
        if not secret:
            raise ValueError(f"set {SECRET_VARIABLE} to the channel's secret")
        asyncio.run(run(args.port, secret))
    except (OSError, ValueError) as error:
        print(f"webhook receiver: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
