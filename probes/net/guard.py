"""Egress guard (SSRF protection): decides by address what a region may dial, with fixed lists.

The lists are our own because `ipaddress.is_global` differs between Python versions and allows NAT64, 6to4 and other
forms that carry a private address inside.
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Egress(StrEnum):
    """What a region may dial: public addresses only, or the private networks of its host as well."""

    PUBLIC = "public"
    PRIVATE = "private"

    def refusal(self, address: str, port: int | None) -> str | None:
        """Why the address must not be dialled, or None if it may; its ports are all alike."""
        return refusal(address, self)

    def names(self, address: str, port: int | None) -> bool:
        """Whether this host's own addresses are meant too."""
        return self is Egress.PRIVATE

    def without_ports(self) -> Egress:
        return self


def _networks(*cidrs: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(cidr) for cidr in cidrs)


#: Never dialled, from any region: cloud metadata, link-local, multicast, unspecified, reserved.
_NEVER: tuple[tuple[str, tuple[Network, ...]], ...] = (
    (
        "a cloud metadata address",
        _networks(
            "169.254.169.254/32",
            "169.254.170.2/32",
            "169.254.170.23/32",
            "100.100.100.200/32",
            "192.0.0.192/32",
            "168.63.129.16/32",
            "fd00:ec2::254/128",
            "fd00:ec2::23/128",
            "fd20:ce::254/128",
        ),
    ),
    ("a link-local address", _networks("169.254.0.0/16", "fe80::/10")),
    ("a multicast address", _networks("224.0.0.0/4", "ff00::/8")),
    ("an unspecified address", _networks("0.0.0.0/8", "::/128")),
    ("a reserved address", _networks("240.0.0.0/4")),
)

#: Reachable from inside some network only, or not meant to be reached at all; refused with egress `public`.
_NOT_PUBLIC: tuple[tuple[str, tuple[Network, ...]], ...] = (
    ("a loopback address", _networks("127.0.0.0/8", "::1/128")),
    (
        "a private address",
        _networks(
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "fc00::/7",
            "fec0::/10",
        ),
    ),
    (
        "a special-purpose address",
        _networks(
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "::/96",
            "::ffff:0:0/96",
            "::ffff:0:0:0/96",
            "64:ff9b:1::/48",
            "100::/64",
            "100:0:0:1::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "2620:4f:8000::/48",
            "3fff::/20",
            "5f00::/16",
        ),
    ),
)

_GLOBAL_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_EMBEDS_V4_LAST = _networks("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
#: The third quarter of an ISATAP address, under any prefix: the IPv4 address of the host behind it follows.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def refused_networks(egress: Egress) -> tuple[Network, ...]:
    """The networks that are refused by themselves, whatever stands inside their addresses."""
    lists = _NEVER if egress is Egress.PRIVATE else _NEVER + _NOT_PUBLIC
    return tuple(network for _, networks in lists for network in networks)


@lru_cache(maxsize=8192)
def refusal(address: str, egress: Egress) -> str | None:
    """Why a region with this egress must not dial the address, or None if it may.

    The address is a literal as a resolver gives it; an IPv4 address inside an IPv6 address is checked too.
    """
    try:
        outer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address[:60]!r} is not an IP address"
    for candidate in candidates(outer):
        kind = kind_refused(candidate, egress)
        if kind is not None:
            inside = "" if candidate == outer else f" (it stands for {candidate})"
            return f"{outer} is {kind}{inside}"
    return None


def kind_refused(address: Address, egress: Egress) -> str | None:
    """The kind of an address that is refused, or None; what is inside the address is not looked at."""
    lists = _NEVER if egress is Egress.PRIVATE else _NEVER + _NOT_PUBLIC
    for kind, networks in lists:
        if any(address.version == network.version and address in network for network in networks):
            return kind
    if egress is Egress.PUBLIC and address.version == 6 and address not in _GLOBAL_UNICAST_V6:
        return "not a public address"
    return None


def candidates(address: Address) -> tuple[Address, ...]:
    """The addresses that a packet to this one may reach: itself, and those inside it."""
    if address.version == 6 and address in _NAT64:
        # A region without IPv4 reaches public IPv4 targets through NAT64, so only the inner address counts.
        return (_v4(int(address)),)
    return (address, *_wrapped(address))


def _wrapped(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses inside an IPv6 address, by each transition mechanism that embeds one."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    number = int(address)
    if address in _SIX_TO_FOUR:
        return (_v4(number >> 80),)
    if address in _TEREDO:
        return (_v4(number >> 64), _v4(~number))
    if address in _NAT64_LOCAL:
        # RFC 6052 places the IPv4 address by the length of the prefix a network chose: /96, or /48 around bits 64-71.
        by_48 = (number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF
        return (_v4(number), _v4(by_48)) if by_48 else (_v4(number),)
    if number >> 32 & 0xFFFF_FFFF in _ISATAP:
        return (_v4(number),)
    if number > 1 and any(address in network for network in _EMBEDS_V4_LAST):
        return (_v4(number),)
    return ()


def embeds_ipv4(network: Network) -> bool:
    """Whether each address of a network has an IPv4 address inside, which is what is judged."""
    embedding = (*_EMBEDS_V4_LAST, _NAT64, _NAT64_LOCAL, _SIX_TO_FOUR, _TEREDO)
    # The addresses :: and ::1 are of the first of these, and are what they are.
    return network.prefixlen < 127 and any(
        isinstance(network, ipaddress.IPv6Network) and network.subnet_of(each)
        for each in embedding
        if isinstance(each, ipaddress.IPv6Network)
    )


def _v4(number: int) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(number & 0xFFFFFFFF)
