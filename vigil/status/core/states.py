"""Public states of components and incidents: the words of a page, and those of Statuspage's form. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from vigil.read_models.core.shown_states import ShownState


class UpdateState(StrEnum):
    """How far the work on a public incident is; the last four are those of planned work."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"

    @property
    def words(self) -> str:
        """As people read it: In progress."""
        return self.value.replace("_", " ").capitalize()


INCIDENT_STATES = (
    UpdateState.INVESTIGATING, UpdateState.IDENTIFIED, UpdateState.MONITORING, UpdateState.RESOLVED,
)  # fmt: skip
MAINTENANCE_STATES = (
    UpdateState.SCHEDULED, UpdateState.IN_PROGRESS, UpdateState.VERIFYING, UpdateState.COMPLETED,
)  # fmt: skip
#: What ends a public incident, and what says that planned work is under way.
OVER = frozenset({UpdateState.RESOLVED, UpdateState.COMPLETED})
UNDER_WAY = frozenset({UpdateState.IN_PROGRESS, UpdateState.VERIFYING})


class RuleKind(StrEnum):
    """What a component's members must be in for an automatic incident."""

    OUTAGE = "outage"
    DEGRADED = "degraded"


class PublicImpact(StrEnum):
    """How much of what is offered a public incident takes away."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class PublicState(StrEnum):
    """State of a component as Statuspage's form names it; the worst is last. `NOT_MEASURED` is ours."""

    NOT_MEASURED = "not_measured"
    OPERATIONAL = "operational"
    MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"


_ORDER = {state: place for place, state in enumerate(PublicState)}

_OF_SHOWN: Mapping[ShownState, PublicState] = {
    ShownState.DOWN: PublicState.MAJOR_OUTAGE,
    ShownState.DEGRADED: PublicState.DEGRADED,
    ShownState.UP: PublicState.OPERATIONAL,
    ShownState.MAINTENANCE: PublicState.MAINTENANCE,
}
#: What an open incident says of the components that it affects.
OF_IMPACT: Mapping[PublicImpact, PublicState] = {
    PublicImpact.NONE: PublicState.NOT_MEASURED,
    PublicImpact.MINOR: PublicState.DEGRADED,
    PublicImpact.MAJOR: PublicState.PARTIAL_OUTAGE,
    PublicImpact.CRITICAL: PublicState.MAJOR_OUTAGE,
}
#: The shape and colour that stand beside the word of a state.
SHAPES: Mapping[PublicState, str] = {
    PublicState.OPERATIONAL: "up",
    PublicState.DEGRADED: "degraded",
    PublicState.PARTIAL_OUTAGE: "down",
    PublicState.MAJOR_OUTAGE: "down",
    PublicState.MAINTENANCE: "maintenance",
    PublicState.NOT_MEASURED: "paused",
}
#: Indicator of a page in Statuspage's form, by its worst component.
INDICATORS: Mapping[PublicState, PublicImpact] = {
    PublicState.DEGRADED: PublicImpact.MINOR,
    PublicState.PARTIAL_OUTAGE: PublicImpact.MAJOR,
    PublicState.MAJOR_OUTAGE: PublicImpact.CRITICAL,
}


def measured(shown: Iterable[ShownState]) -> PublicState:
    """State of a component by its monitors: down as a whole only where each of them that is measured is down."""
    states = [_OF_SHOWN.get(one, PublicState.NOT_MEASURED) for one in shown]
    found = worst(states)
    known = {one for one in states if one is not PublicState.NOT_MEASURED}
    if found is PublicState.MAJOR_OUTAGE and len(known) > 1:
        return PublicState.PARTIAL_OUTAGE
    return found


def worst(states: Iterable[PublicState]) -> PublicState:
    """The worst of them; `NOT_MEASURED` for none."""
    return max(states, key=_ORDER.__getitem__, default=PublicState.NOT_MEASURED)


def statuspage_word(state: PublicState) -> str:
    """The state in Statuspage's form, which has no word for what is not measured."""
    return PublicState.OPERATIONAL.value if state is PublicState.NOT_MEASURED else state.value
