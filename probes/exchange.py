"""One request and its answer over a fresh connection: dialled, sent, read, and closed whatever happens.

The deadline is the caller's (`asyncio.timeout`).
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

from probes.certificates import Certificate
from probes.connection import HttpConnection
from probes.dialing import Way, dial
from probes.failures import Failure
from probes.messages import Answer, Request
from probes.reasons import Reason
from probes.trace import Trace

#: OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED.
_CERTIFICATE_HAS_EXPIRED = 10


class UnverifiedCertificate(Failure):
    """The server's certificate does not verify; `certificate` is what it says, when it could be read."""

    def __init__(self, error: ssl.SSLCertVerificationError, certificate: Certificate | None) -> None:
        expired = error.verify_code == _CERTIFICATE_HAS_EXPIRED
        self.reason = Reason.CERTIFICATE_EXPIRED if expired else Reason.CERTIFICATE_INVALID
        super().__init__(f"the certificate does not verify: {error.verify_message}")
        self.certificate = certificate


async def exchange(request: Request, way: Way, trace: Trace) -> Answer:
    """Send a request over a new connection and return the answer.

    Raises what `probes.failures.explain` knows: OSError and its kin, ssl.SSLError, Blocked, ClosedEarly, ...
    """
    target = request.target
    connection = HttpConnection(request, trace, asyncio.get_running_loop().create_future())
    try:
        await dial(way, target.host, target.port, lambda: connection, trace)
        return await connection.answer
    except ssl.SSLCertVerificationError as error:
        raise UnverifiedCertificate(error, await _unverified_certificate(request, way)) from error
    finally:
        connection.close()


async def _unverified_certificate(request: Request, way: Way) -> Certificate | None:
    """Shake hands once more without verification, to say which certificate it was; sends nothing."""
    look = Request(request.target, tls=replace(request.tls, verify=False), server_name=request.server_name)
    handshake = HttpConnection(look, Trace(), asyncio.get_running_loop().create_future(), handshake_only=True)
    try:
        await dial(way, request.target.host, request.target.port, lambda: handshake, Trace())
        return (await handshake.answer).certificate
    except (OSError, Failure):
        return None
    finally:
        handshake.close()
