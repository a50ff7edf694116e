"""The TCP prober: does something accept connections there, and say what is expected?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from probes.assertions.answer import AnswerView
from probes.assertions.base import TEXT_LIMIT
from probes.assertions.kinds import BodyContains, BodySize, CertificateDays, Latency, Regex
from probes.assertions.redaction import spellings
from probes.net.certificates import read
from probes.net.dialer import dial
from probes.net.stream import Endpoint, Stream, UnverifiedCertificate, talking
from probes.net.targets import parse_host
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding, judged, validate_endpoint
from probes.specs.tls import (
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    TlsFields,
    name_of,
    validate_identity,
    validate_tls,
    wish_of,
)
from probes.wire import Fact

_READ_MOST = 65_536
_SEND_MOST = 4096


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


class _Knock(asyncio.Protocol):
    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._trace.connected()
        self.transport = cast(asyncio.Transport, transport)


async def probe(spec: TcpSpec, secrets: Mapping[str, str], reach: ProbeContext) -> Observation:
    """Connect, say and hear what the spec asks for, and close at once."""
    listens = bool(spec.expect) or any(isinstance(each, BodyContains | Regex | BodySize) for each in spec.assertions)
    if not (spec.tls or spec.send or listens):
        await _knock(spec, reach)
        return _observed(spec, reach, AnswerView(reach.trace.total_us(), reach.now_s), PASSED, {})
    wish = wish_of(spec, secrets, "") if spec.tls else None
    host = parse_host(spec.host)[0]
    place = Endpoint(host, spec.port, wish, name_of(spec, host))
    try:
        async with talking(reach.way, place, reach.trace) as talk:
            return await _converse(spec, secrets, reach, talk, listens)
    except UnverifiedCertificate as error:
        return Observation(error.status, error.reason, reach.trace.phases(), 0, printable(str(error)), _facts(reach))


async def _knock(spec: TcpSpec, reach: ProbeContext) -> None:
    knock = _Knock(reach.trace)
    try:
        await dial(reach.way, parse_host(spec.host)[0], spec.port, lambda: knock, reach.trace)
    finally:
        if knock.transport is not None:
            knock.transport.abort()


async def _converse(
    spec: TcpSpec, secrets: Mapping[str, str], reach: ProbeContext, talk: Stream, listens: bool
) -> Observation:
    facts: dict[str, Fact] = {}
    certificate = None
    if talk.tls is not None:
        der = talk.tls.getpeercert(binary_form=True)
        certificate = read(der) if der else None
        facts["tls"] = talk.tls.version() or ""
    reach.trace.begin("first_byte")
    if spec.send:
        talk.send(spec.send.encode())
    heard = await _hear(talk, spec.expect.encode(), reach.trace) if listens else b""
    found: Finding = PASSED
    hidden = spellings(secrets) if secrets else ()
    sight = AnswerView(reach.trace.total_us(), reach.now_s, 0, (), heard, len(heard) >= _READ_MOST, certificate, hidden)
    if spec.expect.encode() not in heard:
        found = Status.DOWN, Reason.BODY_MISMATCH, f"expected {spec.expect[:80]!r}; found {sight.quoted(heard[:400])}"
    if listens:
        facts["body_bytes"] = len(heard)
    return _observed(spec, reach, sight, found, facts)


async def _hear(talk: Stream, expected: bytes, trace: Trace) -> bytes:
    """What is said until the expected text is in it, or, expecting none, what comes first."""
    heard = bytearray()
    while len(heard) < _READ_MOST:
        came = await talk.more()
        if came and not heard:
            trace.answered()
        heard += came
        if not came or not expected or expected in heard:
            break
    return bytes(heard[:_READ_MOST])


def _observed(
    spec: TcpSpec, reach: ProbeContext, sight: AnswerView, found: Finding, facts: dict[str, Fact]
) -> Observation:
    (status, reason, detail), outcomes = judged(found, spec.assertions, sight, reach.explain)
    return Observation(status, reason, reach.trace.phases(), 0, printable(detail), _facts(reach) | facts, outcomes)


def _facts(reach: ProbeContext) -> dict[str, Fact]:
    return {"address": reach.trace.address}


PROBER = Prober(TcpSpec, validate, validate_secrets, probe)
