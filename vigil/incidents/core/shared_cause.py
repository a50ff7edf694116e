"""Shared causes: what incidents that open together have in common, to group their alerts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Incidents within this of each other may share a cause.
TOGETHER_S = 60
#: A mass event: at least this many monitors, and this part of all.
MASS_MONITORS = 10
MASS_SHARE = 0.3
#: What the column of causes holds (characters).
CAUSE_LIMIT = 120


@dataclass(frozen=True, slots=True)
class FailingMonitor:
    """A monitor with a new incident. `cause` is the cause it is grouped under, or ""."""

    incident: str
    host: str
    addresses: frozenset[str] = frozenset()
    cause: str = ""


def shared_cause(new: FailingMonitor, recent: Sequence[FailingMonitor], mass: bool = False) -> str:
    """Cause that a new incident shares with recent ones, oldest first; "" for none.

    1. Mass event, named after its first incident.
    2. Same host.
    3. Same address behind several hosts.
    """
    if mass and recent:
        known = [each.cause for each in recent if each.cause.startswith("mass:")]
        return known[0] if known else _key("mass", recent[0].incident)
    if new.host and any(each.host == new.host for each in recent):
        return _key("host", new.host)
    shared = sorted(new.addresses & {address for each in recent for address in each.addresses})
    return _key("address", shared[0]) if shared else ""


def belongs(cause: str, one: FailingMonitor) -> bool:
    """Whether an earlier incident belongs to a cause found after it."""
    if cause.startswith("mass:"):
        return True
    return not one.cause and cause in (_key("host", one.host), *(_key("address", each) for each in one.addresses))


def _key(kind: str, what: str) -> str:
    return f"{kind}:{what}"[:CAUSE_LIMIT]


def is_mass(failing: int, monitors: int) -> bool:
    """Whether this many monitors, failing within a minute, are a mass event."""
    return failing >= MASS_MONITORS and failing > MASS_SHARE * monitors
