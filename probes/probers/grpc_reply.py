"""Reply to a gRPC health check, and what it says: a status, a reason and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from probes.net.grpc import health
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding

#: grpc-status codes with a reason of their own.
_REASONS: Mapping[int, tuple[Status, Reason, str]] = {
    4: (Status.DOWN, Reason.TIMEOUT, "the server's own deadline passed"),
    5: (Status.DOWN, Reason.CONFIG, "the server does not know this service"),
    7: (Status.DOWN, Reason.AUTH, "permission denied"),
    8: (Status.DEGRADED, Reason.RATE_LIMITED, "resources exhausted"),
    12: (Status.DOWN, Reason.CONFIG, "the server has no health service"),
    14: (Status.DOWN, Reason.HTTP_5XX, "unavailable"),
    16: (Status.DOWN, Reason.AUTH, "not authenticated"),
}
#: What a proxy means by the code of its own answer, where there is no grpc-status.
_PROXY_REASONS: Mapping[str, tuple[Status, Reason]] = {
    "401": (Status.DOWN, Reason.AUTH),
    "403": (Status.DOWN, Reason.AUTH),
    "404": (Status.DOWN, Reason.CONFIG),
    "429": (Status.DEGRADED, Reason.RATE_LIMITED),
}


@dataclass(slots=True)
class GrpcReply:
    """The answer so far: its headers and trailers, and its body (bytes)."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False


def finding_of(reply: GrpcReply, has_credential: bool) -> tuple[Finding, int, str]:
    """The finding, the grpc-status (-1 without one), and the serving status by name."""
    http_status, kind = reply.headers.get(":status", ""), reply.headers.get("content-type", "")
    text = reply.headers.get("grpc-status", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        return _without_status(http_status, kind, has_credential), -1, ""
    code = int(text)
    if code:
        status, reason, words = _REASONS.get(code, (Status.DOWN, Reason.HTTP_5XX, "the call failed"))
        return (status, _refusal(reason, has_credential), f"grpc-status {code}: {words}"), code, ""
    try:
        serving = health.serving_status(reply.body, reply.headers.get("grpc-encoding", ""))
    except health.BadMessage as problem:
        return (Status.DOWN, Reason.PROTOCOL_ERROR, str(problem)), 0, ""
    name = health.STATUS_NAMES.get(serving, str(serving))
    if serving == health.SERVING:
        return PASSED, 0, name
    if serving == health.SERVICE_UNKNOWN:
        return (Status.DOWN, Reason.CONFIG, f"the server does not know this service ({name})"), 0, name
    return (Status.DOWN, Reason.VALUE_MISMATCH, f"the service says {name}"), 0, name


def _without_status(http_status: str, kind: str, has_credential: bool) -> Finding:
    """An answer without grpc-status: mostly that of a proxy in between."""
    shown = f" with {kind.partition(';')[0][:40]}" if kind and not kind.startswith("application/grpc") else ""
    if http_status == "200":
        return Status.DOWN, Reason.PROTOCOL_ERROR, f"an answer{shown} without grpc-status: not gRPC"
    status, reason = _PROXY_REASONS.get(http_status, (Status.DOWN, Reason.UNEXPECTED_STATUS))
    if http_status[:1] == "5":
        reason = Reason.HTTP_5XX
    detail = f"HTTP status {http_status[:3]}{shown} instead of a gRPC answer: a proxy's own?"
    return status, _refusal(reason, has_credential), detail


def _refusal(reason: Reason, has_credential: bool) -> Reason:
    """Where no credential was sent, none was refused: no client gets in."""
    return Reason.HTTP_4XX if reason is Reason.AUTH and not has_credential else reason
