"""Check of a failed request for a network that interferes; only after a failure, and only of known providers."""

from __future__ import annotations

import asyncio
import ssl

from probes.ai.interference import Sign, in_words, is_bogus, is_of_provider
from probes.net.failures import Blocked, Failure, HandshakeCut
from probes.net.stream import Endpoint, UnverifiedCertificate, open_stream
from probes.net.targets import BadTarget, parse_url
from probes.net.tls.options import TlsOptions
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext, printable
from probes.reasons import Reason, Status
from probes.wire import Fact

#: The longest that a second handshake may take (s).
_HANDSHAKE_S = 2.0
_NAMELESS = TlsOptions(verify=False)


async def interfered(error: Exception, url: str, context: ProbeContext) -> Observation | None:
    """The observation of a request that a network in between has spoiled, or None for any other failure.

    A redirect to another host is not looked into: only the host of the monitor's own address is.
    """
    try:
        target = parse_url(url)
    except BadTarget:
        return None
    if not is_of_provider(target.host):
        return None
    trace, address = context.trace, context.trace.address
    sign = None
    if isinstance(error, Blocked) and is_bogus(error.address):
        sign, address = Sign.BOGUS_ADDRESS, error.address
    elif isinstance(error, UnverifiedCertificate) and error.is_of_another:
        sign = Sign.OTHER_CERTIFICATE
    elif isinstance(error, ConnectionError | HandshakeCut) and trace.phase == "tls":
        sign = Sign.NAME_RESET if await _answers_nameless(address, target.port, context) else None
    if sign is None:
        return None
    facts: dict[str, Fact] = {"address": address, "phase": trace.phase, "interference": sign.value}
    facts["server_name"] = target.host[:100]
    words = printable(in_words(sign, target.host, address))
    return Observation(Status.UNKNOWN, Reason.INTERFERED, trace.phases(), 0, words, facts)


async def _answers_nameless(address: str, port: int, context: ProbeContext) -> bool:
    """Whether the same address answers a handshake that names nobody; an alert is an answer as well."""
    # A literal as the name: TLS sends no name for it (RFC 6066).
    endpoint = Endpoint(address, port, _NAMELESS, address)
    try:
        async with asyncio.timeout(_HANDSHAKE_S), open_stream(context.dialer, endpoint, Trace()):
            return True
    except ssl.SSLError:
        return True
    except (OSError, Failure):
        return False
