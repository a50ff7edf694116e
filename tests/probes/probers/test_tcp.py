"""The TCP prober against real sockets."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
import trustme

from probes.net.guard import Egress
from probes.prober import Observation, SpecError
from probes.probers import parse_spec, validate_secrets
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import Handler, closed_port, dripping, endless, resetting, serving, silent, way_out


async def knock(host: str, port: int | None, egress: Egress = Egress.PRIVATE) -> Observation:
    async with serving(silent) as open_port, way_out(egress) as dialer:
        return await looked("tcp", {"host": host, "port": port or open_port}, dialer=dialer, timeout_s=2.0)


def echoing(greeting: bytes = b"") -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while chunk := await reader.read(1000):
            writer.write(chunk)
            await writer.drain()

    return handle


async def converse(handler: Handler, tls: ssl.SSLContext | None = None, **config: Any) -> Observation:
    explain = config.pop("explain", False)
    timeout_s = config.pop("timeout_s", 5.0)
    async with serving(handler, tls) as port:
        spec = {"host": "127.0.0.1", "port": port, "tls": tls is not None, **config}
        return await looked("tcp", spec, explain=explain, timeout_s=timeout_s)


def test_a_port_that_accepts_is_up(on_loop: Any) -> None:
    seen = on_loop(knock("127.0.0.1", None))
    assert (seen.status, seen.reason, seen.facts) == (Status.UP, Reason.OK, {"address": "127.0.0.1"})
    assert 0 < seen.phases.connect_us <= seen.phases.total_us


def test_a_name_is_resolved_first(on_loop: Any) -> None:
    seen = on_loop(knock("localhost", None))
    assert seen.status is Status.UP
    assert seen.phases.dns_us > 0


def test_a_closed_port_is_refused(on_loop: Any) -> None:
    seen = on_loop(knock("127.0.0.1", closed_port()))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.REFUSED)


def test_a_public_region_does_not_knock_on_private_doors(on_loop: Any) -> None:
    seen = on_loop(knock("127.0.0.1", None, Egress.PUBLIC))
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.BLOCKED)


def test_what_is_sent_must_bring_back_what_is_expected(on_loop: Any) -> None:
    seen = on_loop(converse(echoing(), send="PING\r\n", expect="PING"))
    assert (seen.status, seen.facts["body_bytes"]) == (Status.UP, 6)
    assert seen.phases.first_byte_us > 0


def test_a_greeting_is_awaited_however_many_pieces_it_comes_in(on_loop: Any) -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"220 mail ready\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.002)
        await reader.read()

    assert on_loop(converse(slowly, expect="220 mail ready")).status is Status.UP


def test_another_greeting_is_down_and_shown(on_loop: Any) -> None:
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 go away\r\n")
        await writer.drain()

    seen = on_loop(converse(refusing, expect="220 "))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.BODY_MISMATCH)
    assert seen.detail == "expected '220 '; found '554 go away\\r\\n'"


def test_assertions_look_at_what_came_back(on_loop: Any) -> None:
    pattern = {"type": "regex", "pattern": "^SSH-2"}
    assert on_loop(converse(echoing(b"SSH-2.0-x\r\n"), assertions=[pattern])).status is Status.UP
    seen = on_loop(converse(echoing(b"SSH-1.9-x\r\n"), assertions=[pattern], explain=True))
    assert (seen.status, [each.passed for each in seen.outcomes]) == (Status.DOWN, [False])


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (silent, Reason.TIMEOUT),
        (dripping(b"", b"."), Reason.BODY_MISMATCH),
        (endless(b"", b"x" * 65_536), Reason.BODY_MISMATCH),
        (resetting(b"22"), Reason.RESET),
    ],
)
def test_a_hostile_peer_ends_in_bounded_time_and_memory(on_loop: Any, handler: Handler, reason: Reason) -> None:
    seen = on_loop(converse(handler, send="\r\n\r\n", expect="220 ", timeout_s=0.5))
    assert (seen.status, seen.reason) == (Status.DOWN, reason)
    assert seen.phases.total_us < 1_500_000


def test_a_conversation_is_had_over_tls(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    seen = on_loop(converse(echoing(b"hello\r\n"), server_tls(trusted.issue_cert("127.0.0.1")), expect="hello"))
    assert seen.status is Status.UP, seen
    assert seen.facts["tls"] == "TLSv1.3"


def test_a_certificate_that_does_not_verify_is_down_before_anything_is_sent(
    on_loop: Any, trusted: trustme.CA, server_tls: Any
) -> None:
    seen = on_loop(converse(echoing(), server_tls(trusted.issue_cert("other.example")), send="secret", expect="secret"))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.CERTIFICATE_INVALID)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"send": "x" * 4097}, "send: at most 4096 characters"),
        ({"expect": "x" * 1001}, "expect: at most 1000 characters"),
        ({"ca_pem": "not a certificate"}, "ca_pem: is one or more PEM certificates"),
        ({"server_name": "a b"}, "server_name: 'a b' is not a host name"),
    ],
)
def test_what_could_not_be_sent_is_refused(config: dict[str, object], line: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec("tcp", {"host": "example.com", "port": 25, **config})
    assert str(refused.value).startswith(line)
    with pytest.raises(SpecError):
        validate_secrets("tcp", {"bearer": "x"})


# What was heard before the deadline -----------------------------------------------------------------------------------


def greeting(*pieces: bytes, close: bool = False) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        if not close:
            await reader.read()

    return handle


@pytest.mark.parametrize(
    ("handler", "config", "detail"),
    [
        pytest.param(greeting(b"220 mail ready\r\n"), {"expect": "221"}, "expected '221'; found '220 mail ready\\r\\n'",
                     id="F10 another banner"),
        pytest.param(greeting(b"-NOAUTH Authentication required.\r\n"), {"send": "PING\r\n", "expect": "PONG"},
                     "expected 'PONG'; found '-NOAUTH Authentication required.\\r\\n'", id="F10 redis"),
        pytest.param(greeting(b"22", b"0 ma"), {"expect": "220 mail"}, "expected '220 mail'; found '220 ma'",
                     id="F10 in pieces"),
        pytest.param(greeting(b"220 x"), {"assertions": [{"type": "body_contains", "text": "mail"}]},
                     "expected a body with 'mail'; found 5 bytes: '220 x'", id="F10 an assertion"),
        pytest.param(greeting(b"bye", close=True), {"expect": "hello"}, "expected 'hello'; found 'bye'",
                     id="F10 closed"),
    ],
)  # fmt: skip
def test_what_was_heard_before_the_deadline_is_told(
    on_loop: Any, handler: Handler, config: dict[str, Any], detail: str
) -> None:
    seen = on_loop(converse(handler, timeout_s=0.4, **config))
    assert (seen.status, seen.reason, seen.detail) == (Status.DOWN, Reason.BODY_MISMATCH, detail)


def test_f10_who_says_nothing_is_still_a_timeout(on_loop: Any) -> None:
    seen = on_loop(converse(silent, expect="220", timeout_s=0.3))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("assertion", "status"),
    [
        ({"type": "body_contains", "text": "ready"}, Status.UP),
        ({"type": "regex", "pattern": "^220.*ready"}, Status.UP),
        ({"type": "body_size", "min_bytes": 10}, Status.UP),
        ({"type": "body_contains", "text": "ready", "absent": True}, Status.DOWN),
        ({"type": "body_size", "max_bytes": 5}, Status.DOWN),
    ],
)
def test_no_assertion_is_judged_by_the_first_piece_alone(
    on_loop: Any, assertion: dict[str, Any], status: Status
) -> None:
    assert on_loop(converse(greeting(b"220 m", b"ail ready"), assertions=[assertion])).status is status
