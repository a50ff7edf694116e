"""gRPC prober: the standard health check, `grpc.health.v1.Health/Check`, with h2 over our own connection."""

from __future__ import annotations

import re
from collections.abc import Mapping

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from probes.assertions.answer import AnswerView
from probes.assertions.kinds import CertificateDays, Latency
from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.grpc import health
from probes.net.grpc.frames import FRAME_HEAD, SETTINGS, FrameSplitter, error_name
from probes.net.stream import Endpoint, Stream, UnverifiedCertificate, open_stream
from probes.net.targets import parse_host
from probes.net.tls.certificates import path, soonest
from probes.net.tls.options import Certificate
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.probers.grpc_reply import GrpcReply, finding_of
from probes.reasons import Reason, Status
from probes.specs.endpoint import Finding, judged, validate_endpoint
from probes.specs.http import secret_headers, validate_secrets
from probes.specs.tls import TlsFields, server_name_of, tls_options_of, validate_tls
from probes.wire import Fact

_PATH = "/grpc.health.v1.Health/Check"
_SERVICE = re.compile(r"[A-Za-z0-9_.\-/]{0,200}\Z")
#: Largest answer (bytes, framing included): a health check needs far less, and frames cost more CPU than their size.
_ANSWER_MOST = 32_768
_HEADERS_MOST = 16_384
_REFUSED_STREAM = 7


class _NotTaken(ClosedEarly):
    """The server did not begin the call: it may be made again on a new connection."""


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


async def probe(spec: GrpcSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Ask once and close; once more where the server says goodbye before it takes the call, as gRPC's clients do."""
    facts: dict[str, Fact] = {}
    try:
        try:
            reply, certificate = await _asked(spec, secrets, context)
        except _NotTaken:
            reply, certificate = await _asked(spec, secrets, context)
            facts["connections"] = 2
    except UnverifiedCertificate as error:
        facts["address"] = context.trace.address
        return Observation(error.status, error.reason, context.trace.phases(), 0, printable(str(error)), facts)
    found, code, serving = finding_of(reply, has_credential=bool(secrets))
    facts |= {"address": context.trace.address, "grpc_status": code}
    if serving:
        facts["serving"] = serving
    view = AnswerView(context.trace.total_us(), context.now_s, certificate=certificate)
    (status, reason, detail), outcomes = judged(found, spec.assertions, view, context.explain)
    return Observation(status, reason, context.trace.phases(), max(code, 0), printable(detail), facts, outcomes)


async def _asked(
    spec: GrpcSpec, secrets: Mapping[str, str], context: ProbeContext
) -> tuple[GrpcReply, Certificate | None]:
    """One call on a connection of its own."""
    host = parse_host(spec.host)[0]
    options = tls_options_of(spec, secrets, "h2") if spec.tls else None
    endpoint = Endpoint(host, spec.port, options, server_name_of(spec, host))
    async with open_stream(context.dialer, endpoint, context.trace) as stream:
        if stream.tls is not None and stream.tls.selected_alpn_protocol() not in ("h2", None):
            raise ProtocolBroken("the server does not speak HTTP/2")
        reply = await _call(spec, secrets, context, stream)
        certificate = soonest(path(stream.tls)) if stream.tls is not None else None
    return reply, certificate


async def _call(spec: GrpcSpec, secrets: Mapping[str, str], context: ProbeContext, stream: Stream) -> GrpcReply:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    connection.update_settings(
        {h2.settings.SettingCodes.ENABLE_PUSH: 0, h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: _HEADERS_MOST}
    )
    stream_id = connection.get_next_available_stream_id()
    connection.send_headers(stream_id, _headers(spec, secrets))
    connection.send_data(stream_id, health.request(spec.service), end_stream=True)
    context.trace.begin("first_byte")
    stream.send(connection.data_to_send())
    came = await stream.take(FRAME_HEAD)
    context.trace.answered()
    if came[3] != SETTINGS:
        raise ProtocolBroken("the server does not speak HTTP/2")
    reply, heard, frames = GrpcReply(), 0, FrameSplitter()
    context.trace.at_deadline = lambda: _parted(frames)
    while True:
        heard += len(came)
        if heard > _ANSWER_MOST:
            raise TooLarge(f"more than {_ANSWER_MOST // 1024} KiB for a health check")
        _take(connection, frames.feed(came), stream_id, reply)
        pending = connection.data_to_send()
        if pending:
            stream.send(pending)
        if reply.ended:
            return reply
        _heed(frames, stream_id)
        came = await stream.more()
        if not came:
            raise ClosedEarly(_closed(frames))


def _heed(frames: FrameSplitter, stream_id: int) -> None:
    """Go on after a goodbye that covers our call; raises ClosedEarly where it does not."""
    said = frames.goodbye
    if said is None:
        return
    if said.code:
        raise ClosedEarly(f"the server ended the connection with an error (GOAWAY, {error_name(said.code)})")
    if said.last_stream < stream_id:
        raise _NotTaken("the server ended the connection before it took the call (GOAWAY)")


def _closed(frames: FrameSplitter) -> str:
    if frames.goodbye is not None:
        return "the server ended the connection (GOAWAY) and closed it without the answer"
    return "closed in the middle of the answer"


def _parted(frames: FrameSplitter) -> Finding | None:
    if frames.goodbye is None:
        return None
    return Status.DOWN, Reason.TIMEOUT, "the server ended the connection (GOAWAY), and its answer did not come in time"


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


def _take(connection: h2.connection.H2Connection, came: bytes, stream_id: int, reply: GrpcReply) -> None:
    try:
        events = connection.receive_data(came) if came else []
    except (h2.exceptions.H2Error, UnicodeDecodeError) as error:
        raise ProtocolBroken(f"not HTTP/2: {type(error).__name__}") from None
    for event in events:
        if getattr(event, "stream_id", None) != stream_id or reply.ended:
            continue
        if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            reply.headers.update((str(name), str(value)) for name, value in event.headers or ())
        elif isinstance(event, h2.events.DataReceived):
            reply.body += event.data or b""
            connection.acknowledge_received_data(event.flow_controlled_length or 0, stream_id)
        elif isinstance(event, h2.events.StreamReset):
            code = int(event.error_code or 0)
            kind = _NotTaken if code == _REFUSED_STREAM else ClosedEarly
            raise kind(f"the server reset the call ({error_name(code)})")
        elif isinstance(event, h2.events.StreamEnded):
            reply.ended = True


PROBER = Prober(GrpcSpec, validate, validate_secrets, probe)
