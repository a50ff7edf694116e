"""When monitors of one provider fail together: whether they do, and the words for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from vigil.incidents.core.model import IncidentKind

#: Troubles that began further apart have each a cause of their own.
TOGETHER = timedelta(minutes=10)
#: A refused key is ours, and a region's trouble is the region's: neither is the provider's.
JOINT_KINDS = (IncidentKind.OUTAGE, IncidentKind.DEGRADED)
NAMED_MOST = 5


@dataclass(frozen=True, slots=True)
class FailingProviderMonitor:
    """One monitor's incident, as its provider's incident names it."""

    incident: str
    monitor: str
    name: str
    kind: str
    failure: str
    started: datetime


def cause_of(team: int, provider: str) -> str:
    """What tells the provider's incident of a team from all others."""
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
    """What a step of a provider's incident rests on: who failed, or failed as well."""
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
