"""DNS prober: asks a resolver for a record and compares the answer with the expected values."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

import dns.exception
import dns.rcode
import dns.resolver
import msgspec

from probes.assertions.answer import AnswerView
from probes.assertions.kinds import Latency, validate_assertions
from probes.net.dialer import Dialer
from probes.net.dns.answer import DnsAnswer
from probes.net.dns.asking import ask
from probes.net.dns.values import DnsValue, is_expected
from probes.net.failures import Blocked, NameNotResolved
from probes.net.guard import Egress
from probes.net.stream import Endpoint
from probes.net.targets import BadTarget, parse_host
from probes.prober import Observation, ProbeContext, Prober, SpecError, printable
from probes.reasons import Reason, Status
from probes.specs.endpoint import PASSED, Finding, judged
from probes.wire import Fact

_VALUES_MOST = 100
#: The longest expected value: a DKIM key of 4,096 bits is a text of 700 characters and more.
_TEXT_MOST, _VALUE_MOST = 4_096, 300
#: Values shown, and characters of each; all of them are judged.
_SHOWN, _WORDS = 3, 60


class DnsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask for the `record` of `name`, at `resolver` (an address, or address:port) or the region's own one.

    The answer must hold `any` of the `expected` values, or `all` of them and nothing else. Without them, any answer
    passes. Addresses are compared as addresses, names without case and final dot, texts (TXT) by every character.
    """

    name: str
    record: Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    resolver: str = ""
    expected: tuple[str, ...] = ()
    match: Literal["any", "all"] = "any"
    assertions: tuple[Latency, ...] = ()


def validate(spec: DnsSpec) -> None:
    try:
        if parse_host(spec.name.removesuffix("."))[1]:
            raise SpecError("name", "is a name; an IP address needs no looking up")
    except BadTarget as error:
        raise SpecError("name", str(error)) from None
    if spec.resolver:
        _resolver(spec.resolver)
    longest = _TEXT_MOST if spec.record == "TXT" else _VALUE_MOST
    if len(spec.expected) > _VALUES_MOST or any(not 1 <= len(value) <= longest for value in spec.expected):
        raise SpecError("expected", f"at most {_VALUES_MOST} values of 1 to {longest} characters")
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
        context.dialer.check(address, port)
    else:
        # The region's own resolver is mostly a private address, and its operator chose it.
        address, port = _own_resolver()
    # What the own resolver of a region is, and what only it knows, is not shown unless all of its network may be.
    is_internal = not spec.resolver and context.dialer.egress is not Egress.PRIVATE
    context.trace.address = "" if is_internal else address
    context.trace.begin("first_byte")
    dialer = context.dialer if spec.resolver else replace(context.dialer, egress=Egress.PRIVATE, is_own=None)
    reply = await ask(_host(spec.name), spec.record, Endpoint(address, port), dialer, context.trace)
    context.trace.answered()
    answer = reply.answer
    is_shown = not is_internal or _may_be_shown(spec, answer.values, context.dialer)
    facts: dict[str, Fact] = {"answers": len(answer.values), "rcode": _rcode(answer)}
    if not is_internal:
        facts["address"] = address
    if reply.edns:
        facts["edns"] = reply.edns
    if answer.values and is_shown:
        facts["value"] = printable(_shown(value.text for value in answer.values))
    if answer.alias and is_shown:
        facts["alias"] = printable(answer.alias)
    view = AnswerView(context.trace.total_us(), context.now_s)
    (status, reason, detail), outcomes = judged(
        _compared(spec, answer, is_shown), spec.assertions, view, context.explain
    )
    return Observation(status, reason, context.trace.phases(), answer.rcode, printable(detail), facts, outcomes)


def _host(name: str) -> str:
    # A zone file's own way to write a name.
    return parse_host(name.removesuffix("."))[0]


def _rcode(answer: DnsAnswer) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode.make(answer.rcode))


def _may_be_shown(spec: DnsSpec, values: Sequence[DnsValue], dialer: Dialer) -> bool:
    """Whether what a region's own resolver answers may be shown: addresses that the region may dial only, since that
    resolver also knows the names of its network. Raises Blocked for other addresses, which are not even compared."""
    if spec.record not in ("A", "AAAA"):
        return False
    networks = dialer.egress.without_ports()
    if any(networks.refusal(value.text, None) is not None for value in values):
        raise Blocked(
            f"{dialer.setting} refuses an address that the region's own resolver gives {spec.name}: name a resolver"
        )
    return True


def _compared(spec: DnsSpec, answer: DnsAnswer, is_shown: bool) -> Finding:
    alias = answer.alias if is_shown else "another name"
    through = f" stands for {alias}, which" if answer.alias else ""
    if answer.rcode == dns.rcode.NXDOMAIN and through:
        return Status.DOWN, Reason.DNS_ERROR, f"{spec.name}{through} does not exist (NXDOMAIN)"
    if answer.rcode != dns.rcode.NOERROR:
        return Status.DOWN, Reason.DNS_ERROR, f"{spec.name}: the resolver answers {_rcode(answer)}"
    if not answer.values:
        return Status.DOWN, Reason.DNS_ERROR, f"{spec.name}{_lack(spec, answer, through, is_shown)}"
    if not spec.expected or is_expected(spec.record, spec.expected, answer.values, spec.match == "all"):
        return PASSED
    how = "any of" if spec.match == "any" else "exactly"
    shown = _shown(value.text for value in answer.values)
    if not is_shown:
        shown = "something else, which a public region does not show without a `resolver`"
    return Status.DOWN, Reason.VALUE_MISMATCH, f"expected {how} {_shown(spec.expected)}; found {shown}"


def _lack(spec: DnsSpec, answer: DnsAnswer, through: str, is_shown: bool) -> str:
    """Why there is no value, as the rest of a sentence about the name."""
    if answer.referred_to:
        zone = answer.referred_to if is_shown else "its zone"
        return f": the server refers to the name servers of {zone} and does not look further: ask a resolver"
    if not through:
        return f" has no {spec.record} record"
    if answer.is_complete:
        return f"{through} has no {spec.record} record"
    return f"{through} this server does not look up: ask a resolver, or expect the CNAME"


def _shown(values: Iterable[str]) -> str:
    """The first values, each cut so that there is room for the others."""
    texts = list(values)
    pieces = [text if len(text) <= _WORDS else f"{text[:_WORDS]}… ({len(text)} characters)" for text in texts[:_SHOWN]]
    more = len(texts) - len(pieces)
    return ", ".join(pieces) + (f" and {more} more" if more else "")


def _own_resolver() -> tuple[str, int]:
    try:
        servers = dns.resolver.get_default_resolver().nameservers
    except dns.exception.DNSException:
        servers = []
    if not servers:
        raise NameNotResolved("this region has no resolver of its own: name one")
    return str(servers[0]), 53


PROBER = Prober(DnsSpec, validate, validate_secrets, probe)
