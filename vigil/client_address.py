"""Address of the client behind trusted proxies. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
#: Entries of X-Forwarded-For that are read, from the right.
_HOPS_MOST = 20


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks of a comma separated list, such as `10.0.0.0/8, ::1`; raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Address of the last hop that is no trusted proxy: what such a hop claims of others is not believed.

    `peer` is the other end of the connection, `forwarded` the header X-Forwarded-For.
    """
    if not trusted or not forwarded:
        return peer
    client = peer
    for hop in reversed(forwarded.split(",")[-_HOPS_MOST:]):
        found = _address(client)
        if found is None or not any(found in network for network in trusted) or _address(hop) is None:
            break
        client = str(_address(hop))
    return client


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
