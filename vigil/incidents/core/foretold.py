"""Incidents of what is foretold and no quorum has seen: a quota that ends, regions that are kept out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probes.reasons import Reason, Status
from vigil.access.core.headroom import Headroom, counted_in_words, in_words
from vigil.access.core.region_access import KEPT_OUT_WORDS, Access
from vigil.access.core.rows import quota_rows
from vigil.access.core.trend import TrendReason
from vigil.incidents.core.model import BelievedState, IncidentKind, Move, Step, StepReason

#: Their cause begins so. Those of one provider have the same, so that their alerts are grouped.
FORETOLD = "access:"
OF_REGIONS = f"{FORETOLD}regions:"
REGIONS_NAMED = 10
#: An access, and its evidence.
SeenAccess = tuple[Access, str]
_FAILURES = {Access.REFUSED_BY_GEOGRAPHY: Reason.GEO_BLOCKED, Access.FILTERED: Reason.BOT_FILTER}


@dataclass(frozen=True, slots=True)
class Foretold:
    """What is to be told of a monitor: the kind and reason of its incident, its cause, and its words."""

    kind: IncidentKind
    reason: StepReason
    cause: str
    title: str
    text: str
    failure: Reason
    evidence: Mapping[str, Any] = field(default_factory=dict)


_UNSURE = (
    "No region is served, so it may be the service itself: a wrong certificate or address of its own looks the same."
)
_ENDS = {
    IncidentKind.DEGRADED: StepReason.HEADROOM_BACK,
    IncidentKind.ACCOUNT: StepReason.REGIONS_ADMITTED,
}


def next_move(state: BelievedState, cause: str, wanted: Foretold | None) -> Move | None:
    """The step of its incident, or None. `cause` is that of the monitor's open incident; "" for none.

    What a quorum has seen goes first: nothing is foretold of a monitor that fails, flaps or has another incident.
    """
    if state.flapping or state.status not in (Status.UP, Status.UNKNOWN):
        return None
    if state.open is None:
        return Move(wanted.kind, Step.OPENED, wanted.reason) if wanted is not None else None
    if not cause.startswith(FORETOLD) or (wanted is not None and wanted.cause == cause and wanted.kind is state.open):
        return None
    return Move(state.open, Step.RESOLVED, _ENDS.get(state.open, StepReason.RECOVERED))


def of_headroom(name: str, host: str, headroom: Headroom) -> Foretold | None:
    """What is told of a key whose warning is on."""
    quota = headroom.tightest
    if not headroom.warned.on or quota is None:
        return None
    minutes = quota.trend.minutes
    when = "soon" if minutes is None else f"in about {max(1, round(minutes))} minutes"
    ends = "is used up" if quota.trend.reason is TrendReason.USED_UP else f"ends {when}"
    return Foretold(
        kind=IncidentKind.DEGRADED,
        reason=StepReason.HEADROOM_SHORT,
        cause=f"{FORETOLD}headroom:{host}"[:120],
        title=f"{name[:200]}: its quota of {counted_in_words(quota.counted)} {ends}",
        text=in_words(quota),
        failure=Reason.RATE_LIMITED,
        evidence={"headroom": quota_rows([quota])},
    )


def of_regions(name: str, host: str, out: Sequence[str], accesses: Mapping[str, SeenAccess]) -> Foretold | None:
    """What is told of regions that are kept out, where they are most of those that know; with evidence by region."""
    if not out:
        return None
    known = sum(access is not Access.UNKNOWN for access, _ in accesses.values())
    said = []
    for access, words in KEPT_OUT_WORDS.items():
        regions = [region for region in out if accesses[region][0] is access]
        if regions:
            more = f" and {len(regions) - REGIONS_NAMED} more" if len(regions) > REGIONS_NAMED else ""
            said.append(f"{host} {words} {', '.join(regions[:REGIONS_NAMED])}{more}.")
    evidence = next((text for region in out if (text := accesses[region][1])), "")
    unsure = any(accesses[region][0] is Access.INTERFERED for region in out) and not _is_served(accesses)
    title = "no region gets through" if unsure else f"{len(out)} of {known} regions are kept out (not an outage)"
    text = " ".join([*said, _UNSURE if unsure else "That is no outage: these regions cannot see."])
    return Foretold(
        kind=IncidentKind.ACCOUNT,
        reason=StepReason.REGIONS_KEPT_OUT,
        cause=f"{OF_REGIONS}{host}"[:120],
        title=f"{name[:200]}: {title}",
        text=f"{text} {evidence}".strip(),
        failure=_FAILURES.get(accesses[out[0]][0], Reason.INTERFERED),
        evidence={
            "regions": {
                region: {"access": accesses[region][0].value, "evidence": accesses[region][1]} for region in out
            }
        },
    )


def _is_served(accesses: Mapping[str, SeenAccess]) -> bool:
    return any(access in (Access.MAY_USE, Access.NO_KEY) for access, _ in accesses.values())
