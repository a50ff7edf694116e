"""Access from a region to a provider: served, refused by geography, or a network in between. Pure.

A region that is kept out cannot see: its failures say nothing of the provider. Two vantages that disagree mean "this
network", and not "the provider is down".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from consensus.quorum import fewest_votes
from probes.prober import printable
from probes.reasons import Reason, Status
from probes.wire import Result
from vigil.monitors.core.clear_credentials import hidden_in_text

#: A result that is older says nothing now: this, or three intervals (s).
FRESH_S, FRESH_INTERVALS = 300.0, 3
#: A clock may be ahead by so much; what claims to be later would stay fresh for ever (s).
SKEW_S = 600.0
EVIDENCE_LIMIT = 240


class Access(StrEnum):
    """What a region may do at a provider, in the order in which one answer outweighs another of the same region."""

    REFUSED_BY_GEOGRAPHY = "refused_by_geography"
    INTERFERED = "interfered"
    FILTERED = "filtered"
    MAY_USE = "may_use"
    NO_KEY = "no_key"
    DOWN = "down"
    UNKNOWN = "unknown"


#: The region is kept out, and the provider may be fine.
KEPT_OUT = frozenset({Access.REFUSED_BY_GEOGRAPHY, Access.INTERFERED, Access.FILTERED})
KEPT_OUT_WORDS = {
    Access.REFUSED_BY_GEOGRAPHY: "refuses the country of",
    Access.INTERFERED: "cannot be reached through the network of",
    Access.FILTERED: "turns away, by a bot filter, the checks of",
}
#: The service itself has answered.
_SERVED = frozenset({Access.MAY_USE, Access.NO_KEY})
_BY_REASON = {
    Reason.GEO_BLOCKED: Access.REFUSED_BY_GEOGRAPHY,
    Reason.INTERFERED: Access.INTERFERED,
    Reason.BOT_FILTER: Access.FILTERED,
    Reason.AUTH: Access.NO_KEY,
    # The service has answered, whatever it says of our purse, pace or request.
    Reason.QUOTA: Access.MAY_USE,
    Reason.RATE_LIMITED: Access.MAY_USE,
    Reason.CONFIG: Access.MAY_USE,
}
#: What an interfering network looks like from within. Alone it proves nothing: others must be served meanwhile.
_SIGNATURES = frozenset({Reason.DNS_ERROR, Reason.CERTIFICATE_INVALID, Reason.TLS_ERROR})
#: How a connection fails at an address where nothing of the provider is.
_UNREACHED = frozenset({Reason.TIMEOUT, Reason.REFUSED, Reason.UNREACHABLE, Reason.RESET})
#: Addresses with so many bits alike are in one network; and so many regions are led to one before another is made up.
_NETWORK_BITS, ALIKE_LEAST = {4: 16, 6: 32}, 3
_KEYLESS_CODES = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class AccessSeen:
    """What one result says: the access, the time of the check (ms), and evidence in one line."""

    access: Access
    at_ms: int = 0
    evidence: str = ""


NOTHING_SEEN = AccessSeen(Access.UNKNOWN)


def seen_by_region(results: Mapping[str, Result], now_ms: int, interval_s: int) -> dict[str, AccessSeen]:
    """What each region may do by its newest result of one monitor.

    A failure that looks like an interfering network, or a name that leads where no other region is led, counts where
    most of the other regions are served.
    """
    own = _fresh(results, now_ms, interval_s)
    found = {}
    for region, one in own.items():
        others = {name: other for name, other in own.items() if name != region and other.access is not Access.UNKNOWN}
        served = [results[name] for name, other in others.items() if other.access in _SERVED]
        if one.access is not Access.DOWN or 2 * len(served) <= len(others):
            found[region] = one
            continue
        elsewhere = _served_elsewhere(results[region], served)
        where = f" at {', '.join(elsewhere[:2])}" if elsewhere else ""
        words = f"{one.evidence}; {len(served)} of {len(others)} other regions are served{where}"[:EVIDENCE_LIMIT]
        is_kept_out = _looks_interfered(results[region]) or _is_led_astray(elsewhere, len(served))
        found[region] = AccessSeen(Access.INTERFERED if is_kept_out else one.access, one.at_ms, words)
    return found


def _served_elsewhere(failed: Result, served: Sequence[Result]) -> list[str]:
    """The addresses at which other regions are served, where none of them is in the network that this one dialled.

    Of a connection that was made, and of regions that dialled by another family, the addresses say nothing.
    """
    dialled, known = _network_of(failed), sorted({str(one.facts.get("address", ""))[:45] for one in served})
    networks = {_network_of(one) for one in served}
    if failed.reason not in _UNREACHED or failed.phases.first_byte_us or dialled is None or None in networks:
        return []
    return known if dialled not in networks and {one.version for one in networks if one} == {dialled.version} else []


def answered(results: Mapping[str, Result], now_ms: int, interval_s: int) -> frozenset[str]:
    """The regions that the service itself answers, by their newest results of one monitor."""
    return frozenset(region for region, one in _fresh(results, now_ms, interval_s).items() if one.access in _SERVED)


def heard(results: Mapping[str, Result], now_ms: int, interval_s: int) -> frozenset[str]:
    """The regions with a fresh result of one monitor, whatever it says."""
    return frozenset(region for region, one in _fresh(results, now_ms, interval_s).items() if one.at_ms)


def weightiest(seen: Sequence[AccessSeen]) -> AccessSeen:
    """What several monitors of one provider say of one region, in one."""
    return min(seen, key=lambda one: (list(Access).index(one.access), -one.at_ms), default=NOTHING_SEEN)


@dataclass(frozen=True, slots=True)
class SettledAccess:
    """The access that counts, and another that was seen once since, with the time of that check (ms)."""

    access: Access
    next: Access | None = None
    next_ms: int = 0


def settled(before: SettledAccess | None, seen: AccessSeen) -> SettledAccess:
    """The next state: another access counts from the second check on that says so, so that no single answer decides.

    A provider's short outage may word its refusals as one of geography. Only what is no refusal counts at first sight.
    """
    if before is None:
        before = SettledAccess(Access.UNKNOWN)
    if seen.access in (Access.UNKNOWN, before.access):
        return SettledAccess(before.access)
    if before.access is Access.UNKNOWN and seen.access not in KEPT_OUT:
        return SettledAccess(seen.access)
    if before.next is not seen.access:
        return SettledAccess(before.access, seen.access, seen.at_ms)
    return SettledAccess(seen.access) if seen.at_ms > before.next_ms else before


def too_few_know(accesses: Mapping[str, Access]) -> bool:
    """Whether so few of a monitor's regions know anything that what was told before stands."""
    known = sum(access is not Access.UNKNOWN for access in accesses.values())
    return known < fewest_votes(len(accesses))


def most_are_kept_out(accesses: Mapping[str, Access]) -> list[str]:
    """The regions that are kept out, where they are more than half of those of which something is known.

    `accesses` names every region of the monitor. As in a round, so few prove nothing: most of a new monitor's regions
    have not looked yet.
    """
    known = [access for access in accesses.values() if access is not Access.UNKNOWN]
    out = sorted(region for region, access in accesses.items() if access in KEPT_OUT)
    return out if 2 * len(out) > len(known) >= fewest_votes(len(accesses)) else []


def _fresh(results: Mapping[str, Result], now_ms: int, interval_s: int) -> dict[str, AccessSeen]:
    fresh_ms = max(FRESH_S, FRESH_INTERVALS * interval_s) * 1000
    return {
        region: _own(result) if -SKEW_S * 1000 <= now_ms - result.started_ms <= fresh_ms else NOTHING_SEEN
        for region, result in results.items()
    }


def _own(result: Result) -> AccessSeen:
    return AccessSeen(_access(result), result.started_ms, _evidence(result))


def _access(result: Result) -> Access:
    known = _BY_REASON.get(result.reason)
    if known is not None:
        return known
    if result.status in (Status.UP, Status.DEGRADED):
        return Access.MAY_USE
    if result.status is Status.UNKNOWN:
        return Access.UNKNOWN
    return Access.NO_KEY if result.code in _KEYLESS_CODES else Access.DOWN


def _looks_interfered(result: Result) -> bool:
    if result.reason is Reason.RESET:
        # Connected, and reset before any answer: in the TLS handshake, after the name was sent.
        return bool(result.phases.connect_us) and not result.phases.first_byte_us
    return result.reason in _SIGNATURES


def _is_led_astray(elsewhere: Sequence[str], served: int) -> bool:
    """Whether its name was answered with a made-up address: all others, enough of them, are led to one network.

    Where the others are in several, the provider answers each place with its own.
    """
    return served >= ALIKE_LEAST and len({_network(address) for address in elsewhere}) == 1


def _network_of(result: Result) -> IPv4Network | IPv6Network | None:
    return _network(str(result.facts.get("address", ""))[:45])


def _network(address: str) -> IPv4Network | IPv6Network | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return ipaddress.ip_network((found.packed, _NETWORK_BITS[found.version]), strict=False)


def _evidence(result: Result) -> str:
    """How far the check came, whom it dialled, and what it got: `tls at 192.0.2.7: connection reset`."""
    facts = result.facts
    phase, address = facts.get("phase"), str(facts.get("address", ""))[:45]
    where = f"{phase} " if isinstance(phase, str) and phase in ("dns", "connect", "tls", "first_byte", "body") else ""
    # A region writes it itself, and everybody of the team reads it.
    what = hidden_in_text(printable(result.detail)) or result.reason.value.replace("_", " ")
    at = f"at {address}: " if address and _is_address(address) else ""
    return f"{where}{at}{what}"[:EVIDENCE_LIMIT] if result.status is not Status.UP else at.removesuffix(": ")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
