"""HTTP/2 client for servers that speak nothing else over TLS: one request, one bounded answer."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from probes.net.dialer import Dialer
from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.http.reader import is_endless
from probes.net.http_messages import HEADER_BYTES_LIMIT, HEADERS_LIMIT, Request, Response
from probes.net.stream import Endpoint, Stream, open_stream
from probes.net.trace import Trace

_ALPN = "h2"
#: Frames beside the body, such as settings and pings (bytes).
_FRAMING_MOST = 262_144
#: Of the connection itself, which HTTP/2 has no headers for.
_HOP_BY_HOP = frozenset({"host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})


class NoHttp2(Exception):
    """The server does not agree to HTTP/2 either."""


@dataclass(slots=True)
class _Answer:
    """The answer so far."""

    code: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False


async def exchange(request: Request, dialer: Dialer, trace: Trace) -> tuple[Response, ssl.SSLObject]:
    """Send a request by HTTP/2 over a connection of its own; the deadline is the caller's.

    Returns the answer with its body as it came, and the TLS connection. Raises NoHttp2, and what `open_stream` raises.
    """
    target = request.target
    options = replace(request.tls, alpn=_ALPN)
    endpoint = Endpoint(target.host, target.port, options, request.server_name)
    async with open_stream(dialer, endpoint, trace) as stream:
        assert stream.tls is not None
        if stream.tls.selected_alpn_protocol() != _ALPN:
            raise NoHttp2
        return await _converse(request, stream, trace), stream.tls


async def _converse(request: Request, stream: Stream, trace: Trace) -> Response:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="latin-1"))
    connection.initiate_connection()
    connection.update_settings(
        {h2.settings.SettingCodes.ENABLE_PUSH: 0, h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_BYTES_LIMIT}
    )
    number = connection.get_next_available_stream_id()
    connection.send_headers(number, _headers(request), end_stream=not request.body)
    if request.body:
        room = min(connection.local_flow_control_window(number), connection.max_outbound_frame_size)
        for place in range(0, len(request.body), room):
            piece = request.body[place : place + room]
            connection.send_data(number, piece, end_stream=place + room >= len(request.body))
    trace.begin("first_byte")
    stream.send(connection.data_to_send())
    answer, heard = _Answer(), 0
    while not answer.ended:
        came = await stream.more()
        if not came:
            raise ClosedEarly("closed in the middle of the answer" if heard else "closed without an answer")
        if not heard:
            trace.answered()
        heard += len(came)
        if heard > request.body_limit * 2 + HEADER_BYTES_LIMIT + _FRAMING_MOST:
            raise TooLarge("framing far larger than the body it carries")
        _take(connection, came, number, answer)
        pending = connection.data_to_send()
        if pending:
            stream.send(pending)
        if len(answer.body) > request.body_limit or (answer.code and is_endless(answer.headers, True)):
            break
    endless = not answer.ended and len(answer.body) <= request.body_limit
    body = bytes(answer.body[: request.body_limit])
    return Response(answer.code, "2", answer.headers, body, endless or len(answer.body) > len(body), stream=endless)


def _headers(request: Request) -> list[tuple[str, str]]:
    given = [(name.lower(), value) for name, value in request.headers]
    names = {name for name, _ in given}
    host = next((value for name, value in given if name == "host"), request.target.authority)
    ours = (("user-agent", "vigil"), ("accept", "*/*"), ("accept-encoding", "identity"))
    return [
        (":method", request.method),
        (":scheme", "https"),
        (":authority", host),
        (":path", request.target.path),
        *(header for header in ours if header[0] not in names),
        *(header for header in given if header[0] not in _HOP_BY_HOP),
        *([("content-length", str(len(request.body)))] if request.body else []),
    ]


def _take(connection: h2.connection.H2Connection, came: bytes, number: int, answer: _Answer) -> None:
    try:
        events = connection.receive_data(came)
    except (h2.exceptions.H2Error, UnicodeDecodeError) as error:
        raise ProtocolBroken(f"not HTTP/2: {type(error).__name__}") from None
    for event in events:
        if isinstance(event, h2.events.ConnectionTerminated):
            if not answer.ended and event.error_code:
                raise ClosedEarly("the server ended the connection (GOAWAY)")
        elif getattr(event, "stream_id", None) != number:
            continue
        elif isinstance(event, h2.events.ResponseReceived):
            headers = [(str(name), str(value)) for name, value in event.headers or ()]
            if len(headers) > HEADERS_LIMIT:
                raise TooLarge(f"more than {HEADERS_LIMIT} headers")
            answer.code = int(dict(headers)[":status"])
            answer.headers = tuple(header for header in headers if not header[0].startswith(":"))
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data or b""
            connection.acknowledge_received_data(event.flow_controlled_length or 0, number)
        elif isinstance(event, h2.events.StreamReset):
            raise ClosedEarly("the server reset the request")
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
