"""TCP prober: connects, sends a text if asked, and looks for an expected text in the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

from probes.assertions.answer import AnswerView
from probes.assertions.base import TEXT_LIMIT
from probes.assertions.kinds import BodyContains, BodySize, CertificateDays, Latency, Regex
from probes.assertions.redaction import spellings
from probes.net.dialer import dial
from probes.net.stream import Endpoint, Stream, UnverifiedCertificate, open_stream
from probes.net.targets import parse_host
from probes.net.tls.certificates import path, soonest
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding, judged, validate_endpoint
from probes.specs.tls import (
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    TlsFields,
    server_name_of,
    tls_options_of,
    validate_identity,
    validate_tls,
)
from probes.wire import Fact

_READ_MOST = 65_536
_SEND_MOST = 4096
#: What must not come is waited for this long (s) after what came last, and what an assertion lacks this long.
_QUIET_S, _LACKING_S = 0.3, 1.0


class TcpSpec(TlsFields, frozen=True, kw_only=True):
    """Connect to `host`, a name or an address, at `port`, with TLS when `tls` is set.

    `send` goes out as it is; `expect` is a text that must come back. Assertions look at what came back as the body.
    Secrets: `client_certificate` with `client_key` (PEM), with TLS.
    """

    host: str
    port: int
    tls: bool = False
    send: str = ""
    expect: str = ""
    assertions: tuple[BodyContains | Regex | BodySize | Latency | CertificateDays, ...] = ()


def validate(spec: TcpSpec) -> None:
    validate_endpoint(spec.host, spec.port, spec.assertions)
    if len(spec.send) > _SEND_MOST:
        raise SpecError("send", f"at most {_SEND_MOST} characters")
    if len(spec.expect) > TEXT_LIMIT:
        raise SpecError("expect", f"at most {TEXT_LIMIT} characters")
    validate_tls(spec)


def validate_secrets(secrets: Mapping[str, str]) -> None:
    for name in secrets:
        if name not in (CLIENT_CERTIFICATE, CLIENT_KEY):
            raise SpecError("secrets", f"{name[:40]!r} is not one of {CLIENT_CERTIFICATE}, {CLIENT_KEY}")
    validate_identity(secrets)


class _BareConnection(asyncio.Protocol):
    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._trace.connected()
        self.transport = cast(asyncio.Transport, transport)


async def probe(spec: TcpSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Connect, send and read what the spec asks for, and close at once."""
    listens = bool(spec.expect) or any(isinstance(each, BodyContains | Regex | BodySize) for each in spec.assertions)
    if not (spec.tls or spec.send or listens):
        await _connect(spec, context)
        return _observed(spec, context, AnswerView(context.trace.total_us(), context.now_s), PASSED, {})
    options = tls_options_of(spec, secrets, "") if spec.tls else None
    host = parse_host(spec.host)[0]
    endpoint = Endpoint(host, spec.port, options, server_name_of(spec, host))
    try:
        async with open_stream(context.dialer, endpoint, context.trace) as stream:
            return await _converse(spec, secrets, context, stream, listens)
    except UnverifiedCertificate as error:
        return Observation(
            error.status, error.reason, context.trace.phases(), 0, printable(str(error)), _facts(context)
        )


async def _connect(spec: TcpSpec, context: ProbeContext) -> None:
    connection = _BareConnection(context.trace)
    try:
        await dial(context.dialer, parse_host(spec.host)[0], spec.port, lambda: connection, context.trace)
    finally:
        if connection.transport is not None:
            connection.transport.abort()


async def _converse(
    spec: TcpSpec, secrets: Mapping[str, str], context: ProbeContext, stream: Stream, listens: bool
) -> Observation:
    facts: dict[str, Fact] = {}
    certificate = None
    if stream.tls is not None:
        certificate = soonest(path(stream.tls))
        facts["tls"] = stream.tls.version() or ""
    context.trace.begin("first_byte")
    if spec.send:
        stream.send(spec.send.encode())
    heard = bytearray()
    hidden = spellings(secrets) if secrets else ()

    def view() -> AnswerView:
        total_us, cut = context.trace.total_us(), len(heard) >= _READ_MOST
        return AnswerView(total_us, context.now_s, 0, (), bytes(heard[:_READ_MOST]), cut, certificate, hidden)

    if listens:
        context.trace.at_deadline = lambda: _found(spec, view()) if heard else None
        await _hear(spec, stream, heard, lambda: _found(spec, view()) == PASSED, context.trace)
    seen = view()
    found = _expected(spec, seen)
    if listens:
        facts["body_bytes"] = len(heard)
    return _observed(spec, context, seen, found, facts)


async def _hear(spec: TcpSpec, stream: Stream, heard: bytearray, is_enough: Callable[[], bool], trace: Trace) -> None:
    """Add the bytes that come until they are enough; where more could spoil that, until it is quiet for a moment."""
    spoils = any(getattr(each, "absent", False) or getattr(each, "max_bytes", 0) for each in spec.assertions)
    enough, look_at = False, 0
    while len(heard) < _READ_MOST:
        try:
            async with asyncio.timeout(_QUIET_S if enough else _LACKING_S if heard and not spec.expect else None):
                came = await stream.more()
        except TimeoutError:
            return
        if came and not heard:
            trace.answered()
        heard += came
        # Bytes may come one by one: the more there are, the fewer times all of them are looked at.
        if len(heard) >= look_at:
            enough, look_at = is_enough(), len(heard) + len(heard) // 16
        if not came or (enough and not spoils):
            return


def _expected(spec: TcpSpec, view: AnswerView) -> Finding:
    if spec.expect.encode() in view.body:
        return PASSED
    return Status.DOWN, Reason.BODY_MISMATCH, f"expected {spec.expect[:80]!r}; found {view.quoted(view.body[:400])}"


def _found(spec: TcpSpec, view: AnswerView) -> Finding:
    """What is known by now, the assertions on what was heard included."""
    listening = [each for each in spec.assertions if isinstance(each, BodyContains | Regex | BodySize)]
    return judged(_expected(spec, view), listening, view, explain=False)[0]


def _observed(
    spec: TcpSpec, context: ProbeContext, view: AnswerView, found: Finding, facts: dict[str, Fact]
) -> Observation:
    (status, reason, detail), outcomes = judged(found, spec.assertions, view, context.explain)
    return Observation(status, reason, context.trace.phases(), 0, printable(detail), _facts(context) | facts, outcomes)


def _facts(context: ProbeContext) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"address": context.trace.address}
    if context.trace.passed_over:
        facts["passed_over"] = printable(context.trace.passed_over)
    return facts


PROBER = Prober(TcpSpec, validate, validate_secrets, probe)
