"""WebSocket prober: the upgrade, and an expected message after it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from wsproto.frame_protocol import CloseReason, FrameProtocol
from wsproto.utilities import generate_nonce

from probes.ai import billing, classify
from probes.assertions.answer import AnswerView
from probes.assertions.base import TEXT_LIMIT
from probes.assertions.json_path import JsonPath
from probes.assertions.kinds import BodyContains, CertificateDays, Header, Latency, Regex, validate_assertions
from probes.assertions.redaction import spellings
from probes.net.failures import Failure, ProtocolBroken, TooLarge
from probes.net.http_messages import Request, head_of
from probes.net.stream import Endpoint, Stream, UnverifiedCertificate, open_stream
from probes.net.targets import BadTarget, Target, parse_url
from probes.net.tls.certificates import path, soonest
from probes.net.tls.options import HTTP_ALPN
from probes.net.websocket.conversation import Conversation
from probes.net.websocket.upgrade import END_OF_HEAD, LongHead, NoHead, UpgradeAnswer, problem
from probes.net.websocket.upgrade import read as read_head
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.credentials import has_credential
from probes.specs.endpoint import PASSED, Finding, judged
from probes.specs.http import check_header, secret_headers, validate_secrets
from probes.specs.tls import TlsFields, server_name_of, tls_options_of, validate_tls
from probes.wire import Fact

_SEND_MOST = 4096
_HEADERS_MOST = 20
#: Of an answer that is no upgrade, so much is read (bytes), for so long (s): it says why.
_BODY_MOST, _BODY_S = 16_384, 1.0


class WebSocketSpec(TlsFields, frozen=True, kw_only=True):
    """Upgrade at `url` (ws:// or wss://), then `send` a text and wait for a message that contains `expect`.

    A `subprotocol` must be chosen by the server, as browsers demand. Assertions look at the headers of the upgrade and
    at the last message as the body. Secrets as for HTTP.
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
    answer, key = await _upgrade(spec, secrets, context, stream)
    code, headers = answer.code, answer.headers
    facts: dict[str, Fact] = {"address": context.trace.address}
    message, found = b"", PASSED
    if code != 101:
        body = await _body(stream, answer)
        read_as = classify.classify(
            classify.ReceivedAnswer("", code, headers, body, False, has_credential(secrets, spec.headers, spec.url)),
            context.now_s,
        )
        found = read_as.status, read_as.reason, f"{read_as.detail}; expected an upgrade (101)"
        facts |= read_as.facts
    elif refused := problem(answer, key, spec.subprotocol):
        found = Status.DOWN, Reason.PROTOCOL_ERROR, f"upgraded {refused}: browsers refuse such a connection"
    else:
        protocol = FrameProtocol(client=True, extensions=[])
        if spec.send:
            stream.send(bytes(protocol.send_data(spec.send)))
        if spec.expect or any(isinstance(each, BodyContains | Regex | JsonPath) for each in spec.assertions):
            conversation = Conversation(stream, protocol)
            context.trace.at_deadline = lambda: _heard_by_then(spec, secrets, conversation.last)
            message = await conversation.message_with(spec.expect.encode())
            facts["message_bytes"] = len(message)
            found = _heard(spec, secrets, message)
        stream.send(bytes(protocol.close(CloseReason.NORMAL_CLOSURE)))
    certificate = soonest(path(stream.tls)) if stream.tls is not None else None
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
) -> tuple[UpgradeAnswer, bytes]:
    """Ask for the upgrade; the answer, and the nonce that it must confirm. Raises ProtocolBroken and TooLarge."""
    key = generate_nonce()
    extra = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key.decode())]
    if spec.subprotocol:
        extra.append(("Sec-WebSocket-Protocol", spec.subprotocol))
    request = Request(
        _target(spec.url), headers=(*spec.headers, *secret_headers(secrets), *extra), connection="Upgrade"
    )
    context.trace.begin("first_byte")
    stream.send(head_of(request))
    try:
        # What comes before the answer itself (100, 103) is passed over.
        while (answer := read_head(await stream.until_match(END_OF_HEAD))).code in (100, 102, 103):
            continue
    except NoHead as error:
        raise ProtocolBroken(str(error)) from None
    except LongHead as error:
        raise TooLarge(str(error)) from None
    context.trace.answered()
    return answer, key


async def _body(stream: Stream, answer: UpgradeAnswer) -> bytes:
    """The beginning of the body of an answer that is no upgrade, for as long as it comes."""
    body = bytearray()
    length = next((int(value) for value in answer.values("content-length") if value.isdigit()), _BODY_MOST)
    try:
        async with asyncio.timeout(_BODY_S):
            while len(body) < min(length, _BODY_MOST) and (came := await stream.more()):
                body += came
    except (OSError, Failure):
        # The head says enough.
        return bytes(body[:_BODY_MOST])
    return bytes(body[:_BODY_MOST])


def _heard_by_then(spec: WebSocketSpec, secrets: Mapping[str, str], last: bytes | None) -> Finding:
    if last is not None:
        return _heard(spec, secrets, last)
    return Status.DOWN, Reason.TIMEOUT, "the upgrade was accepted, and no message came in time"


PROBER = Prober(WebSocketSpec, validate, validate_secrets, probe)
