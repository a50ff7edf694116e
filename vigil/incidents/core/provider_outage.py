"""Provider outage: whether monitors of one provider fail together, and its wording. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from probes.reasons import Reason
from probes.wire import CANARY_KIND
from vigil.incidents.core.model import IncidentKind

#: Incidents that began further apart have separate causes.
TOGETHER = timedelta(minutes=10)
#: A refused key or a regional fault is not the provider's.
JOINT_KINDS = (IncidentKind.OUTAGE, IncidentKind.DEGRADED)
#: What is wrong with the content of an answer to a canary is told of it alone: no page of a provider speaks of it.
OF_CONTENT = frozenset({Reason.BODY_MISMATCH.value, Reason.VALUE_MISMATCH.value})
NAMED_MOST = 5


@dataclass(frozen=True, slots=True)
class FailingProviderMonitor:
    """A monitor's incident, as its provider's incident names it."""

    incident: str
    monitor: str
    name: str
    kind: str
    failure: str
    started: datetime


def is_providers(kind: str, failure: str) -> bool:
    """Whether an incident of a monitor of this kind, with this failure, may be its provider's."""
    return kind != CANARY_KIND or failure not in OF_CONTENT


def cause_of(team: int, provider: str) -> str:
    """Key of a team's incident of a provider."""
    return f"provider:{team}:{provider}"


def is_of_provider(cause_key: str) -> bool:
    return cause_key.startswith("provider:")


def is_together(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= TOGETHER


def worst(kinds: Sequence[str]) -> IncidentKind:
    return IncidentKind.OUTAGE if IncidentKind.OUTAGE in kinds else IncidentKind.DEGRADED


def title_of(provider: str, count: int) -> str:
    return f"{provider}: {count} monitors fail together"


def failing_in_words(failing: Sequence[FailingProviderMonitor]) -> str:
    names = [f"{one.name} ({one.failure.replace('_', ' ')})" for one in failing[:NAMED_MOST]]
    more = len(failing) - NAMED_MOST
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def evidence_of_joint(provider: str, joined: Sequence[FailingProviderMonitor], explanation: str) -> dict[str, Any]:
    """Evidence of a provider incident's step: who failed first, and who joined."""
    return {
        "provider": provider,
        "explanation": explanation,
        "joined": [
            {
                "incident": one.incident,
                "monitor": one.monitor,
                "name": one.name,
                "kind": one.kind,
                "failure": one.failure,
                "since_ms": round(one.started.timestamp() * 1000),
            }
            for one in joined
        ],
    }
