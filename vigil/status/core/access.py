"""Access to a status page: who may read it, and whether a client's address is in its networks. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Network, ip_address, ip_network

import msgspec

from vigil.client_address import Network

#: Networks of a page, and characters of one.
NETWORKS_MOST, NETWORK_LENGTH = 100, 50
_PAGES_KEPT = 256
_MAPPED = IPv6Network("::ffff:0:0/96")


class PageVisibility(StrEnum):
    """Who may read a status page."""

    PUBLIC = "public"
    PASSWORD = "password"
    #: Members of its team who are signed in.
    TEAM = "team"
    #: Clients in its networks.
    ADDRESSES = "addresses"


class PageAccess(msgspec.Struct, frozen=True):
    """What a reader needs: a password (its hash), an address in one of the networks, or to be in the team (its key)."""

    visibility: PageVisibility = PageVisibility.PUBLIC
    password: str = ""
    networks: tuple[str, ...] = ()
    team: int = 0

    @property
    def is_public(self) -> bool:
        return self.visibility is PageVisibility.PUBLIC

    def admits(self, client: str) -> bool:
        """Whether an address is in the networks; False for what is no address."""
        try:
            found = ip_address(client.strip())
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in _networks(self.networks))


class PagePlace(msgspec.Struct, frozen=True):
    """Where a page is, and who may read it there: what of it is closed at once when it changes."""

    slug: str
    domain: str = ""
    access: PageAccess = PageAccess()


def checked_networks(given: Iterable[str]) -> list[str]:
    """Networks as they are kept, each once, such as `10.0.0.0/8` or `2001:db8::/32`; raises ValueError in words."""
    kept: dict[str, None] = {}
    for text in given:
        kept[str(_network(text.strip()))] = None
        if len(kept) > NETWORKS_MOST:
            raise ValueError(f"At most {NETWORKS_MOST} networks.")
    return list(kept)


def _network(text: str) -> Network:
    shown = text[:NETWORK_LENGTH]
    try:
        found = ip_network(text if len(text) <= NETWORK_LENGTH else "", strict=False)
    except ValueError:
        raise ValueError(f"{shown} is no network. Write it as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7.") from None
    if "/" in text and ip_address(text.partition("/")[0]) != found.network_address:
        raise ValueError(f"{shown} has bits behind its length. Write {found}.")
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):
        raise ValueError(f"{shown} is IPv4 in IPv6. Write it as IPv4.")
    return found


@lru_cache(maxsize=_PAGES_KEPT)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)
