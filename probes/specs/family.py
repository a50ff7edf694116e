"""IP family of a check: which addresses of a name are dialled, for every kind that dials a host."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

import msgspec

from probes.net.targets import BadTarget, parse_host, parse_url
from probes.prober import SpecError

EITHER, EACH = "either", "each"


class FamilyField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`family`: `4` or `6` dials only such addresses, `each` checks over both, `either` takes the first to answer."""

    family: Literal["either", "4", "6", "each"] = "either"


def validate_family(spec: msgspec.Struct) -> None:
    """Refuse a family that the target, a literal address, does not have; raises SpecError."""
    family = getattr(spec, "family", EITHER)
    if family == EITHER:
        return
    literal = _literal(spec)
    if literal is None:
        return
    if family == EACH:
        raise SpecError("family", f"{literal} is one address: name a host that has both, or leave `family` out")
    if literal.version != int(family):
        raise SpecError("family", f"{literal} is no IPv{family} address")


def _literal(spec: msgspec.Struct) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The target's address where the spec names an address and not a host."""
    host = getattr(spec, "host", "")
    try:
        if not host:
            # WebSocket's schemes, ws and wss, have the form of http and https.
            target = parse_url(re.sub(r"^ws", "http", getattr(spec, "url", "")))
            return ipaddress.ip_address(target.host) if target.literal else None
        name, is_literal = parse_host(host)
    except BadTarget:
        return None
    return ipaddress.ip_address(name) if is_literal else None
