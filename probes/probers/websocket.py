"""WebSocket prober: the upgrade, and an expected message after it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wsproto.frame_protocol import CloseReason, Frame, FrameDecoder, FrameProtocol, Opcode, ParseFailed
from wsproto.utilities import generate_accept_token, generate_nonce

from probes.ai import billing, classify
from probes.assertions.answer import AnswerView
from probes.assertions.base import TEXT_LIMIT
from probes.assertions.json_path import JsonPath
from probes.assertions.kinds import BodyContains, CertificateDays, Header, Latency, Regex, validate_assertions
from probes.assertions.redaction import spellings
from probes.net.certificates import read
from probes.net.failures import ClosedEarly, ProtocolBroken, TooLarge
from probes.net.http_messages import HEADERS_LIMIT, Request, head_of
from probes.net.stream import Endpoint, Stream, UnverifiedCertificate, open_stream
from probes.net.targets import BadTarget, Target, parse_url
from probes.net.tls_options import HTTP_ALPN
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding, judged
from probes.specs.http import check_header, secret_headers, validate_secrets
from probes.specs.tls import TlsFields, server_name_of, tls_options_of, validate_tls
from probes.wire import Fact

_SEND_MOST = 4096
_HEADERS_MOST = 20
_MESSAGE_MOST = 65_536
#: Frames of a message, and controls between them, that are read before it is no honest message any more.
_FRAMES_MOST = 200
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")


class WebSocketSpec(TlsFields, frozen=True, kw_only=True):
    """Upgrade at `url` (ws:// or wss://), then `send` a text and wait for a message that contains `expect`.

    Assertions look at the headers of the upgrade and at the last message as the body. Secrets as for HTTP.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    subprotocol: str = ""
    send: str = ""
    expect: str = ""
    assertions: tuple[Header | BodyContains | Regex | JsonPath | Latency | CertificateDays, ...] = ()
    billing_acknowledged: bool = False


def validate(spec: WebSocketSpec) -> None:
    # Where POST requests are billed, a WebSocket session is billed too.
    billed = billing.refusal("POST", _target(spec.url).url, spec.billing_acknowledged)
    if billed:
        raise SpecError("url", billed)
    if len(spec.headers) > _HEADERS_MOST:
        raise SpecError("headers", f"at most {_HEADERS_MOST}")
    for name, value in spec.headers:
        check_header("headers", name, value)
    if spec.subprotocol:
        check_header("subprotocol", spec.subprotocol, "")
    if len(spec.send.encode()) > _SEND_MOST:
        raise SpecError("send", f"at most {_SEND_MOST} bytes")
    if len(spec.expect) > TEXT_LIMIT:
        raise SpecError("expect", f"at most {TEXT_LIMIT} characters")
    validate_assertions(spec.assertions)
    validate_tls(spec)


def _target(url: str) -> Target:
    scheme, colon, rest = url.partition("://")
    plain = {"ws": "http", "wss": "https"}.get(scheme.lower())
    if not colon or plain is None:
        raise SpecError("url", "a WebSocket URL starts with ws:// or wss://")
    try:
        return parse_url(f"{plain}://{rest}")
    except BadTarget as error:
        raise SpecError("url", str(error)) from None


async def probe(spec: WebSocketSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Upgrade, send and read messages, close."""
    target = _target(spec.url)
    options = tls_options_of(spec, secrets, HTTP_ALPN) if target.secure else None
    try:
        async with open_stream(
            context.dialer,
            Endpoint(target.host, target.port, options, server_name_of(spec, target.host)),
            context.trace,
        ) as stream:
            return await _converse(spec, secrets, context, stream)
    except UnverifiedCertificate as error:
        facts: dict[str, Fact] = {"address": context.trace.address}
        return Observation(error.status, error.reason, context.trace.phases(), 0, printable(str(error)), facts)


async def _converse(
    spec: WebSocketSpec, secrets: Mapping[str, str], context: ProbeContext, stream: Stream
) -> Observation:
    code, headers = await _upgrade(spec, secrets, context, stream)
    facts: dict[str, Fact] = {"address": context.trace.address}
    message, found = b"", PASSED
    if code != 101:
        read_as = classify.classify(classify.ReceivedAnswer("", code, headers, b"", False), context.now_s)
        found = read_as.status, read_as.reason, f"{read_as.detail}; expected an upgrade (101)"
        facts |= read_as.facts
    else:
        protocol = FrameProtocol(client=True, extensions=[])
        if spec.send:
            stream.send(bytes(protocol.send_data(spec.send)))
        if spec.expect or any(isinstance(each, BodyContains | Regex | JsonPath) for each in spec.assertions):
            message = await _message_with(stream, protocol, spec.expect.encode())
            facts["message_bytes"] = len(message)
            found = _heard(spec, secrets, message)
        stream.send(bytes(protocol.close(CloseReason.NORMAL_CLOSURE)))
    der = stream.tls.getpeercert(binary_form=True) if stream.tls is not None else None
    certificate = read(der) if der else None
    view = AnswerView(
        context.trace.total_us(), context.now_s, code, headers, message, False, certificate, spellings(secrets)
    )
    (status, reason, detail), outcomes = judged(found, spec.assertions, view, context.explain)
    return Observation(status, reason, context.trace.phases(), code, printable(detail), facts, outcomes)


def _heard(spec: WebSocketSpec, secrets: Mapping[str, str], message: bytes) -> Finding:
    if spec.expect.encode() in message:
        return PASSED
    shown = AnswerView(0, 0, hidden=spellings(secrets)).quoted(message[:400])
    return Status.DOWN, Reason.BODY_MISMATCH, f"expected a message with {spec.expect[:80]!r}; found {shown}"


async def _upgrade(
    spec: WebSocketSpec, secrets: Mapping[str, str], context: ProbeContext, stream: Stream
) -> tuple[int, list[tuple[str, str]]]:
    """Ask for the upgrade; the status code and the headers of the answer. Raises ProtocolBroken."""
    key = generate_nonce()
    extra = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key.decode())]
    if spec.subprotocol:
        extra.append(("Sec-WebSocket-Protocol", spec.subprotocol))
    request = Request(
        _target(spec.url), headers=(*spec.headers, *secret_headers(secrets), *extra), connection="Upgrade"
    )
    context.trace.begin("first_byte")
    stream.send(head_of(request))
    head = await stream.until(b"\r\n\r\n")
    context.trace.answered()
    status = _STATUS_LINE.match(head)
    if status is None:
        raise ProtocolBroken("not HTTP: the answer to the upgrade has no status line")
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    if len(lines) > HEADERS_LIMIT:
        raise TooLarge(f"more than {HEADERS_LIMIT} headers")
    headers = [(name.strip().lower(), value.strip()) for name, colon, value in (x.partition(":") for x in lines)]
    code = int(status[1])
    if code == 101 and dict(headers).get("sec-websocket-accept") != generate_accept_token(key).decode():
        raise ProtocolBroken("the upgrade is not confirmed: wrong Sec-WebSocket-Accept")
    return code, headers


async def _message_with(stream: Stream, protocol: FrameProtocol, expected: bytes) -> bytes:
    """The first message that contains the text, or the last one before the other side closed."""
    decoder = FrameDecoder(client=True)
    message, pieces, frames = b"", bytearray(), 0
    while frames < _FRAMES_MOST:
        frame = await _frame(stream, decoder)
        assert isinstance(frame.payload, bytes)
        frames += frame.frame_finished
        if frame.opcode is Opcode.CLOSE:
            if not message:
                raise ClosedEarly(f"closed with {_closing(frame.payload)} before a message came")
            return message
        if frame.opcode is Opcode.PING:
            stream.send(bytes(protocol.pong(frame.payload)))
        elif not frame.opcode.iscontrol():
            if frame.opcode is not Opcode.CONTINUATION:
                pieces.clear()
            pieces += frame.payload
            _check_size(len(pieces))
            if frame.frame_finished and frame.message_finished:
                message = bytes(pieces)
                if expected in message:
                    return message
    raise TooLarge(f"no such message in {_FRAMES_MOST} frames")


async def _frame(stream: Stream, decoder: FrameDecoder) -> Frame:
    """The next frame, or what has come of a large one, as a frame that is not finished."""
    try:
        while (frame := decoder.process_buffer()) is None:
            if decoder.header is not None:
                _check_size(decoder.header.payload_len)
            came = await stream.more()
            if not came:
                raise ClosedEarly("closed in the middle of the answer")
            decoder.receive_bytes(came)
    except ParseFailed as error:
        raise ProtocolBroken(f"not WebSocket: {error}") from None
    return frame


def _check_size(size: int) -> None:
    if size > _MESSAGE_MOST:
        raise TooLarge(f"a message of more than {_MESSAGE_MOST // 1024} KiB")


def _closing(payload: bytes) -> str:
    return f"code {int.from_bytes(payload[:2])}" if len(payload) >= 2 else "no code"


PROBER = Prober(WebSocketSpec, validate, validate_secrets, probe)
