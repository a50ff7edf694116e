"""TLS prober: verifies the certificate for the expected name, and checks when the chain expires."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Literal

from probes.assertions.answer import AnswerView
from probes.assertions.certificate import CertificateIs
from probes.assertions.kinds import CertificateDays, Latency
from probes.net.failures import Failure
from probes.net.starttls import PORTS, Protocol, agreed
from probes.net.stream import Endpoint, Stream, UnverifiedCertificate, open_stream
from probes.net.targets import parse_host
from probes.net.tls.certificates import path, presented, sent, soonest
from probes.net.tls.options import Certificate, TlsOptions
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext, Prober, printable
from probes.probers.http import COMMON_NAME_ONLY, certificate_facts
from probes.probers.tcp import validate_secrets
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding, judged, validate_endpoint
from probes.specs.tls import TlsFields, server_name_of, tls_options_of, validate_tls
from probes.wire import Fact

HTTPS_PORT = 443


class TlsSpec(TlsFields, frozen=True, kw_only=True):
    """Do a TLS handshake with `host` at `port`. `degraded_days` and `down_days` apply to each certificate of the path
    that verifies; what the server sends besides does not count.

    With `starttls` the protocol is spoken in clear until its server begins TLS; `port` is then that protocol's own,
    unless another one is given. Secrets: `client_certificate` with `client_key` (PEM).
    """

    host: str
    port: int = HTTPS_PORT
    starttls: Literal["", Protocol] = ""
    degraded_days: int = 14
    down_days: int = 3
    assertions: tuple[Latency | CertificateIs, ...] = ()

    @property
    def dialled_port(self) -> int:
        return PORTS[self.starttls] if self.starttls and self.port == HTTPS_PORT else self.port

    @property
    def certificate_days(self) -> CertificateDays | None:
        if not (self.degraded_days or self.down_days):
            return None
        return CertificateDays(degraded_days=self.degraded_days, down_days=self.down_days)


def validate(spec: TlsSpec) -> None:
    validate_endpoint(
        spec.host, spec.port, (*spec.assertions, spec.certificate_days) if spec.certificate_days else spec.assertions
    )
    validate_tls(spec)


async def probe(spec: TlsSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Do the handshake, read the chain, and close."""
    host = parse_host(spec.host)[0]
    endpoint = Endpoint(host, spec.dialled_port, tls_options_of(spec, secrets, ""), server_name_of(spec, host))
    facts: dict[str, Fact] = {}
    try:
        async with _secured(spec.starttls, endpoint, context) as stream:
            assert stream.tls is not None
            came, certificates = sent(stream.tls), path(stream.tls)
            cipher = stream.tls.cipher()
            facts = {
                "tls": stream.tls.version() or "",
                "cipher": cipher[0] if cipher else "",
                "chain": len(presented(stream.tls)),
            }
    except UnverifiedCertificate as error:
        facts = certificate_facts(error.certificate, context.now_s) if error.certificate else {}
        facts["address"] = context.trace.address
        return Observation(error.status, error.reason, context.trace.phases(), 0, printable(str(error)), facts)
    used = {each.sha256 for each in certificates}
    extra = [each.subject for each in came if each.sha256 not in used]
    if extra:
        # Sent on top: of no account, whatever their dates.
        facts["chain_extra"] = printable(", ".join(extra))
    leaf = certificates[0] if certificates else None
    if leaf is not None:
        facts |= certificate_facts(leaf, context.now_s)
    first = soonest(certificates)
    if first is not None:
        facts["certificate_expires_s"] = first.expires_s
    facts["address"] = context.trace.address
    view = AnswerView(context.trace.total_us(), context.now_s, certificate=leaf)
    found, outcomes = judged(_expiring(spec, certificates, context.now_s), spec.assertions, view, context.explain)
    status, reason, detail = found
    if status is Status.UP and spec.verify_tls and leaf is not None and not leaf.names:
        status, reason, detail = Status.DEGRADED, Reason.CERTIFICATE_INVALID, COMMON_NAME_ONLY
    return Observation(status, reason, context.trace.phases(), 0, printable(detail), facts, outcomes)


@contextlib.asynccontextmanager
async def _secured(starttls: str, endpoint: Endpoint, context: ProbeContext) -> AsyncIterator[Stream]:
    """A stream after its handshake: TLS from the first byte, or after the protocol's own words."""
    if not starttls:
        async with open_stream(context.dialer, endpoint, context.trace) as stream:
            yield stream
        return
    options, name = endpoint.tls_options, endpoint.server_name or endpoint.host
    assert options is not None
    plain = replace(endpoint, tls_options=None)
    async with open_stream(context.dialer, plain, context.trace) as stream:
        await agreed(starttls, stream, name)
        try:
            await stream.secure(options, name)
        except UnverifiedCertificate as error:
            error.tell(await _unverified(starttls, plain, options, context), name)
            raise
        yield stream


async def _unverified(starttls: str, plain: Endpoint, options: TlsOptions, context: ProbeContext) -> list[Certificate]:
    """The certificates that did not verify, from a second connection that takes any."""
    try:
        async with open_stream(context.dialer, plain, Trace(context.trace.kept)) as stream:
            await agreed(starttls, stream, plain.server_name or plain.host)
            await stream.secure(replace(options, verify=False), plain.server_name or plain.host)
            assert stream.tls is not None
            return sent(stream.tls)
    except (OSError, Failure):
        return []


def _expiring(spec: TlsSpec, certificates: list[Certificate], now_s: float) -> Finding:
    """The finding for the certificate of the chain that expires first."""
    certificate_days = spec.certificate_days
    if certificate_days is None:
        return PASSED
    first = soonest(certificates)
    outcome = certificate_days.judge(AnswerView(0, now_s, certificate=first))
    if outcome.passed:
        return PASSED
    if first is None:
        return Status.DOWN, Reason.CERTIFICATE_INVALID, "no certificate that could be read"
    whose = "" if first is certificates[0] else f" of {first.subject} in the chain"
    return outcome.status, outcome.reason, f"{outcome.detail}{whose}"


PROBER = Prober(TlsSpec, validate, validate_secrets, probe)
