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


# Old name servers -----------------------------------------------------------------------------------------------------


def old(rcode: int | None, *, with_question: bool = False) -> Answering:
    """A server that answers a question with EDNS by an error (None: not at all), and any other honestly."""

    def answer(question: dns.message.Message, over_tcp: bool) -> bytes | None:
        if question.edns < 0:
            return honest(question, over_tcp)
        if rcode is None:
            return None
        wire = question.to_wire()
        head = wire[:2] + struct.pack(">HHHHH", 0x8100 | rcode, 1 if with_question else 0, 0, 0, 0)
        return head + (wire[12:-11] if with_question else b"")

    return answer


def bad_version(question: dns.message.Message, over_tcp: bool) -> bytes:
    if question.edns < 0:
        return honest(question, over_tcp)
    answer = dns.message.make_response(question)
    answer.set_rcode(dns.rcode.BADVERS)
    return answer.to_wire()


@pytest.mark.parametrize(
    ("answering", "fact"),
    [
        (old(1), "the server does not know EDNS"),
        (old(1, with_question=True), "the server does not know EDNS"),
        (old(4), "the server does not know EDNS"),
        (old(2, with_question=True), "the server does not know EDNS"),
        (bad_version, "the server does not know EDNS"),
        (old(None), "answered only without EDNS"),
        (honest, None),
    ],
    ids=["formerr", "formerr with question", "notimp", "servfail", "badvers", "dropped", "honest"],
)
def test_b2_11_a_server_without_edns_is_asked_again_without_it(
    on_loop: Any, answering: Answering, fact: str | None
) -> None:
    seen = on_loop(ask("api.example", answering, expected=["192.0.2.1"]))
    assert (seen.status, seen.facts.get("edns")) == (Status.UP, fact), seen.detail


@pytest.mark.parametrize(("rcode", "words"), [(2, "SERVFAIL"), (5, "REFUSED"), (4, "NOTIMP"), (1, "FORMERR")], ids=str)
def test_b2_11_a_server_that_refuses_both_ways_is_down_by_its_own_word(on_loop: Any, rcode: int, words: str) -> None:
    def refusing(question: dns.message.Message, over_tcp: bool) -> bytes:
        answer = dns.message.make_response(question)
        answer.set_rcode(dns.rcode.Rcode(rcode))
        return answer.to_wire()

    seen = on_loop(ask("api.example", refusing))
    assert (seen.status, seen.reason, seen.facts.get("edns")) == (Status.DOWN, Reason.DNS_ERROR, None)
    assert words in seen.detail


def test_an_answer_cut_by_a_server_that_speaks_no_tcp_says_so(on_loop: Any) -> None:
    class Cutting(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
            self.transport.sendto(data[:2] + b"\x83\x80" + data[4:], address)

    async def story() -> Observation:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Cutting, ("127.0.0.1", 0))
        try:
            port = transport.get_extra_info("sockname")[1]
            return await looked("dns", {"name": "api.example", "resolver": f"127.0.0.1:{port}"})
        finally:
            transport.close()

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.REFUSED)
    assert seen.detail.startswith("the answer is too long for UDP, and over TCP the server does not give it")


# Values ---------------------------------------------------------------------------------------------------------------


def zone(*sets: tuple[str, str, list[str]]) -> Answering:
    """A server that answers every question with these sets of records (owner, kind, values)."""

    def answer(question: dns.message.Message, over_tcp: bool) -> bytes:
        reply = dns.message.make_response(question)
        for owner, kind, values in sets:
            reply.answer.append(dns.rrset.from_text(owner, 60, "IN", kind, *values))
        wire = reply.to_wire(max_size=65_535)
        if len(wire) > 1232 and not over_tcp:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            return reply.to_wire()
        return wire

    return answer


DKIM = "v=DKIM1; k=rsa; p=" + "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA" * 8 + "AbCdEf"
STRINGS = " ".join(f'"{DKIM[at : at + 255]}"' for at in range(0, len(DKIM), 255))
UP, WRONG = Status.UP, Status.DOWN
PLAIN: dict[str, Any] = {}
ALL = {"match": "all"}


@pytest.mark.parametrize(
    ("record", "values", "expected", "config", "status"),
    [
        pytest.param("A", [f"10.0.0.{n}" for n in range(200)], ["10.0.0.199"], PLAIN, UP, id="F20 the last of 200"),
        pytest.param("A", [f"10.0.{m}.{n}" for m in range(8) for n in range(250)], ["10.0.7.249"], PLAIN, UP,
                     id="F20 the last of 2000"),
        pytest.param("A", [f"10.0.0.{n}" for n in range(99)], [f"10.0.0.{n}" for n in range(99)], ALL, UP,
                     id="F20 all of 99"),
        pytest.param("A", [f"10.0.0.{n}" for n in range(99)], [f"10.0.0.{n}" for n in range(98)], ALL, WRONG,
                     id="F20 one more than all"),
        pytest.param("AAAA", ["2001:db8::1"], ["2001:db8:0:0::1"], PLAIN, UP, id="F21 an address by its value"),
        pytest.param("AAAA", ["2001:db8::1"], ["2001:DB8:0:0:0:0:0:1"], ALL, UP, id="F21 in capitals"),
        pytest.param("AAAA", ["2001:db8::1"], ["192.0.2.1"], PLAIN, WRONG, id="F21 of another family"),
        pytest.param("A", ["192.0.2.1"], ["192.0.2.010"], PLAIN, WRONG, id="F21 no address"),
        pytest.param("TXT", ['"AbCdEf"'], ["abcdef"], PLAIN, WRONG, id="F21 a text by case"),
        pytest.param("TXT", ['"AbCdEf"'], ["AbCdEf"], PLAIN, UP, id="F21 the text itself"),
        pytest.param("TXT", [STRINGS], [DKIM], PLAIN, UP, id="F12 a key of several strings"),
        pytest.param("TXT", [STRINGS], [DKIM[:300]], PLAIN, WRONG, id="F12 its beginning alone"),
        pytest.param("TXT", [STRINGS], [DKIM[:-1] + "g"], PLAIN, WRONG, id="F12 another last letter"),
        pytest.param("TXT", [STRINGS], [STRINGS], PLAIN, UP, id="F12 as dig writes it"),
        pytest.param("TXT", ['"a;b" "c\\"d"'], ['"a;b" "c\\"d"'], PLAIN, UP, id="a quotation mark inside"),
        pytest.param("TXT", ['"\\195\\188ber"'], ["über"], PLAIN, UP, id="UTF-8"),
        pytest.param("MX", ["10 Mail.Example."], ["10 mail.example"], PLAIN, UP, id="a name without case and dot"),
        pytest.param("MX", ["10 mail.example."], ["20 mail.example"], PLAIN, WRONG, id="another preference"),
        pytest.param("NS", ["NS1.example."], ["ns1.example."], PLAIN, UP, id="NS with a dot"),
        pytest.param("SRV", ["0 5 443 web.example."], ["0  5 443 WEB.example"], PLAIN, UP, id="SRV"),
        pytest.param("CAA", ['0 issue "letsencrypt.org"'], ["0 issue letsencrypt.org"], PLAIN, UP, id="CAA, no marks"),
        pytest.param("CAA", ['0 issue "letsencrypt.org"'], ['0 ISSUE "LetsEncrypt.org"'], PLAIN, UP, id="CAA by name"),
        pytest.param("CAA", ['128 issue "letsencrypt.org"'], ["0 issue letsencrypt.org"], PLAIN, WRONG, id="CAA flags"),
        pytest.param("SOA", ["ns1.example. host.example. 7 1 2 3 4"], ["NS1.example host.example 7 1 2 3 4"], PLAIN, UP,
                     id="SOA"),
    ],
)  # fmt: skip
def test_values_are_compared_by_what_they_mean_and_whole(
    on_loop: Any, record: str, values: list[str], expected: list[str], config: dict[str, Any], status: Status
) -> None:
    answering = zone(("api.example.", record, values))
    seen = on_loop(ask("api.example", answering, record=record, expected=expected, **config))
    assert (seen.status, seen.facts["answers"]) == (status, len(values)), seen.detail


def test_f12_a_long_value_is_cut_for_showing_only(on_loop: Any) -> None:
    seen = on_loop(ask("api.example", zone(("api.example.", "TXT", [STRINGS])), record="TXT", expected=["x" * 4096]))
    assert seen.reason is Reason.VALUE_MISMATCH
    assert f"{DKIM[:60]}… ({len(DKIM)} characters)" in seen.detail
    assert len(seen.detail) < 240


@pytest.mark.parametrize("name", ["API.Example", "api.example."])
def test_f21_a_name_is_asked_for_without_regard_to_case_and_final_dot(on_loop: Any, name: str) -> None:
    assert on_loop(ask(name)).status is Status.UP


# Answers that are none ------------------------------------------------------------------------------------------------


def saying(
    rcode: int, answer: list[tuple[str, str, str]], authority: list[tuple[str, str, str]], aa: bool
) -> Answering:
    def reply(question: dns.message.Message, over_tcp: bool) -> bytes:
        made = dns.message.make_response(question)
        made.set_rcode(dns.rcode.Rcode(rcode))
        made.flags |= dns.flags.AA if aa else 0
        for section, rows in ((made.answer, answer), (made.authority, authority)):
            section += [dns.rrset.from_text(owner, 60, "IN", kind, value) for owner, kind, value in rows]
        return made.to_wire()

    return reply


AWAY = [("api.example.", "CNAME", "lb.cloud.test.")]
SOA = [("example.", "SOA", "ns1.example. host.example. 1 2 3 4 5")]
REFERRAL = [("example.", "NS", "ns1.example."), ("example.", "NS", "ns2.example.")]


@pytest.mark.parametrize(
    ("answering", "detail"),
    [
        pytest.param(saying(0, [], REFERRAL, False), "api.example: the server refers to the name servers of example and"
                     " does not look further: ask a resolver", id="F21 a referral"),
        pytest.param(saying(0, AWAY, [], True), "api.example stands for lb.cloud.test, which this server does not look"
                     " up: ask a resolver, or expect the CNAME", id="F21 an alias that leads away"),
        pytest.param(saying(0, AWAY, SOA, False), "api.example stands for lb.cloud.test, which has no A record",
                     id="F21 an alias of nothing"),
        pytest.param(saying(3, AWAY, SOA, False), "api.example stands for lb.cloud.test, which does not exist"
                     " (NXDOMAIN)", id="F21 an alias of what does not exist"),
        pytest.param(saying(0, [], SOA, True), "api.example has no A record", id="F21 no data"),
        pytest.param(saying(0, [], [], True), "api.example has no A record", id="F21 no data, nothing said"),
        pytest.param(saying(0, [("other.example.", "A", "192.0.2.9")], [], True), "api.example has no A record",
                     id="the value of another name"),
        pytest.param(saying(0, [("api.example.", "CNAME", "b.example."), ("b.example.", "CNAME", "api.example.")], [],
                     True), "api.example stands for b.example, which this server does not look up: ask a resolver, or"
                     " expect the CNAME", id="aliases in a circle"),
    ],
)  # fmt: skip
def test_f21_what_is_missing_is_told_apart(on_loop: Any, answering: Answering, detail: str) -> None:
    seen = on_loop(ask("api.example", answering))
    assert (seen.status, seen.reason, seen.detail) == (Status.DOWN, Reason.DNS_ERROR, detail)


def test_f21_aliases_are_followed_to_their_value_in_any_order(on_loop: Any) -> None:
    chain = [("c.test.", "A", "192.0.2.7"), ("b.test.", "CNAME", "C.test."), ("api.example.", "CNAME", "b.test.")]
    seen = on_loop(ask("api.example", saying(0, chain, [], False), expected=["192.0.2.7"]))
    assert (seen.status, seen.facts["alias"]) == (Status.UP, "c.test")


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


@pytest.mark.parametrize(
    ("answering", "words"),
    [
        (forged, "the last datagram was an answer to something else"),
        (about_another_name, "the last datagram was an answer to another question"),
        (lambda question, over_tcp: b"\xff" * 8, "the last datagram was no DNS message"),
        (lambda question, over_tcp: None, "no answer within 0.5 s"),
    ],
)
def test_f10_a_timeout_says_what_was_heard_by_then(on_loop: Any, answering: Answering, words: str) -> None:
    assert words in on_loop(ask("api.example", answering, timeout_s=0.5)).detail


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
        ({"name": "a.example", "expected": ["x"] * 101}, "expected: at most 100 values"),
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
