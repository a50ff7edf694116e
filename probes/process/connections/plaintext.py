"""Redis without TLS: taken on this machine, elsewhere only where the operator says that the network is private. Pure.

Over redis:// the password of the user, all results and the sealed secrets can be read and changed on the way.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address

from probes.process.connections.address import parse_redis_url


class Plaintext(StrEnum):
    """Where Redis may be used without TLS, VIGIL_REDIS_PLAINTEXT."""

    LOOPBACK = "loopback"
    #: Also in a network of this installation only, such as that of its containers; never at a public address.
    PRIVATE_NETWORK = "private-network"


def checked_redis_url(url: str, allowed: object = Plaintext.LOOPBACK) -> str:
    """The address of a Redis; raises ValueError where it is none, or would be used without TLS and must not be."""
    address = parse_redis_url(url)
    hosts = [host for host, _ in address.places]
    if address.scheme != "redis" or all(is_this_machine(host) for host in hosts):
        return url
    if any(is_public(host) for host in hosts):
        raise ValueError("must be rediss://: redis:// shows the password and all results on the way")
    if allowed != Plaintext.PRIVATE_NETWORK:
        raise ValueError(
            "must be rediss:// off this machine: redis:// shows the password and all results on the way. In a network "
            f"of this installation only, VIGIL_REDIS_PLAINTEXT={Plaintext.PRIVATE_NETWORK} allows it"
        )
    return url


def is_this_machine(host: str) -> bool:
    """Whether a host of an address is this machine, by its name or its number alone; none is localhost."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() in ("", "localhost")


def is_public(host: str) -> bool:
    """Whether a host is a number that is reached from everywhere."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return False
