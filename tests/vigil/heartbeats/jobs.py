"""Heartbeats to test with, and the log entries that jobs would have caused."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from vigil.accounts.teams import default_team
from vigil.clock import database_wall_now
from vigil.heartbeats import receiver_gaps
from vigil.heartbeats.apply import Logged
from vigil.heartbeats.changes import create_heartbeat
from vigil.heartbeats.core.pings.wire import PING_VERSION, Address, LogEntry, Ping, PingKind
from vigil.heartbeats.models import Heartbeat, Reception
from vigil.heartbeats.receiving.receiver import ping_id
from vigil.incidents.models import Transition

_numbers = count(1)


def job(name: str = "nightly", **wanted: Any) -> Heartbeat:
    """An hourly job with twenty minutes of grace, unless told otherwise."""
    return create_heartbeat(default_team(), {"name": name, "period_s": 3_600, "grace_s": 1_200, **wanted})


def us(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def call(row: Heartbeat, at: datetime, kind: PingKind = PingKind.SUCCESS, **more: Any) -> Ping:
    body = more.pop("body", b"")
    return Ping(ping_id(us(at)), us(at), Address(str(row.code)), kind, body=body, body_size=len(body), **more)


def logged(*pings: Ping, beat: datetime | None = None) -> Logged:
    return Logged(f"{next(_numbers)}-0", LogEntry(PING_VERSION, "test", list(pings), us(beat) if beat else 0))


def listening(until: datetime | None = None) -> datetime:
    """Say that receivers were heard, so that everything up to now may be judged; returns now."""
    now = until or database_wall_now()
    Reception.objects.update_or_create(pk=1, defaults={"heard_at": now + receiver_gaps.SETTLED})
    return now


def ago(**length: float) -> datetime:
    return database_wall_now() - timedelta(**length)


def nobody(step: Transition) -> None:
    """Tells nobody."""
