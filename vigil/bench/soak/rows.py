"""Rows of a soak test: what it writes into the installation, and what it reads of it in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vigil.bench.soak.judge import RESOLVE, TRIGGER, Written
from vigil.bench.soak.scene import CHANNELS, GRACE_S, PERIOD_S, Scene
from vigil.cli.errors import CommandError

#: The job that takes poison; what is told of it says nothing.
POISONED = "poisoned"
#: An outage needs more than half of the domains present: these leave two when all far regions are cut off.
DOMAINS = {"local-1": "cloud-a", "local-2": "cloud-a", "local-3": "cloud-b"}
#: A letter about poison is written at most so long after it (s).
_LETTER_WITHIN_S = 120.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """A heartbeat that was made for the run."""

    name: str
    code: str


def write_scene(scene: Scene, jobs: int, secret: str) -> list[Job]:
    """The monitors, the heartbeats and the channel, in the installation that Django is set up for."""
    from vigil.accounts.teams import default_team
    from vigil.alerts.models import Channel
    from vigil.heartbeats.changes import create_heartbeat
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    team = default_team()
    for name, gather in CHANNELS.items():
        hook = {"url": f"http://127.0.0.1:{scene.receiver_ports[name]}/hook"}
        Channel(team=team, name=name, kind="webhook", config=hook, secrets={"secret": secret}, gather=gather).save()
    for slug, domain in DOMAINS.items():
        Region.objects.filter(slug=slug).update(domain=domain)
    regions = list(Region.objects.all())
    for number, target in enumerate(scene.targets):
        wanted = {"name": target.name, "kind": "http", "config": {"url": f"http://127.0.0.1:{target.port}/"},
                  "interval_s": 5, "timeout_ms": 2_000, "regions": regions,
                  "sensitivity": "high" if number % 2 else "normal"}  # fmt: skip
        create_monitor(team, wanted)
    names = [*(f"job{number}" for number in range(1, jobs + 1)), POISONED]
    made = [create_heartbeat(team, {"name": name, "period_s": PERIOD_S, "grace_s": GRACE_S}) for name in names]
    return [Job(heartbeat.monitor.name, str(heartbeat.code)) for heartbeat in made]


def written() -> list[Written]:
    """The triggers and resolves that PostgreSQL has, of what the run is about; one for each channel."""
    from vigil.alerts.models import Delivery

    rows = Delivery.objects.filter(event__in=[TRIGGER, RESOLVE], withheld="", incident__monitor__isnull=False)
    rows = rows.exclude(incident__monitor__name=POISONED)
    rows = rows.select_related("transition__incident__monitor", "channel", "leader").order_by("created_at")
    return [
        Written(
            incident.public_id,
            row.event,
            row.created_at.timestamp(),
            monitor.name,
            incident.kind,
            row.step.text[:300],
            row.channel.name,
            (row.leader or row).public_id,
        )
        for row in rows
        if (incident := row.step.incident) and (monitor := incident.monitor) is not None
    ]


def pings_counted() -> dict[str, int]:
    """How many pings of each job Vigil has counted."""
    from vigil.heartbeats.models import Heartbeat

    return dict(Heartbeat.objects.values_list("monitor__name", "pings"))


def monitors() -> list[str]:
    """The public ids of what is watched."""
    from vigil.monitors.models import Monitor

    return list(Monitor.objects.filter(kind="http").values_list("public_id", flat=True))


def dead_letters(poisoned_s: Sequence[tuple[float, float]]) -> tuple[int, list[str]]:
    """How many letters there are, and a line for each that no poison explains."""
    from vigil.deadletters.models import DeadLetter

    letters, unexplained = list(DeadLetter.objects.all()), []
    for letter in letters:
        at_s = letter.first_at.timestamp()
        if not any(begin_s <= at_s <= end_s + _LETTER_WITHIN_S for begin_s, end_s in poisoned_s):
            unexplained.append(f"{letter.source}: {letter.step} of {letter.origin}: {letter.error[:300]}")
    return len(letters), unexplained


def on_database(work: Callable[[], T]) -> T:
    """Run it on a connection that is made anew, since PostgreSQL may have been killed, for as long as it starts."""
    from django.db import OperationalError, connection

    for _ in range(60):
        connection.close()
        try:
            return work()
        except OperationalError:
            time.sleep(1)
    raise CommandError("PostgreSQL does not answer any more")
