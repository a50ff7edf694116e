"""Kills every process of a whole installation once, each in an outage of its own, and tells what came of it.

Run by test_kills.py as a process of its own, since it has an installation of its own. Prints one JSON object:
victim -> {"triggers", "resolves", "incidents", "votes"}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys

import django
import redis.asyncio as redis

from tests.waiting import until_awaited
from vigil.demo.stage import SEATS, Stage
from vigil.demo.story import AlertKind, SeenAlert, once_each

VICTIMS = ("consensus", "ingest", "deliver", "dispatch", "worker-us-east", "redis", "postgres")
#: What else is done in an outage of its own: Redis loses everything; the decider sleeps past its lease.
FAULTS = (*VICTIMS, "flushall", "paused-consensus")
PAUSE_S = 8.0
TRIGGER_DEADLINE_S = 60.0
RESOLVE_DEADLINE_S = 150.0
#: When the victim dies, counted from the fault: before the first look, between votes and verdict, or after the alert.
MOMENTS_S = {"consensus": 1.0, "ingest": 0.2, "deliver": 0.5, "dispatch": 0.8, "redis": 1.5, "postgres": 1.0}


class Target:
    """A server that answers 200, or refuses connections."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.port = 0
        self.host = host
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._answer, self.host, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
            writer.close()


def write_monitors(stage: Stage, targets: dict[str, Target]) -> dict[str, str]:
    """One monitor per victim, in all regions, and the channel; returns victim -> monitor id."""
    from vigil.accounts.teams import default_team
    from vigil.alerts.models import Channel
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    team = default_team()
    Channel(
        team=team, name="hook", kind="webhook", config={"url": stage.hook_url}, secrets={"secret": stage.secret}
    ).save()
    regions = list(Region.objects.filter(slug__in=[seat.region for seat in SEATS]))
    made = {}
    for victim, target in targets.items():
        wanted = {
            "name": victim,
            "kind": "http",
            "config": {"url": f"http://{target.host}:{target.port}/"},
            "interval_s": 5,
            "timeout_ms": 2_000,
            "sensitivity": "high",
            "regions": regions,
        }
        made[victim] = create_monitor(team, wanted).public_id
    return made


def statuses() -> set[str]:
    from django.db import close_old_connections

    from vigil.incidents.models import MonitorState

    close_old_connections()
    return set(MonitorState.objects.values_list("status", flat=True))


def incident_counts(monitors: dict[str, str]) -> dict[str, int]:
    from django.db import close_old_connections

    from vigil.incidents.models import Incident

    close_old_connections()
    return {
        victim: Incident.objects.filter(monitor__public_id=monitor, kind="outage").count()
        for victim, monitor in monitors.items()
    }


async def kill_in_an_outage(stage: Stage, victim: str, target: Target) -> None:
    """Begin an outage, kill the victim in it, and wait for its trigger."""

    async def triggered() -> bool:
        return any(alert.kind is AlertKind.TRIGGER and alert.monitor == victim for alert in await stage.alerts())

    target.close()
    await asyncio.sleep(MOMENTS_S.get(victim, 0.5))
    await harm(stage, victim)
    print(f"done: {victim}", file=sys.stderr, flush=True)
    await until_awaited(triggered, f"the trigger of the outage with {victim}", TRIGGER_DEADLINE_S)

    async def back() -> bool:
        return victim not in VICTIMS or stage.installation.supervisor.is_ready(victim)

    await until_awaited(back, f"{victim} to be started again", TRIGGER_DEADLINE_S)


async def harm(stage: Stage, fault: str) -> None:
    """Kill the victim, or do what else the fault's name says."""
    supervisor = stage.installation.supervisor
    if fault == "flushall":
        async with redis.from_url(stage.installation.addresses.redis_url) as client:
            await client.flushall()
    elif fault == "paused-consensus":
        pid = supervisor.pid("consensus")
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(PAUSE_S)
        # The supervisor does not wait as long for it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    else:
        os.kill(supervisor.pid(fault), signal.SIGKILL)


async def main() -> dict[str, dict[str, object]]:
    stage = Stage(keep=bool(os.environ.get("KEEP_KILLS")))
    # Each on a host of its own: what fails one after the other on one host is gathered as a storm.
    targets = {fault: Target(f"127.0.2.{number}") for number, fault in enumerate(FAULTS, start=1)}
    try:
        for target in targets.values():
            await target.open()
        await stage.open()
        await asyncio.to_thread(django.setup)
        monitors = await asyncio.to_thread(write_monitors, stage, targets)

        async def all_up() -> bool:
            return await asyncio.to_thread(statuses) == {"up"}

        await until_awaited(all_up, "all monitors to be up", TRIGGER_DEADLINE_S)
        print("all monitors are up", file=sys.stderr, flush=True)
        for victim, target in targets.items():
            await kill_in_an_outage(stage, victim, target)
        for target in targets.values():
            await target.open()
        for victim in ("deliver", "ingest", "consensus"):
            os.kill(stage.installation.supervisor.pid(victim), signal.SIGKILL)

        async def all_resolved() -> bool:
            return len(of_kind(await stage.alerts(), AlertKind.RESOLVE)) == len(FAULTS)

        await until_awaited(all_resolved, "every incident to be resolved", RESOLVE_DEADLINE_S)
        await asyncio.sleep(5)
        alerts = await stage.alerts()
        counts = await asyncio.to_thread(incident_counts, monitors)
        return {fault: told(alerts, fault, counts[fault]) for fault in FAULTS}
    finally:
        await stage.close()


def of_kind(alerts: list[SeenAlert], kind: AlertKind) -> set[str]:
    return {alert.monitor for alert in alerts if alert.kind is kind}


def told(alerts: list[SeenAlert], victim: str, incidents: int) -> dict[str, object]:
    """What the receiver got about one victim's outage; a repeated delivery counts once."""
    own = [alert for alert in once_each(alerts) if alert.monitor == victim]
    triggers = [alert for alert in own if alert.kind is AlertKind.TRIGGER]
    return {
        "triggers": len(triggers),
        "resolves": len([alert for alert in own if alert.kind is AlertKind.RESOLVE]),
        "incidents": incidents,
        "votes": min((len(alert.votes) for alert in triggers), default=0),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))
