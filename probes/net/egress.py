"""Where a worker may dial: the setting VIGIL_EGRESS of its own host, parsed, and asked for each address and port. Pure.

`public`, `private`, or a list like `10.0.0.0/8:443,8000-8100;[fd12::/16]:443;public`. What an entry admits is never
more than `private` does: metadata, link-local and multicast addresses are refused whatever the list says.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from probes.net.guard import Address, Egress, Network, candidates, embeds_ipv4, kind_refused, refusal

#: Characters, entries, and ports or ranges of ports of one entry.
TEXT_MOST, ENTRIES_MOST, PORTS_MOST = 4_000, 100, 50
_PORT_MOST = 65_535
#: What a worker with a list says of it: its networks are its host's own affair.
LISTED = "listed"

#: First and last port, both admitted.
PortRange = tuple[int, int]


class BadEgress(ValueError):
    """A text that is no VIGIL_EGRESS, with words that say what to write."""


@dataclass(frozen=True, slots=True)
class EgressEntry:
    """One entry of a list: networks by word or by number, and the ports there; no ports: all of them, and echoes."""

    where: Egress | Network
    ports: tuple[PortRange, ...] = ()

    def admits(self, address: Address, port: int | None) -> bool:
        """Whether this entry admits the address at the port; None is a packet without a port, such as an echo."""
        if self.ports and (port is None or not any(first <= port <= last for first, last in self.ports)):
            return False
        if isinstance(self.where, Egress):
            return kind_refused(address, self.where) is None
        return self.where.version == address.version and address in self.where


@dataclass(frozen=True, slots=True)
class EgressList:
    """Networks and ports that a host lets its worker dial."""

    entries: tuple[EgressEntry, ...]

    def refusal(self, address: str, port: int | None) -> str | None:
        """Why the address must not be dialled at the port, or None if it may."""
        return _refusal_of_list(self, address, port)

    def names(self, address: str, port: int | None) -> bool:
        """Whether an entry names the network of the address, and not only `public`."""
        return _is_named(self, address, port)

    @property
    def value(self) -> str:
        return LISTED

    def without_ports(self) -> EgressList:
        """The same networks, with all of their ports."""
        return EgressList(tuple(EgressEntry(entry.where) for entry in self.entries))


#: What a host's setting comes to.
EgressRule = Egress | EgressList


def parse_egress(text: str) -> EgressRule:
    """The rule of a setting; raises BadEgress."""
    text = text.strip()
    if text in tuple(Egress):
        return Egress(text)
    if len(text) > TEXT_MOST:
        raise BadEgress(f"has at most {TEXT_MOST} characters")
    entries = tuple(_entry(part.strip()) for part in text.split(";"))
    if len(entries) > ENTRIES_MOST:
        raise BadEgress(f"has at most {ENTRIES_MOST} entries")
    return EgressList(entries)


@lru_cache(maxsize=8192)
def _refusal_of_list(rule: EgressList, address: str, port: int | None) -> str | None:
    never = refusal(address, Egress.PRIVATE)
    if never is not None:
        return never
    outer = ipaddress.ip_address(address.partition("%")[0])
    for candidate in candidates(outer):
        if not any(entry.admits(candidate, port) for entry in rule.entries):
            inside = "" if candidate == outer else f" (it stands for {candidate})"
            where = "" if port is None else f" port {port}"
            return f"{outer}{where} is on none of its entries{inside}"
    return None


@lru_cache(maxsize=8192)
def _is_named(rule: EgressList, address: str, port: int | None) -> bool:
    outer = ipaddress.ip_address(address.partition("%")[0])
    return any(entry.admits(outer, port) for entry in rule.entries if entry.where is not Egress.PUBLIC)


def _entry(text: str) -> EgressEntry:
    where, ports = _split(text)
    if where in tuple(Egress):
        return EgressEntry(Egress(where), ports)
    return EgressEntry(_network(where), ports)


def _split(text: str) -> tuple[str, tuple[PortRange, ...]]:
    """What stands before the ports, and the ports. An IPv6 network with ports has brackets."""
    if text.startswith("["):
        inside, bracket, after = text[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise BadEgress(f"{text[:60]!r} is not an IPv6 network in brackets, like [fd12::/16]:443")
        return inside, tuple(_ports(after[1:])) if after else ()
    where, colon, ports = text.partition(":")
    if not colon or ":" in ports:
        return text, ()
    return where, tuple(_ports(ports))


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
        if "%" in text:
            raise ValueError("a zone is of one host's own link")
    except ValueError:
        raise BadEgress(_advice(text)) from None
    for edge in {network[0], network[-1]}:
        never = kind_refused(edge, Egress.PRIVATE)
        if never is not None and _same_kind(network, never):
            raise BadEgress(f"{text[:60]} is {never}, which no worker dials")
    if embeds_ipv4(network):
        raise BadEgress(f"{text[:60]} stands for IPv4 networks: write those")
    return network


def _same_kind(network: Network, never: str) -> bool:
    """Whether all of a network is of a kind that is never dialled; a wide one may hold a few such addresses."""
    return kind_refused(network[0], Egress.PRIVATE) == kind_refused(network[-1], Egress.PRIVATE) == never


def _advice(text: str) -> str:
    """What is wrong with a network, where that can be told."""
    try:
        loose = ipaddress.ip_network(text.partition("%")[0], strict=False)
    except ValueError:
        forms = "write 10.0.0.0/8, 10.0.0.0/8:443 or [fd12::/16]:443"
        return f"{text[:60]!r} is not `public`, `private` or a network: {forms}"
    if "%" in text:
        return f"{text[:60]} has a zone: write {loose}"
    return f"{text[:60]} has digits after its length: write {loose}, or {text.partition('/')[0][:60]} for one address"


def _ports(text: str) -> Iterator[PortRange]:
    parts = text.split(",")
    if len(parts) > PORTS_MOST:
        raise BadEgress(f"has at most {PORTS_MOST} ports for one network")
    for part in parts:
        first, dash, last = part.strip().partition("-")
        low, high = _port(first), _port(last if dash else first)
        if low > high:
            raise BadEgress(f"{part[:20]!r} begins above its end")
        yield low, high


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= _PORT_MOST):
        raise BadEgress(f"{text[:20]!r} is not a port between 1 and {_PORT_MOST}, or a range like 8000-8100")
    return int(text)
