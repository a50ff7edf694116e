"""Ping benchmark rows in bulk, and checks of their pings. Import it once Django is set up."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.db import connection

from vigil.accounts.teams import default_team
from vigil.clock import database_wall_now
from vigil.heartbeats import receiver_gaps
from vigil.heartbeats.models import Heartbeat, Reception, ReceptionGap, StoredPing
from vigil.heartbeats.sweep import sweep
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.monitors.models import DerivedKind, Monitor

CHUNK = 5_000


def write_heartbeats(prefix: str, count: int, period_s: int, grace_s: int) -> None:
    """Heartbeats that have just pinged."""
    team, now = default_team(), database_wall_now()
    expected = now + timedelta(seconds=period_s)
    for first in range(0, count, CHUNK):
        names = [f"{prefix}-{number}" for number in range(first, min(count, first + CHUNK))]
        monitors = Monitor.objects.bulk_create(
            [Monitor(team=team, name=name, kind=DerivedKind.HEARTBEAT) for name in names]
        )
        terms = {"period_s": period_s, "grace_s": grace_s, "team": team}
        state = {"status": "up", "last_success_at": now, "decided_at": now, "expected_at": expected, "due_at": expected}
        Heartbeat.objects.bulk_create(
            [Heartbeat(monitor=monitor, slug=monitor.name, **terms, **state) for monitor in monitors]
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE heartbeats_heartbeat, monitors_monitor")


def write_codes(prefix: str, path: Path) -> int:
    """Write the addresses of these heartbeats, one a line; returns their number."""
    codes = Heartbeat.objects.filter(slug__startswith=prefix).order_by("pk").values_list("code", flat=True)
    path.write_text("\n".join(map(str, codes)))
    return len(codes)


def lost_of(acked: Path, patience_s: float, show: Callable[[str], None]) -> tuple[int, int]:
    """Acknowledged pings that were not applied, and pings applied twice."""
    expected = set(acked.read_text().split())
    deadline = time.monotonic() + patience_s
    while True:
        found = list(StoredPing.objects.values_list("rid", flat=True))
        lost = len(expected - set(found))
        if not lost or time.monotonic() > deadline:
            return lost, len(found) - len(set(found))
        show(f"waiting for {lost} pings to be applied")
        time.sleep(1)


def time_sweeps(prefix: str, turns: int, due: int, passed: timedelta, enqueue: EnqueueDeliveries) -> list[float]:
    """Duration (ms) of sweeps over all heartbeats, with this many overdue in each."""
    keys = list(Heartbeat.objects.filter(slug__startswith=prefix).order_by("pk").values_list("pk", flat=True))
    times = []
    for turn in range(turns):
        now = database_wall_now()
        Reception.objects.update_or_create(pk=1, defaults={"heard_at": now + receiver_gaps.SETTLED})
        chosen = keys[turn * due : (turn + 1) * due]
        _expect(chosen, passed)
        begun = time.perf_counter()
        more, late = True, 0
        while more:
            swept = sweep(enqueue)
            more, late = swept.more, late + sum(swept.reasons.values())
        times.append((time.perf_counter() - begun) * 1000)
        assert late == due, f"{late} of {due} heartbeats were swept"
    return times


def time_idle_sweep(enqueue: EnqueueDeliveries) -> float:
    """Duration (ms) of a sweep without work."""
    begun = time.perf_counter()
    sweep(enqueue)
    return (time.perf_counter() - begun) * 1000


def false_alerts(prefix: str) -> int:
    """Incidents of heartbeats that never missed a ping."""
    return Incident.objects.filter(monitor__name__startswith=prefix).count()


def alerts_about(prefix: str) -> int:
    """Heartbeats of this prefix with an incident."""
    return Incident.objects.filter(monitor__name__startswith=prefix).values("monitor").distinct().count()


def gaps() -> int:
    """Number of receiver gaps."""
    return ReceptionGap.objects.count()


def _expect(keys: list[int], passed: timedelta) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE heartbeats_heartbeat SET expected_at = clock_timestamp() - %s::interval, "
            "due_at = clock_timestamp() - %s::interval "
            "WHERE monitor_id = ANY(%s)",
            [str(passed), str(passed), keys],
        )
