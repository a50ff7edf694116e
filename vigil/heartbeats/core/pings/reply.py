"""Ping reply: one text per outcome, the same for known and unknown addresses. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from vigil.heartbeats.core.pings.wire import BODY_LIMIT

#: Retry-After when the ping could not be written (s).
TRY_AGAIN_S = 5


@dataclass(frozen=True, slots=True)
class PingReply:
    """A short HTTP response."""

    code: int
    phrase: str
    text: str


class PingOutcome(Enum):
    """Outcome of a call."""

    ACCEPTED = PingReply(200, "OK", "OK\n")
    NO_ADDRESS = PingReply(404, "Not Found", "This is not a ping address.\n")
    NO_METHOD = PingReply(405, "Method Not Allowed", "Use GET, HEAD or POST.\n")
    TOO_OFTEN = PingReply(429, "Too Many Requests", "Too many pings to this address.\n")
    TOO_LARGE = PingReply(413, "Content Too Large", "A body may have 10 MB, of which 100 kB are stored.\n")
    HEADERS_TOO_LARGE = PingReply(431, "Request Header Fields Too Large", "The headers are too long.\n")
    UNREADABLE = PingReply(400, "Bad Request", "This is not HTTP.\n")
    TRY_AGAIN = PingReply(503, "Service Unavailable", "This ping was not stored. Try again.\n")


def headers(outcome: PingOutcome, wait_s: float = 0.0) -> list[tuple[str, str]]:
    """Headers of a response; `wait_s` becomes Retry-After."""
    found = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(outcome.value.text))),
        ("Cache-Control", "no-store"),
        ("Access-Control-Allow-Origin", "*"),
        ("Ping-Body-Limit", str(BODY_LIMIT)),
    ]
    if outcome is PingOutcome.TRY_AGAIN:
        found.append(("Retry-After", str(TRY_AGAIN_S)))
    elif outcome is PingOutcome.TOO_OFTEN:
        found.append(("Retry-After", str(max(1, math.ceil(wait_s)))))
    elif outcome is PingOutcome.NO_METHOD:
        found.append(("Allow", "GET, HEAD, POST"))
    return found


def on_wire(outcome: PingOutcome, *, head: bool = False, close: bool = False, wait_s: float = 0.0) -> bytes:
    """The response as HTTP/1.1 bytes."""
    lines = [f"HTTP/1.1 {outcome.value.code} {outcome.value.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers(outcome, wait_s)]
    lines.append("Connection: close" if close else "Connection: keep-alive")
    return ("\r\n".join(lines) + "\r\n\r\n" + ("" if head else outcome.value.text)).encode()
