"""The DNS prober against a real name server on loopback, honest and not."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from probes.net.guard import Egress
from probes.prober import Observation, SpecError
from probes.probers import dns as dns_prober
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import way_out

RECORDS = {
    ("api.example.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("api.example.", "AAAA"): ["2001:db8::1"],
    ("www.example.", "CNAME"): ["api.example."],
    ("example.", "MX"): ["10 mail.example."],
    ("example.", "TXT"): ['"v=spf1" " -all"'],
    ("example.", "NS"): ["ns1.example.", "ns2.example."],
    ("empty.example.", "TXT"): ['"x"'],
}
Answering = Callable[[dns.message.Message, bool], bytes | None]


def honest(question: dns.message.Message, over_tcp: bool) -> bytes:
    answer = dns.message.make_response(question)
    asked = question.question[0]
    name, kind = asked.name.to_text().lower(), asked.rdtype.name
    if (name, kind) in RECORDS:
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *RECORDS[name, kind]))
    elif not any(known == name for known, _ in RECORDS):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer.to_wire()


@contextlib.asynccontextmanager
async def resolving(answering: Answering) -> AsyncIterator[str]:
    """A name server over UDP and TCP on the same port of loopback; yields its address and port."""

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
            payload = answering(dns.message.from_wire(data), False)
            if payload is not None:
                self._transport.sendto(payload, address)

    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
        payload = answering(dns.message.from_wire(await reader.readexactly(length)), True)
        if payload is not None:
            writer.write(struct.pack(">H", len(payload)) + payload)
            await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(over_tcp, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(Server, ("127.0.0.1", port))
    try:
        yield f"127.0.0.1:{port}"
    finally:
        transport.close()
        server.close()


async def ask(name: str, answering: Answering = honest, timeout_s: float = 5.0, **config: Any) -> Observation:
    async with resolving(answering) as resolver:
        return await looked("dns", {"name": name, "resolver": resolver, **config}, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("name", "record", "expected"),
    [
        ("api.example", "A", "192.0.2.2"),
        ("API.example", "AAAA", "2001:db8::1"),
        ("www.example", "CNAME", "api.example"),
        ("example", "MX", "10 mail.example"),
        ("example", "TXT", "v=spf1 -all"),
        ("example", "NS", "ns2.example."),
    ],
)
def test_every_kind_of_record_is_compared_with_what_is_expected(
    on_loop: Any, name: str, record: str, expected: str
) -> None:
    seen = on_loop(ask(name, record=record, expected=[expected]))
    assert (seen.status, seen.reason, seen.facts["rcode"]) == (Status.UP, Reason.OK, "NOERROR"), seen.detail
    assert seen.phases.first_byte_us > 0


@pytest.mark.parametrize(
    ("config", "status"),
    [
        ({}, Status.UP),
        ({"expected": ["192.0.2.1"]}, Status.UP),
        ({"expected": ["192.0.2.9"]}, Status.DOWN),
        ({"expected": ["192.0.2.2", "192.0.2.1"], "match": "all"}, Status.UP),
        ({"expected": ["192.0.2.1"], "match": "all"}, Status.DOWN),
    ],
)
def test_any_or_all_of_the_values_are_expected(on_loop: Any, config: dict[str, Any], status: Status) -> None:
    assert on_loop(ask("api.example", **config)).status is status


def test_a_wrong_answer_says_what_was_found_instead(on_loop: Any) -> None:
    seen = on_loop(ask("api.example", expected=["192.0.2.9"]))
    assert (seen.reason, seen.detail) == (
        Reason.VALUE_MISMATCH,
        "expected any of 192.0.2.9; found 192.0.2.1, 192.0.2.2",
    )


def test_no_such_name_and_no_such_record_are_told_apart(on_loop: Any) -> None:
    missing, empty = on_loop(ask("missing.example")), on_loop(ask("empty.example"))
    assert (missing.reason, missing.detail) == (Reason.DNS_ERROR, "missing.example: the resolver answers NXDOMAIN")
    assert (empty.reason, empty.detail) == (Reason.DNS_ERROR, "empty.example has no A record")


def test_an_answer_too_large_for_a_datagram_is_asked_for_over_tcp(on_loop: Any) -> None:
    def cut(question: dns.message.Message, over_tcp: bool) -> bytes:
        if over_tcp:
            return honest(question, True)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.TC
        return answer.to_wire()

    seen = on_loop(ask("api.example", cut, expected=["192.0.2.1"]))
    assert seen.status is Status.UP
    assert seen.phases.connect_us > 0


def test_a_lost_question_is_asked_again(on_loop: Any) -> None:
    asked: list[int] = []

    def forgetful(question: dns.message.Message, over_tcp: bool) -> bytes | None:
        asked.append(question.id)
        return honest(question, over_tcp) if len(asked) > 1 else None

    assert on_loop(ask("api.example", forgetful)).status is Status.UP
    assert len(asked) == 2


def forged(question: dns.message.Message, over_tcp: bool) -> bytes:
    question.id ^= 1
    return honest(question, over_tcp)


def about_another_name(question: dns.message.Message, over_tcp: bool) -> bytes:
    other = dns.message.make_query("evil.example", "A", id=question.id)
    return dns.message.make_response(other).to_wire()


@pytest.mark.parametrize(
    "answering",
    [
        forged,
        about_another_name,
        lambda question, over_tcp: b"",
        lambda question, over_tcp: b"\xff" * 500,
        # A name that points at itself.
        lambda question, over_tcp: question.to_wire()[:12] + b"\xc0\x0c\x00\x01\x00\x01",
        lambda question, over_tcp: None,
    ],
)
def test_what_is_no_answer_to_the_question_is_passed_over(on_loop: Any, answering: Answering) -> None:
    seen = on_loop(ask("api.example", answering, timeout_s=0.5))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TIMEOUT)


def test_a_resolver_that_does_not_run_is_refused(on_loop: Any) -> None:
    from tests.probes.loopback import closed_port

    seen = on_loop(looked("dns", {"name": "api.example", "resolver": f"127.0.0.1:{closed_port()}"}, timeout_s=2))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.REFUSED)


@pytest.mark.parametrize(
    ("config", "status", "reason"),
    [
        ({"name": "api.example"}, Status.UNKNOWN, Reason.BLOCKED),
        ({"name": "api.example", "record": "AAAA", "expected": ["2001:db8::1"]}, Status.UNKNOWN, Reason.BLOCKED),
        ({"name": "example", "record": "TXT", "expected": ["v=spf1 -all"]}, Status.UP, Reason.OK),
        ({"name": "example", "record": "MX", "expected": ["10 other.example"]}, Status.DOWN, Reason.VALUE_MISMATCH),
    ],
)
def test_s28_a_public_region_does_not_show_what_its_own_resolver_knows(
    on_loop: Any, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], status: Status, reason: Reason
) -> None:
    async def story() -> Observation:
        async with resolving(honest) as resolver, way_out(Egress.PUBLIC) as dialer:
            host, _, port = resolver.partition(":")
            monkeypatch.setattr(dns_prober, "_own_resolver", lambda: (host, int(port)))
            return await looked("dns", config, dialer=dialer)

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (status, reason), seen.detail
    assert not {"value", "address"} & set(seen.facts)
    for internal in ("192.0.2.", "2001:db8", "spf1", "mail.example"):
        assert internal not in seen.detail


def test_a_public_region_asks_no_private_resolver(on_loop: Any) -> None:
    async def story() -> Observation:
        async with way_out(Egress.PUBLIC) as dialer:
            return await looked("dns", {"name": "api.example", "resolver": "10.0.0.53"}, dialer=dialer)

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.BLOCKED)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"name": "192.0.2.1"}, "name: is a name; an IP address needs no looking up"),
        ({"name": "a b"}, "name: 'a b' is not a host name"),
        ({"name": "a.example", "resolver": "ns.example"}, "resolver: is an IP address, like 192.0.2.53"),
        ({"name": "a.example", "resolver": "192.0.2.1:0"}, "resolver: has a port between 1 and 65535"),
        ({"name": "a.example", "match": "all"}, "match: `all` needs `expected` values"),
        ({"name": "a.example", "expected": ["x"] * 21}, "expected: at most 20 values"),
        ({"name": "a.example", "record": "ANY"}, "record: "),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(config: dict[str, object], line: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec("dns", config)
    assert str(refused.value).startswith(line)


@pytest.mark.parametrize("resolver", ["2001:db8::53", "[2001:db8::53]:5353", "192.0.2.53", "192.0.2.53:5353"])
def test_a_resolver_is_written_with_or_without_a_port(resolver: str) -> None:
    parse_spec("dns", {"name": "a.example", "resolver": resolver})
