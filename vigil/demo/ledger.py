"""Demo database access (blocking): creates the monitor and channel, and reads their state."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import close_old_connections

from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel
from vigil.demo.shapes import DEMO_KEY
from vigil.demo.stage import INTERVAL_S
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.models import Incident, MonitorState, Transition
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Region

TIMEOUT_MS = 2_000


def set_the_stage(provider: str, hook: str, secret: str, regions: Sequence[str]) -> str:
    """Create a monitor of the provider in `regions`, and a channel to the hook; returns the monitor's id."""
    team = default_team()
    channel = Channel(team=team, name="demo receiver", kind="webhook", config={"url": hook}, secrets={"secret": secret})
    channel.save()
    monitor = create_monitor(
        team,
        {
            "name": "OpenAI (fake): list models",
            "kind": "http",
            "config": {"url": f"{provider}/openai/v1/models"},
            "secrets": {"bearer": DEMO_KEY},
            "interval_s": INTERVAL_S,
            "timeout_ms": TIMEOUT_MS,
            "sensitivity": "high",
            "regions": list(Region.objects.filter(slug__in=regions)),
        },
    )
    return str(monitor.public_id)


def status_of(monitor: str) -> str:
    """Status of the monitor; empty if unknown."""
    close_old_connections()
    state = MonitorState.objects.filter(monitor__public_id=monitor).values_list("status", flat=True).first()
    return str(state or "")


def regional_incident_ms(monitor: str) -> int:
    """Opening time of a regional incident of the monitor; 0 if none."""
    close_old_connections()
    incident = Incident.objects.filter(monitor__public_id=monitor, kind=IncidentKind.REGIONAL).first()
    return round(incident.opened_at.timestamp() * 1000) if incident else 0


def outage_verdict_ms(monitor: str) -> int:
    """Time of the verdict that opened the monitor's outage; 0 if none."""
    close_old_connections()
    opened = Transition.objects.filter(
        incident__monitor__public_id=monitor, incident__kind=IncidentKind.OUTAGE, step=Step.OPENED
    ).first()
    return int(opened.evidence.get("decided_ms", 0)) if opened else 0
