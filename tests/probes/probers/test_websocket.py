"""The WebSocket prober against a server of its own, honest and hostile."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trustme

from probes.net.guard import Egress
from probes.prober import Observation, SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import Handler, answering, closed_port, resetting, serving, silent, way_out

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def frame(kind: int, payload: bytes, final: bool = True) -> bytes:
    """A frame as a server sends it."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65_536:
        length = b"\x7e" + struct.pack(">H", size)
    else:
        length = b"\x7f" + struct.pack(">Q", size)
    return bytes([(0x80 if final else 0) | kind]) + length + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """A frame of a client, which must be masked."""
    first, second = await reader.readexactly(2)
    assert second & 0x80
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack(">H", await reader.readexactly(2))
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def upgrading(session: Session, accept: bytes | None = None, seen: list[bytes] | None = None) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(request)
        key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
        sign = accept if accept is not None else base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"X-Node: seven\r\nSec-WebSocket-Accept: " + sign + b"\r\n\r\n"
        )
        await session(reader, writer)

    return handle


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        kind, payload = await read_frame(reader)
        writer.write(frame(kind, payload))
        await writer.drain()
        if kind == 8:
            return


def saying(*pieces: bytes) -> Session:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await reader.read()

    return session


async def look_at(handler: Handler, secrets: dict[str, str] | None = None, **config: Any) -> Observation:
    timeout_s = config.pop("timeout_s", 5.0)
    async with serving(handler) as port:
        return await looked("websocket", {"url": f"ws://127.0.0.1:{port}/live", **config}, secrets, timeout_s=timeout_s)


def test_an_accepted_upgrade_is_up(on_loop: Any) -> None:
    seen = on_loop(look_at(upgrading(echo)))
    assert (seen.status, seen.reason, seen.code) == (Status.UP, Reason.OK, 101)
    assert seen.phases.first_byte_us > 0


def test_the_upgrade_is_asked_for_as_the_standard_wants_it(on_loop: Any) -> None:
    requests: list[bytes] = []
    on_loop(
        look_at(
            upgrading(echo, seen=requests), {"bearer": "tok-1"}, headers=[["Origin", "https://a"]], subprotocol="chat"
        )
    )
    request = requests[0]
    assert request.startswith(b"GET /live HTTP/1.1\r\n")
    for line in (
        b"\r\nUpgrade: websocket\r\n", b"\r\nConnection: Upgrade\r\n", b"\r\nSec-WebSocket-Version: 13\r\n",
        b"\r\nSec-WebSocket-Protocol: chat\r\n", b"\r\nAuthorization: Bearer tok-1\r\n", b"\r\nOrigin: https://a\r\n",
    ):  # fmt: skip
        assert line in request
    assert request.lower().count(b"\r\nconnection:") == 1


def test_what_is_sent_must_bring_back_what_is_expected(on_loop: Any) -> None:
    seen = on_loop(look_at(upgrading(echo), send='{"type":"ping"}', expect="ping"))
    assert (seen.status, seen.facts["message_bytes"]) == (Status.UP, 15)


@pytest.mark.parametrize(
    "pieces",
    [
        (frame(1, b"hel", final=False), frame(9, b"are you there"), frame(0, b"lo", final=True)),
        (frame(1, b"another"), frame(10, b""), frame(2, b"well, hello")),
        (frame(1, b"x" * 300 + b"hello"),),
        (frame(1, b"hello")[:3], frame(1, b"hello")[3:]),
        (frame(2, b"\xff is no UTF-8, hello"),),
        (b"\x81\x7f" + struct.pack(">Q", 65_536), b"x" * 40_000, b"x" * 25_531 + b"hello"),
        (*(frame(9, b"x") for _ in range(199)), frame(1, b"hello")),
    ],
)
def test_a_message_is_heard_in_whatever_frames_it_comes(on_loop: Any, pieces: tuple[bytes, ...]) -> None:
    assert on_loop(look_at(upgrading(saying(*pieces)), expect="hello")).status is Status.UP


def test_another_message_is_down_and_shown(on_loop: Any) -> None:
    seen = on_loop(look_at(upgrading(saying(frame(1, b"bye"), frame(8, b"\x03\xe8"))), expect="hello"))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.BODY_MISMATCH)
    assert seen.detail == "expected a message with 'hello'; found 'bye'"


def test_assertions_look_at_the_headers_and_at_the_message(on_loop: Any) -> None:
    session = saying(frame(1, b'{"state":"ready"}'))
    good = [
        {"type": "header", "name": "X-Node", "equals": "seven"},
        {"type": "jsonpath", "path": "$.state", "equals": "ready"},
    ]
    assert on_loop(look_at(upgrading(session), assertions=good)).status is Status.UP
    bad = [{"type": "jsonpath", "path": "$.state", "equals": "idle", "gives": "degraded", "reason": "loading"}]
    seen = on_loop(look_at(upgrading(session), assertions=bad))
    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.LOADING)


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Reason.UNEXPECTED_STATUS),
        (answering(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), Reason.HTTP_4XX),
        (answering(b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n"), Reason.HTTP_5XX),
        (answering(b"SSH-2.0-x\r\n\r\n"), Reason.PROTOCOL_ERROR),
        (answering(b"HTTP/1.1 101 Sw"), Reason.RESET),
        (upgrading(echo, accept=b"bm90IHRoZSBzaWduYXR1cmU="), Reason.PROTOCOL_ERROR),
        (answering(b"HTTP/1.1 101 Ok\r\n" + b"A: b\r\n" * 6000 + b"\r\n"), Reason.TOO_LARGE),
        (answering(b"HTTP/1.1 101 Ok\r\nA: " + b"b" * 200_000 + b"\r\n\r\n"), Reason.TOO_LARGE),
        (resetting(b"HTTP/1.1 101 Ok\r\n"), Reason.RESET),
        (silent, Reason.TIMEOUT),
    ],
)
def test_an_upgrade_that_is_refused_or_mangled_is_down(on_loop: Any, handler: Handler, reason: Reason) -> None:
    seen = on_loop(look_at(handler, timeout_s=1.0))
    assert (seen.status, seen.reason) == (Status.DOWN, reason), seen.detail


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((frame(3, b"x"),), Reason.PROTOCOL_ERROR),
        ((b"\xf1\x01x",), Reason.PROTOCOL_ERROR),
        ((b"\x81\x81abcdx",), Reason.PROTOCOL_ERROR),
        ((b"\x09\x01x",), Reason.PROTOCOL_ERROR),
        ((frame(9, b"")[:1] + b"\x7e\x00\x80" + b"x" * 128,), Reason.PROTOCOL_ERROR),
        ((b"\x81\x7e\x00\x05hello",), Reason.PROTOCOL_ERROR),
        ((b"\x81\x7f" + struct.pack(">Q", 1 << 62),), Reason.TOO_LARGE),
        ((b"\x81\x7f" + struct.pack(">Q", 65_537),), Reason.TOO_LARGE),
        (tuple(frame(9, b"x") for _ in range(200)), Reason.TOO_LARGE),
        (tuple(frame(0 if n else 1, b"x" * 30_000, final=False) for n in range(4)), Reason.TOO_LARGE),
        (tuple(frame(9, b"x") for _ in range(300)), Reason.TOO_LARGE),
        ((frame(8, b"\x03\xf3"),), Reason.RESET),
        ((frame(8, b"\x03"),), Reason.PROTOCOL_ERROR),
        ((frame(1, b"\xff is no UTF-8, hello"),), Reason.PROTOCOL_ERROR),
        ((frame(1, b"begun", final=False), frame(1, b"hello")), Reason.PROTOCOL_ERROR),
        ((frame(0, b"hello"),), Reason.PROTOCOL_ERROR),
        ((), Reason.TIMEOUT),
    ],
)
def test_frames_of_a_hostile_server_end_in_bounded_time(
    on_loop: Any, pieces: tuple[bytes, ...], reason: Reason
) -> None:
    seen = on_loop(look_at(upgrading(saying(*pieces)), expect="hello", timeout_s=1.0))
    assert (seen.status, seen.reason) == (Status.DOWN, reason), seen.detail
    assert seen.phases.total_us < 2_000_000


def test_wss_verifies_the_certificate(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    async def story(name: str) -> Observation:
        async with serving(upgrading(echo), server_tls(trusted.issue_cert(name))) as port:
            return await looked("websocket", {"url": f"wss://127.0.0.1:{port}/", "send": "x", "expect": "x"})

    assert on_loop(story("127.0.0.1")).status is Status.UP
    assert on_loop(story("other.example")).reason is Reason.CERTIFICATE_INVALID


def test_a_closed_port_is_refused_and_a_public_region_dials_no_private_address(on_loop: Any) -> None:
    async def blocked() -> Observation:
        async with way_out(Egress.PUBLIC) as dialer:
            return await looked("websocket", {"url": "ws://127.0.0.1:9/"}, dialer=dialer)

    assert on_loop(looked("websocket", {"url": f"ws://127.0.0.1:{closed_port()}/"})).reason is Reason.REFUSED
    assert on_loop(blocked()).reason is Reason.BLOCKED


@pytest.mark.parametrize(
    "config",
    [
        {"url": "http://example.com/"},
        {"url": "ws://user:pass@example.com/"},
        {"url": "ws://example.com/", "send": "x" * 5000},
        {"url": "ws://example.com/", "subprotocol": "a b"},
        {"url": "ws://example.com/", "headers": [["Upgrade", "h2c"]]},
        {"url": "ws://example.com/", "assertions": [{"type": "body_size", "max_bytes": 1}]},
    ],
)
def test_what_cannot_be_asked_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        parse_spec("websocket", config)


# What RFC 6455 demands, and browsers hold to --------------------------------------------------------------------------


def answering_upgrade(*lines: bytes, sign: bytes | None = None, status: bytes = b"HTTP/1.1 101 Switching") -> Handler:
    """A server that upgrades with these lines; `SIGN` in them is the right confirmation."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
        right = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        writer.write(b"\r\n".join([status, *lines, b"", b""]).replace(b"SIGN", right))
        await reader.read()

    return handle


UPGRADE, CONNECTION, ACCEPT = b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Accept: SIGN"
WELL = [UPGRADE, CONNECTION, ACCEPT]
V9 = b"Sec-WebSocket-Protocol: v9"


@pytest.mark.parametrize(
    ("lines", "subprotocol", "words"),
    [
        pytest.param(WELL, "", None, id="as it should be"),
        pytest.param([b"UPGRADE: WebSocket", b"connection: keep-alive, upgrade", b"sec-websocket-accept:  SIGN "], "",
                     None, id="in any case"),
        pytest.param([UPGRADE, b"Connection: keep-alive", CONNECTION, ACCEPT], "", None, id="connection twice"),
        pytest.param([*WELL, V9], "v9", None, id="F22 the subprotocol chosen"),
        pytest.param(WELL, "v9", "the server chose no subprotocol", id="F22 no subprotocol chosen"),
        pytest.param([*WELL, b"Sec-WebSocket-Protocol: v8"], "v9", "another subprotocol than v9", id="F22 another one"),
        pytest.param([*WELL, b"Sec-WebSocket-Protocol: V9"], "v9", "another subprotocol than v9", id="F22 by its case"),
        pytest.param([*WELL, V9, b"Sec-WebSocket-Protocol: v8"], "v9", "another subprotocol", id="F22 two chosen"),
        pytest.param([*WELL, V9], "", "that was not asked for", id="F22 one that was not asked for"),
        pytest.param([CONNECTION, ACCEPT], "", "without `Upgrade: websocket`", id="no Upgrade"),
        pytest.param([b"Upgrade: h2c", CONNECTION, ACCEPT], "", "without `Upgrade: websocket`", id="another upgrade"),
        pytest.param([UPGRADE, ACCEPT], "", "without `Connection: Upgrade`", id="no Connection"),
        pytest.param([UPGRADE, b"Connection: close", ACCEPT], "", "without `Connection: Upgrade`", id="close"),
        pytest.param([UPGRADE, CONNECTION], "", "without Sec-WebSocket-Accept", id="no Accept"),
        pytest.param([UPGRADE, CONNECTION, b"Sec-WebSocket-Accept: x"], "", "wrong Sec-WebSocket-Accept", id="wrong"),
        pytest.param([*WELL, b"Sec-WebSocket-Accept: x"], "", "wrong Sec-WebSocket-Accept", id="Accept twice"),
        pytest.param([*WELL, b"Sec-WebSocket-Extensions: permessage-deflate"], "", "an extension that was not offered",
                     id="an extension"),
    ],
)  # fmt: skip
def test_an_upgrade_is_one_when_a_browser_takes_it(
    on_loop: Any, lines: list[bytes], subprotocol: str, words: str | None
) -> None:
    seen = on_loop(look_at(answering_upgrade(*lines), subprotocol=subprotocol))
    if words is None:
        assert (seen.status, seen.code) == (Status.UP, 101), seen.detail
    else:
        assert (seen.status, seen.reason) == (Status.DOWN, Reason.PROTOCOL_ERROR)
        assert words in seen.detail


def test_an_upgrade_by_http_1_0_is_none(on_loop: Any) -> None:
    seen = on_loop(look_at(answering_upgrade(*WELL, status=b"HTTP/1.0 101 Switching")))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.PROTOCOL_ERROR)


def test_hints_before_the_upgrade_and_bare_line_feeds_are_read(on_loop: Any) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        lines = b"\n".join([b"HTTP/1.1 101 OK", *WELL, b"", b""])
        writer.write(lines.replace(b"SIGN", base64.b64encode(hashlib.sha1(key + MAGIC).digest())))
        await reader.read()

    assert on_loop(look_at(handle)).status is Status.UP


@pytest.mark.parametrize(
    ("pieces", "reason", "words"),
    [
        pytest.param((frame(1, b"hello world"),), Reason.BODY_MISMATCH,
                     "expected a message with 'ready'; found 'hello world'", id="F10 another message"),
        pytest.param((frame(1, b"one"), frame(1, b"two")), Reason.BODY_MISMATCH, "found 'two'", id="F10 the last one"),
        pytest.param((frame(1, b"ready", final=False),), Reason.TIMEOUT, "no message came in time", id="F10 half"),
        pytest.param((), Reason.TIMEOUT, "the upgrade was accepted, and no message came in time", id="F10 nothing"),
    ],
)  # fmt: skip
def test_what_was_heard_before_the_deadline_is_told(
    on_loop: Any, pieces: tuple[bytes, ...], reason: Reason, words: str
) -> None:
    seen = on_loop(look_at(upgrading(saying(*pieces)), expect="ready", timeout_s=0.4))
    assert (seen.status, seen.reason) == (Status.DOWN, reason)
    assert words in seen.detail


def test_an_answer_that_is_no_upgrade_is_read_with_its_body(on_loop: Any) -> None:
    body = b'{"error": {"code": "insufficient_quota", "message": "x"}}'
    head = b"HTTP/1.1 429 Too Many\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    seen = on_loop(look_at(answering(head + body, hang=True)))
    assert (seen.status, seen.reason, seen.code) == (Status.DOWN, Reason.QUOTA, 429), seen.detail


def test_b2_10_a_refused_credential_is_an_account_problem(on_loop: Any) -> None:
    refusing = answering(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    assert on_loop(look_at(refusing, {"bearer": "tok-1"})).reason is Reason.AUTH
    assert on_loop(look_at(refusing, headers=[["Origin", "https://a"]])).reason is Reason.HTTP_4XX
