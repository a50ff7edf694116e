"""Incidents of what is foretold and no quorum has seen: a quota that ends, regions that are kept out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from probes.reasons import Reason, Status
from vigil.incidents.core.model import BelievedState, IncidentKind, Move, Step, StepReason

#: Their cause begins so. Those of one provider have the same, so that their alerts are grouped.
FORETOLD = "access:"


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
