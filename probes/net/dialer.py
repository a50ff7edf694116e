"""Guarded dialer: resolves a name, checks every address with the guard, connects to one of the checked addresses."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import aiodns

from probes.net.egress import EgressRule
from probes.net.failures import Blocked, NameNotResolved, NoRoute
from probes.net.race import connected, first_success
from probes.net.trace import Trace

Resolve = Callable[[str], Awaitable[list[str]]]
P = TypeVar("P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True)
class Dialer:
    """How this process connects: which addresses it may dial, its source address, and the resolver.

    `is_own` tells which addresses are this host's, which are not dialled either unless `egress` means them; nothing
    tells by default. `family` leaves only addresses of IPv4 (4) or IPv6 (6); 0 takes both. `setting` says what refuses
    an address, for people.
    """

    egress: EgressRule
    resolve: Resolve
    source: str | None = None
    is_own: Callable[[str], bool] | None = None
    family: int = 0
    setting: str = "the egress of this host"

    def check(self, address: str, port: int | None = None) -> None:
        """Raise Blocked where this address, at this port, is not to be dialled; an echo has no port."""
        refused = self.egress.refusal(address, port)
        if refused is None and self._is_unnamed_own(address, port):
            refused = f"{address} is an address of its own host"
        if refused is not None:
            raise Blocked(f"{self.setting} refuses it: {refused}", address)

    def _is_unnamed_own(self, address: str, port: int | None) -> bool:
        return self.is_own is not None and not self.egress.names(address, port) and self.is_own(address)


class Resolver:
    """Looks up names without a cache, /etc/hosts first, on the loop that is running when it is made."""

    def __init__(self, nameservers: list[str] | None = None) -> None:
        self._channel = aiodns.DNSResolver(nameservers=nameservers, timeout=2.0, tries=2)

    async def __call__(self, host: str) -> list[str]:
        """The addresses of a name, best first; raises NameNotResolved."""
        try:
            answer = await self._channel.getaddrinfo(host, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        except aiodns.error.DNSError as error:
            reason = error.args[1] if len(error.args) > 1 else "no answer"
            raise NameNotResolved(f"{host[:100]} does not resolve: {str(reason).lower()}") from None
        return list(dict.fromkeys(_text(node.addr[0]) for node in answer.nodes))

    async def close(self) -> None:
        await self._channel.close()


async def dial(dialer: Dialer, host: str, port: int, factory: Callable[[], P], trace: Trace) -> P:
    """Connect to a host, name or literal, and return the protocol; the caller owns the deadline.

    Raises Blocked before any packet leaves when one of the addresses is not to be dialled, NameNotResolved,
    or, when no address lets us in, the OSError that says most.
    """
    addresses = await addresses_of(dialer, host, port, trace)
    loop = asyncio.get_running_loop()
    trace.begin("connect")
    if len(addresses) == 1:
        address = trace.address = addresses[0]
        return (await loop.create_connection(factory, address, port, local_addr=source_for(dialer, address)))[1]
    first = await first_success(addresses, lambda each: connected(each, port, source_for(dialer, each)), trace)
    return (await loop.create_connection(factory, sock=first))[1]


async def addresses_of(dialer: Dialer, host: str, port: int | None, trace: Trace) -> list[str]:
    """The addresses of a host that may be dialled at a port, best first; raises Blocked and NameNotResolved.

    One refused address refuses the name: which of its addresses are dialled is nothing that a name may choose.
    """
    if _is_literal(host):
        addresses = [host]
    else:
        trace.begin("dns")
        addresses = await dialer.resolve(host)
        trace.resolved()
        if not addresses:
            raise NameNotResolved(f"{host[:100]} has no address")
    if dialer.family:
        addresses = [address for address in addresses if (":" in address) is (dialer.family == 6)]
        if not addresses:
            raise NameNotResolved(f"{host[:100]} has no IPv{dialer.family} address")
        if not any(map(_has_route, addresses)):
            raise NoRoute(f"this region has no route over IPv{dialer.family}")
    for address in addresses:
        dialer.check(address, port)
    return addresses


def source_for(dialer: Dialer, address: str) -> tuple[str, int] | None:
    """The source to bind to before dialing an address, in asyncio's form; None leaves it to the system."""
    if dialer.source is None or (":" in dialer.source) != (":" in address):
        return None
    return dialer.source, 0


def _has_route(address: str) -> bool:
    """Whether this machine has a way to an address at all; connecting a datagram socket sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError as error:
        return error.errno not in (errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
    return True


@lru_cache(maxsize=8192)
def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _text(address: str | bytes) -> str:
    return address.decode() if isinstance(address, bytes) else address
