"""PostgreSQL prober: sends the startup message and stops before the password.

No login, no query, no session. The first answer already tells a healthy server from one that starts or is full.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import msgspec

from probes.net.failures import ProtocolBroken
from probes.net.stream import Endpoint, Stream, open_stream
from probes.net.targets import parse_host
from probes.prober import Observation, ProbeContext, Prober, SpecError
from probes.reasons import Reason, Status
from probes.specs.endpoint import validate_endpoint

_PROTOCOL_3_0 = 196_608
_MESSAGE_MOST = 16_384
_NAME_MOST = 63
_GOODBYE = b"X\x00\x00\x00\x04"
#: SQLSTATE -> what it means; in our words, since the server's are in its own language.
_STATES: Mapping[str, tuple[Status, Reason, str]] = {
    "57P03": (Status.DEGRADED, Reason.LOADING, "it is starting up or recovering"),
    "53300": (Status.DEGRADED, Reason.OVERLOADED, "it has as many connections as it takes"),
    "57P01": (Status.DOWN, Reason.REFUSED, "it is shutting down"),
    "57P02": (Status.DOWN, Reason.REFUSED, "it has crashed and restarts"),
    "3D000": (Status.DOWN, Reason.CONFIG, "there is no such database"),
}
#: Class of SQLSTATEs of a healthy server that refuses us: no password was given, or it requires TLS.
_NOT_ADMITTED = "28"


class PostgresqlSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask `host` at `port` for a connection of `user` to `database`. It takes no secret: the check does not log in."""

    host: str
    port: int = 5432
    user: str = "vigil"
    database: str = "postgres"


def validate(spec: PostgresqlSpec) -> None:
    validate_endpoint(spec.host, spec.port, ())
    for field in ("user", "database"):
        value = getattr(spec, field)
        if not 1 <= len(value) <= _NAME_MOST or not value.isprintable():
            raise SpecError(field, f"has 1 to {_NAME_MOST} printable characters")


def validate_secrets(secrets: Mapping[str, str]) -> None:
    if secrets:
        raise SpecError("secrets", "a PostgreSQL monitor has none: it stops before the password")


async def probe(spec: PostgresqlSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Send the startup message, read the first answer, and terminate."""
    endpoint = Endpoint(parse_host(spec.host)[0], spec.port)
    async with open_stream(context.dialer, endpoint, context.trace) as stream:
        context.trace.begin("first_byte")
        stream.send(_startup(spec))
        kind, body = await _message(stream)
        context.trace.answered()
        stream.send(_GOODBYE)
    status, reason, detail = _meaning(kind, body)
    return Observation(status, reason, context.trace.phases(), 0, detail, {"address": context.trace.address})


def _startup(spec: PostgresqlSpec) -> bytes:
    parameters = ("user", spec.user, "database", spec.database, "application_name", "vigil")
    body = struct.pack("!i", _PROTOCOL_3_0) + b"".join(text.encode() + b"\x00" for text in parameters) + b"\x00"
    return struct.pack("!i", len(body) + 4) + body


async def _message(stream: Stream) -> tuple[bytes, bytes]:
    head = await stream.take(5)
    length = struct.unpack("!i", head[1:])[0] - 4
    if head[:1] not in (b"R", b"E", b"v") or not 0 <= length <= _MESSAGE_MOST:
        raise ProtocolBroken("the answer is not PostgreSQL's")
    return head[:1], await stream.take(length)


def _meaning(kind: bytes, body: bytes) -> tuple[Status, Reason, str]:
    if kind != b"E":
        return Status.UP, Reason.OK, ""
    fields = {field[:1]: field[1:].decode("ascii", "replace") for field in body.split(b"\x00") if field}
    state = fields.get(b"C", "")
    if state.startswith(_NOT_ADMITTED):
        return Status.UP, Reason.OK, ""
    if state in _STATES:
        status, reason, words = _STATES[state]
        return status, reason, f"SQLSTATE {state}: {words}"
    shown = state if len(state) == 5 and state.isalnum() else "?"
    return Status.DOWN, Reason.VALUE_MISMATCH, f"SQLSTATE {shown}: it refuses the connection"


PROBER = Prober(PostgresqlSpec, validate, validate_secrets, probe)
