"""gRPC prober: the standard health check, `grpc.health.v1.Health/Check`, with h2 over our own connection."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from probes.assertions.answer import AnswerView
from probes.assertions.kinds import CertificateDays, Latency
from probes.net.certificates import read
from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.stream import Endpoint, Stream, UnverifiedCertificate, open_stream
from probes.net.targets import parse_host
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding, judged, validate_endpoint
from probes.specs.http import secret_headers, validate_secrets
from probes.specs.tls import TlsFields, server_name_of, tls_options_of, validate_tls
from probes.wire import Fact

_PATH = "/grpc.health.v1.Health/Check"
_SERVICE = re.compile(r"[A-Za-z0-9_.\-/]{0,200}\Z")
#: Largest answer (bytes, framing included): a health check needs far less, and frames cost more CPU than their size.
_ANSWER_MOST = 32_768
_HEADERS_MOST = 16_384
#: Bytes of a frame header; a server's first frame is SETTINGS.
_FRAME_HEAD = 9
_SETTINGS = 4
_SERVING_STATUS = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_SERVING = 1
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


class GrpcSpec(TlsFields, frozen=True, kw_only=True):
    """Ask the health of `service` ("" is the whole server) at `host` and `port`; without TLS when `tls` is off.

    Secrets go out as metadata: `bearer`, `basic`, `header.<Name>`; `client_certificate` with `client_key` (PEM).
    """

    host: str
    port: int = 443
    tls: bool = True
    service: str = ""
    assertions: tuple[Latency | CertificateDays, ...] = ()


def validate(spec: GrpcSpec) -> None:
    validate_endpoint(spec.host, spec.port, spec.assertions)
    if not _SERVICE.match(spec.service):
        raise SpecError("service", "is the full name of a service, like package.Service, or empty")
    validate_tls(spec)


@dataclass(slots=True)
class _Reply:
    """The answer so far."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False


async def probe(spec: GrpcSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Ask once and close."""
    host = parse_host(spec.host)[0]
    options = tls_options_of(spec, secrets, "h2") if spec.tls else None
    facts: dict[str, Fact] = {}
    try:
        async with open_stream(
            context.dialer, Endpoint(host, spec.port, options, server_name_of(spec, host)), context.trace
        ) as stream:
            if stream.tls is not None and stream.tls.selected_alpn_protocol() not in ("h2", None):
                raise ProtocolBroken("the server does not speak HTTP/2")
            reply = await _call(spec, secrets, context, stream)
            der = stream.tls.getpeercert(binary_form=True) if stream.tls is not None else None
    except UnverifiedCertificate as error:
        facts["address"] = context.trace.address
        return Observation(error.status, error.reason, context.trace.phases(), 0, printable(str(error)), facts)
    found, code, serving = _read(reply)
    facts |= {"address": context.trace.address, "grpc_status": code}
    if serving:
        facts["serving"] = serving
    certificate = read(der) if der else None
    view = AnswerView(context.trace.total_us(), context.now_s, certificate=certificate)
    (status, reason, detail), outcomes = judged(found, spec.assertions, view, context.explain)
    return Observation(status, reason, context.trace.phases(), max(code, 0), printable(detail), facts, outcomes)


async def _call(spec: GrpcSpec, secrets: Mapping[str, str], context: ProbeContext, stream: Stream) -> _Reply:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    connection.update_settings(
        {h2.settings.SettingCodes.ENABLE_PUSH: 0, h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: _HEADERS_MOST}
    )
    stream_id = connection.get_next_available_stream_id()
    connection.send_headers(stream_id, _headers(spec, secrets))
    connection.send_data(stream_id, _request(spec.service), end_stream=True)
    context.trace.begin("first_byte")
    stream.send(connection.data_to_send())
    came = await stream.take(_FRAME_HEAD)
    context.trace.answered()
    if came[3] != _SETTINGS:
        raise ProtocolBroken("the server does not speak HTTP/2")
    reply, heard = _Reply(), 0
    while True:
        heard += len(came)
        if heard > _ANSWER_MOST:
            raise TooLarge(f"more than {_ANSWER_MOST // 1024} KiB for a health check")
        _take(connection, came, stream_id, reply)
        pending = connection.data_to_send()
        if pending:
            stream.send(pending)
        if reply.ended:
            return reply
        came = await stream.more()
        if not came:
            raise ClosedEarly("closed in the middle of the answer")


def _headers(spec: GrpcSpec, secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    host = parse_host(spec.host)[0]
    authority = f"[{host}]:{spec.port}" if ":" in host else f"{host}:{spec.port}"
    return [
        (":method", "POST"),
        (":scheme", "https" if spec.tls else "http"),
        (":path", _PATH),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "vigil"),
        *((name.lower(), value) for name, value in secret_headers(secrets)),
    ]


def _take(connection: h2.connection.H2Connection, came: bytes, stream_id: int, reply: _Reply) -> None:
    try:
        events = connection.receive_data(came)
    except (h2.exceptions.H2Error, UnicodeDecodeError) as error:
        raise ProtocolBroken(f"not HTTP/2: {type(error).__name__}") from None
    for event in events:
        if isinstance(event, h2.events.ConnectionTerminated):
            raise ClosedEarly("the server ended the connection (GOAWAY)")
        if getattr(event, "stream_id", None) != stream_id:
            continue
        if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            reply.headers.update((str(name), str(value)) for name, value in event.headers or ())
        elif isinstance(event, h2.events.DataReceived):
            reply.body += event.data or b""
            connection.acknowledge_received_data(event.flow_controlled_length or 0, stream_id)
        elif isinstance(event, h2.events.StreamReset):
            raise ClosedEarly("the server reset the call")
        elif isinstance(event, h2.events.StreamEnded):
            reply.ended = True


def _read(reply: _Reply) -> tuple[Finding, int, str]:
    """The finding, the grpc-status (-1 without one), and the serving status by name."""
    http_status = reply.headers.get(":status", "")
    if http_status != "200":
        return (
            (Status.DOWN, Reason.UNEXPECTED_STATUS, f"HTTP status {http_status[:3]} instead of a gRPC answer"),
            -1,
            "",
        )
    text = reply.headers.get("grpc-status", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        return (Status.DOWN, Reason.PROTOCOL_ERROR, "an answer without grpc-status: not gRPC"), -1, ""
    code = int(text)
    if code:
        status, reason, words = _REASONS.get(code, (Status.DOWN, Reason.HTTP_5XX, "the call failed"))
        return (status, reason, f"grpc-status {code}: {words}"), code, ""
    serving = _serving(reply.body)
    name = _SERVING_STATUS.get(serving, str(serving))
    if serving == _SERVING:
        return PASSED, 0, name
    return (Status.DOWN, Reason.VALUE_MISMATCH, f"the service says {name}"), 0, name


def _request(service: str) -> bytes:
    """A HealthCheckRequest in its gRPC frame: field 1 is the service's name."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    return b"\x00" + struct.pack(">I", len(message)) + message


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])


def _serving(body: bytes) -> int:
    """The serving status of a HealthCheckResponse, whose field 1 it is; raises ProtocolBroken."""
    if len(body) < 5 or body[0] != 0 or struct.unpack(">I", body[1:5])[0] != len(body) - 5:
        raise ProtocolBroken("the answer is no gRPC message")
    message = body[5:]
    if not message:
        return 0
    if len(message) != 2 or message[0] != 0x08 or message[1] > 127:
        raise ProtocolBroken("the answer is no HealthCheckResponse")
    return message[1]


PROBER = Prober(GrpcSpec, validate, validate_secrets, probe)
