"""Delivery benchmark rows: channels, incidents with monitors, and steps to send."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.core.decision import Event, Why
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import HINT_CHANNEL
from vigil.incidents.models import Incident, Transition
from vigil.monitors.models import Monitor

_EVIDENCE = {
    "n": 5, "m": 4, "k": 3, "domains": 4, "decided_ms": 1_000_000, "explanation": "3 of 4 regions fail", "rule": 1,
    "votes": [
        {"region": name, "domain": domain, "look": 1, "status": status, "reason": reason, "at_ms": 998_500,
         "attempts": 2, "code": 0, "detail": "", "phases": {"total_us": 10_000_000}}
        for name, domain, status, reason in (
            ("eu-west", "a", "down", "timeout"), ("us-east", "b", "down", "timeout"),
            ("us-west", "c", "down", "refused"), ("ap-south", "d", "up", "ok"))
    ],
    "excluded": [{"region": "sa-east", "domain": "e", "why": "dark", "look": 0}],
}  # fmt: skip


SECRET = "whsec_" + "A" * 43 + "="


def make_webhook(url: str, name: str) -> Channel:
    config = {"url": f"{url}/hook/{name}"}
    return make_channel("webhook", config, {"secret": SECRET}, name, gather=False)


def make_channel(kind: str, config: dict[str, Any], secrets: dict[str, str], name: str, **more: Any) -> Channel:
    wanted = {"name": name, "kind": kind, "config": config, "secrets": secrets, **more}
    return save_channel(Channel(team=default_team()), wanted)


def make_incidents(name: str, count: int, hosts: int) -> list[Incident]:
    """Incidents with monitors, spread over hosts; not sent yet."""
    team, now = default_team(), datetime.now(UTC)
    monitors = Monitor.objects.bulk_create(
        Monitor(
            team=team,
            name=f"{name}-{number:05}",
            kind="http",
            config={"url": f"https://h{number % hosts}.{name}.test/health"},
        )
        for number in range(count)
    )
    return Incident.objects.bulk_create(
        Incident(
            team=team,
            monitor=monitor,
            kind="outage",
            title=monitor.name,
            failure="timeout",
            started_at=now - timedelta(seconds=11),
            opened_at=now,
            steps=1,
        )
        for monitor in monitors
    )


def tell(incidents: Sequence[Incident], channels: Sequence[Channel], event: Event = Event.TRIGGER) -> float:
    """Write a step of each incident with deliveries in one transaction; returns the commit time."""
    ends, now = event is Event.RESOLVE, datetime.now(UTC)
    with transaction.atomic():
        steps = Transition.objects.bulk_create(
            Transition(
                incident=incident,
                seq=2 if ends else 1,
                step="resolved" if ends else "opened",
                reason="recovered" if ends else "confirmed",
                at=now,
                evidence=_EVIDENCE,
            )
            for incident in incidents
        )
        Delivery.objects.bulk_create(
            (
                Delivery(
                    team_id=channel.team_id,
                    incident_id=step.incident_id,
                    transition=step,
                    channel=channel,
                    event=event,
                    created_at=Now(),
                    due_at=Now(),
                    why=Why.ROUTED,
                )
                for step in steps
                for channel in channels
            ),
            batch_size=5_000,
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [HINT_CHANNEL])
    return time.time()
