"""httpx transport over our HTTP/1.1 client: guarded addresses, a new connection for each request, bounded responses."""

from __future__ import annotations

import asyncio
import ssl

import httpx

from probes.net.dialer import Dialer
from probes.net.failures import Blocked, ClosedEarly, Failure, NameNotResolved
from probes.net.http1 import exchange
from probes.net.http_messages import BODY_LIMIT, Request, Response
from probes.net.targets import BadTarget, parse_url
from probes.net.tls.options import TlsOptions
from probes.net.trace import Trace

_LONGEST_S = 30.0
#: Set by our client; the caller cannot choose them.
_OURS = {"accept-encoding", "connection", "content-length", "transfer-encoding"}


class GuardedTransport(httpx.AsyncBaseTransport):
    """Use as `httpx.AsyncClient(transport=GuardedTransport(dialer))`; the timeouts of httpx become one deadline.

    Raises httpx errors only: ConnectError for refusals of the guard, names and connections, TimeoutException, ...
    A response carries `extensions["vigil.trace"]` (where the time went) and `extensions["vigil.answer"]`.
    """

    def __init__(self, dialer: Dialer, *, verify: bool = True, body_limit: int = BODY_LIMIT) -> None:
        self._dialer = dialer
        self._tls = TlsOptions(verify=verify)
        self._body_limit = body_limit

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request over a connection of its own."""
        trace = Trace()
        try:
            order = Request(
                target=parse_url(str(request.url)),
                method=request.method,
                headers=tuple((k, v) for k, v in request.headers.multi_items() if k.lower() not in _OURS),
                body=await request.aread(),
                tls=self._tls,
                body_limit=self._body_limit,
            )
            async with asyncio.timeout(_deadline_s(request)):
                answer = await exchange(order, self._dialer, trace)
        except BadTarget as error:
            raise httpx.UnsupportedProtocol(str(error), request=request) from None
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no answer in time ({trace.phase})", request=request) from error
        except Failure as error:
            raise _httpx_error(error)(str(error), request=request) from error
        except (OSError, ssl.SSLError) as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return _response(answer, trace, request)


def _httpx_error(error: Failure) -> type[httpx.TransportError]:
    if isinstance(error, Blocked | NameNotResolved):
        return httpx.ConnectError
    return httpx.ReadError if isinstance(error, ClosedEarly) else httpx.RemoteProtocolError


def _response(answer: Response, trace: Trace, request: httpx.Request) -> httpx.Response:
    # The body is already decoded and complete; httpx must not decode it again.
    framing = {"content-encoding", "transfer-encoding", "content-length"}
    # As bytes: httpx takes only ASCII text, and a server may send any byte.
    kept = [
        (k.encode("latin-1", "replace"), v.encode("latin-1", "replace")) for k, v in answer.headers if k not in framing
    ]
    return httpx.Response(
        answer.code,
        headers=kept,
        content=answer.body,
        request=request,
        extensions={
            "http_version": f"HTTP/{answer.version}".encode(),
            "vigil.trace": trace,
            "vigil.answer": answer,
        },
    )


def _deadline_s(request: httpx.Request) -> float:
    asked = [value for value in request.extensions.get("timeout", {}).values() if value is not None]
    return min(max(asked, default=_LONGEST_S), _LONGEST_S)
