"""One request and its answer over a fresh connection: dialled, sent, read, and closed whatever happens.

The deadline is the caller's.
"""

from __future__ import annotations

import asyncio
import ssl

from probes.net.dialer import Dialer, dial
from probes.net.http1 import HttpConnection
from probes.net.http_messages import Request, Response
from probes.net.stream import Endpoint, UnverifiedCertificate, unverified
from probes.net.trace import Trace


async def exchange(request: Request, way: Dialer, trace: Trace) -> Response:
    """Send a request over a new connection and return the answer.

    Raises what `probes.failures.explain` knows: OSError and its kin, ssl.SSLError, Blocked, ClosedEarly, ...
    """
    target = request.target
    connection = HttpConnection(request, trace, asyncio.get_running_loop().create_future())
    try:
        await dial(way, target.host, target.port, lambda: connection, trace)
        return await connection.answer
    except ssl.SSLCertVerificationError as error:
        place = Endpoint(target.host, target.port, request.tls, request.server_name)
        raise UnverifiedCertificate(error, await unverified(way, place, trace)) from error
    finally:
        connection.close()
