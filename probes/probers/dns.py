"""DNS prober: asks a resolver for a record and compares the answer with the expected values."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.resolver
import msgspec

from probes.assertions.answer import AnswerView
from probes.assertions.kinds import Latency, validate_assertions
from probes.net.dialer import Dialer, source_for
from probes.net.dns_answer import DnsAnswer, NoAnswer, read
from probes.net.failures import Blocked, NameNotResolved, ProtocolBroken
from probes.net.guard import Egress, refusal
from probes.net.stream import Endpoint, open_stream
from probes.net.targets import BadTarget, parse_host
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding, judged
from probes.wire import Fact

_VALUES_MOST = 20
_VALUE_CHARACTERS_MOST = 300
_SHOWN = 3
#: A query without an answer is sent again after this (s), until the deadline.
_ASK_AGAIN_S = 1.5
#: Largest answer over UDP (bytes): what passes without fragmentation everywhere.
_DATAGRAM_BYTES = 1232


class DnsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask for the `record` of `name`, at `resolver` (an address, or address:port) or the region's own one.

    The answer must hold `any` of the `expected` values, or `all` of them and nothing else. Without them, any answer
    passes.
    """

    name: str
    record: Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    resolver: str = ""
    expected: tuple[str, ...] = ()
    match: Literal["any", "all"] = "any"
    assertions: tuple[Latency, ...] = ()


def validate(spec: DnsSpec) -> None:
    try:
        if parse_host(spec.name)[1]:
            raise SpecError("name", "is a name; an IP address needs no looking up")
    except BadTarget as error:
        raise SpecError("name", str(error)) from None
    if spec.resolver:
        _resolver(spec.resolver)
    if len(spec.expected) > _VALUES_MOST or any(not 1 <= len(v) <= _VALUE_CHARACTERS_MOST for v in spec.expected):
        raise SpecError("expected", f"at most {_VALUES_MOST} values of 1 to {_VALUE_CHARACTERS_MOST} characters")
    if spec.match == "all" and not spec.expected:
        raise SpecError("match", "`all` needs `expected` values")
    validate_assertions(spec.assertions)


def validate_secrets(secrets: Mapping[str, str]) -> None:
    if secrets:
        raise SpecError("secrets", "a DNS monitor has none")


@lru_cache(maxsize=1024)
def _resolver(text: str) -> tuple[str, int]:
    """Address and port of a resolver as a user writes it; raises SpecError."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    try:
        address = str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise SpecError("resolver", "is an IP address, like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53") from None
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        raise SpecError("resolver", "has a port between 1 and 65535")
    return address, int(port)


async def probe(spec: DnsSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
    """Ask over UDP, then over TCP when the answer is truncated, and compare."""
    if spec.resolver:
        address, port = _resolver(spec.resolver)
        context.dialer.check(address)
    else:
        # The region's own resolver is mostly a private address, and its operator chose it.
        address, port = _own_resolver()
    # What a public region's own resolver is, and what only it knows, is not shown.
    is_internal = not spec.resolver and context.dialer.egress is Egress.PUBLIC
    context.trace.address = "" if is_internal else address
    question = dns.message.make_query(
        dns.name.from_text(parse_host(spec.name)[0]), spec.record, use_edns=0, payload=_DATAGRAM_BYTES
    )
    context.trace.begin("first_byte")
    dialer = context.dialer if spec.resolver else replace(context.dialer, egress=Egress.PRIVATE, is_own=None)
    answer = await _ask(_Question(question.to_wire(), spec.record), Endpoint(address, port), dialer, context.trace)
    context.trace.answered()
    values = [value[:_VALUE_CHARACTERS_MOST] for value in answer.values]
    is_shown = not is_internal or _is_public(spec, values)
    facts: dict[str, Fact] = {"answers": len(values), "rcode": _rcode(answer)}
    if not is_internal:
        facts["address"] = address
    if values and is_shown:
        facts["value"] = printable(", ".join(values[:_SHOWN]))
    view = AnswerView(context.trace.total_us(), context.now_s)
    (status, reason, detail), outcomes = judged(
        _compared(spec, answer, values, is_shown), spec.assertions, view, context.explain
    )
    return Observation(status, reason, context.trace.phases(), answer.rcode, printable(detail), facts, outcomes)


def _own_resolver() -> tuple[str, int]:
    try:
        servers = dns.resolver.get_default_resolver().nameservers
    except dns.exception.DNSException:
        servers = []
    if not servers:
        raise NameNotResolved("this region has no resolver of its own: name one")
    return str(servers[0]), 53


def _rcode(answer: DnsAnswer) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode.make(answer.rcode))


def _is_public(spec: DnsSpec, values: list[str]) -> bool:
    """Whether what a public region's own resolver answers may be shown: public addresses only, since that resolver also
    knows the names of its network. Raises Blocked for other addresses, which are not even compared."""
    if spec.record not in ("A", "AAAA"):
        return False
    if any(refusal(value, Egress.PUBLIC) is not None for value in values):
        raise Blocked(
            f"a public region's own resolver gives {spec.name} an address that is not public: name a resolver"
        )
    return True


def _compared(spec: DnsSpec, answer: DnsAnswer, values: list[str], is_shown: bool) -> Finding:
    if answer.rcode != dns.rcode.NOERROR:
        return Status.DOWN, Reason.DNS_ERROR, f"{spec.name}: the resolver answers {_rcode(answer)}"
    if not values:
        return Status.DOWN, Reason.DNS_ERROR, f"{spec.name} has no {spec.record} record"
    if not spec.expected:
        return PASSED
    wanted, found = {_plain(each) for each in spec.expected}, {_plain(each) for each in values}
    if (spec.match == "any" and wanted & found) or (spec.match == "all" and wanted == found):
        return PASSED
    how = "any of" if spec.match == "any" else "exactly"
    expected, shown = ", ".join(spec.expected[:_SHOWN]), ", ".join(values[:_SHOWN])
    if not is_shown:
        shown = "something else, which a public region does not show without a `resolver`"
    return Status.DOWN, Reason.VALUE_MISMATCH, f"expected {how} {expected}; found {shown}"


def _plain(value: str) -> str:
    return " ".join(part.rstrip(".") for part in value.lower().split())


# Transport -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Question:
    """An encoded query for one record of one name."""

    message: bytes
    record: str


async def _ask(question: _Question, endpoint: Endpoint, dialer: Dialer, trace: Trace) -> DnsAnswer:
    answer = await _over_udp(question, endpoint, dialer)
    return await _over_tcp(question, endpoint, dialer, trace) if answer.truncated else answer


class _Asking(asyncio.DatagramProtocol):
    """Waits for the datagram that answers the query; forged and late ones are ignored."""

    def __init__(self, question: _Question) -> None:
        self._question = question
        self.answer: asyncio.Future[DnsAnswer] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if self.answer.done():
            return
        try:
            self.answer.set_result(read(data, self._question.message, self._question.record))
        except NoAnswer:
            return

    def error_received(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


async def _over_udp(question: _Question, endpoint: Endpoint, dialer: Dialer) -> DnsAnswer:
    loop = asyncio.get_running_loop()
    transport, asking = await loop.create_datagram_endpoint(
        lambda: _Asking(question),
        remote_addr=(endpoint.host, endpoint.port),
        local_addr=source_for(dialer, endpoint.host),
    )
    try:
        while True:
            transport.sendto(question.message)
            done, _ = await asyncio.wait((asking.answer,), timeout=_ASK_AGAIN_S)
            if done:
                return asking.answer.result()
    finally:
        transport.close()


async def _over_tcp(question: _Question, endpoint: Endpoint, dialer: Dialer, trace: Trace) -> DnsAnswer:
    async with open_stream(dialer, endpoint, trace) as stream:
        stream.send(struct.pack(">H", len(question.message)) + question.message)
        (length,) = struct.unpack(">H", await stream.take(2))
        try:
            return read(await stream.take(length), question.message, question.record)
        except NoAnswer as problem:
            raise ProtocolBroken(f"the resolver's answer cannot be used: {problem}") from None


PROBER = Prober(DnsSpec, validate, validate_secrets, probe)
