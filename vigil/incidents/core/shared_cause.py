"""What incidents that open at about the same time have in common, so that their alerts can be grouped. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Incidents that open within this of each other may have one cause.
TOGETHER_S = 60
#: A mass event: so many monitors at least, and more than this part of all.
MASS_MONITORS = 10
MASS_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class FailingMonitor:
    """A monitor with an incident that has just opened. `cause` is what it is grouped under already, or ""."""

    incident: str
    host: str
    addresses: frozenset[str] = frozenset()
    cause: str = ""


def shared_cause(new: FailingMonitor, recent: Sequence[FailingMonitor], mass: bool = False) -> str:
    """What a new incident shares with those that opened shortly before it, the oldest first; "" for nothing.

    1. Very many at once: whatever it is, it is one thing, named after its first incident.
    2. The same host, whatever was asked of it.
    3. The same address behind several hosts.
    """
    if mass and recent:
        known = [each.cause for each in recent if each.cause.startswith("mass:")]
        return known[0] if known else f"mass:{recent[0].incident}"
    if new.host and any(each.host == new.host for each in recent):
        return f"host:{new.host}"[:120]
    shared = sorted(new.addresses & {address for each in recent for address in each.addresses})
    return f"address:{shared[0]}" if shared else ""


def belongs(cause: str, one: FailingMonitor) -> bool:
    """Whether an incident that opened before is to be grouped under a cause that was found after it."""
    kind, _, what = cause.partition(":")
    if kind == "mass":
        return True
    return not one.cause and (one.host == what if kind == "host" else what in one.addresses)


def is_mass(failing: int, monitors: int) -> bool:
    """Whether so many of all monitors, failing within a minute, are one event."""
    return failing >= MASS_MONITORS and failing > MASS_SHARE * monitors
