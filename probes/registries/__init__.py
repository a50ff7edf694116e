"""Registries of domains: which RDAP server knows the names below a top-level domain, by IANA's list.

The list that ships is IANA's bootstrap registry for domains (RFC 9224), in its own format, with its day of publication.
`python3 -m probes.registries FILE` fetches the newest one; VIGIL_RDAP_SERVERS names the file to use instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

SETTING = "VIGIL_RDAP_SERVERS"
SHIPPED = Path(__file__).parent / "rdap-dns.json"
#: The list has about 1,200 names in 70 KB; a file far from that is not the list.
NAMES_LEAST, BYTES_MOST = 500, 2_000_000


class BadList(ValueError):
    """A file that is not IANA's list, in one line for people."""


class _List(msgspec.Struct):
    publication: str
    services: list[tuple[list[str], list[str]]]


def parse(text: bytes) -> Mapping[str, str]:
    """Top-level domain -> base address of its RDAP server, https before http; raises BadList."""
    if len(text) > BYTES_MOST:
        raise BadList(f"larger than {BYTES_MOST} bytes")
    try:
        read = msgspec.json.decode(text, type=_List)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadList(f"not IANA's list: {error}") from None
    servers: dict[str, str] = {}
    for names, addresses in read.services:
        known = sorted((one for one in addresses if one.startswith(("https://", "http://"))), reverse=True)
        servers |= {name.lower(): known[0].rstrip("/") + "/" for name in names if known}
    if len(servers) < NAMES_LEAST:
        raise BadList(f"only {len(servers)} top-level domains: IANA's list has over a thousand")
    return servers


def server_of(domain: str) -> str | None:
    """Base address of the RDAP server for a domain (ASCII), or None where the list names none."""
    return _servers(os.environ.get(SETTING, "")).get(domain.rpartition(".")[2])


@lru_cache(maxsize=2)
def _servers(path: str) -> Mapping[str, str]:
    return parse((Path(path) if path else SHIPPED).read_bytes())
