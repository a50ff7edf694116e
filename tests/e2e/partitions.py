"""Breaks the network and the processes of an installation whose regions have networks of their own, and tells.

Run by test_partitions.py as a process of its own. Prints one JSON object: fault -> what was told of the outage that
happened under it. Exit code 3 and one line where this machine permits no network namespaces.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import django
import redis.asyncio as redis

from tests.e2e.apart import HUB, NotPermitted, leave
from tests.e2e.kills import Target
from tests.e2e.wires import Harm, Wires
from tests.waiting import until_awaited
from vigil.demo.stage import SEATS, Stage
from vigil.demo.story import AlertKind, once_each
from vigil.local.installation import InstallationOptions
from vigil.local.processes import LocalRegion, answers_health
from vigil.local.programs import Program
from vigil.local.servers import ports
from vigil.local.supervisor import Supervisor

NOT_PERMITTED = 3
ADDRESSES = {seat.region: f"10.77.0.{number}" for number, seat in enumerate(SEATS, start=11)}
ONE, TWO = [ADDRESSES["eu-west"]], [ADDRESSES["eu-west"], ADDRESSES["us-east"]]
INTERVAL_S = 5
TRIGGER_DEADLINE_S = 60.0
RESOLVE_DEADLINE_S = 150.0
#: How long each fault lasts before its outage begins, all targets being well.
CALM_S = {
    "region cut": 6,
    "region cut from redis": 6,
    "30 % loss": 10,
    "2 s delay": 10,
    "region stopped for 30 s": 20,
    "redis killed": 1,
    "redis flushed": 1,
    "postgres restarted": 1,
    "stale decider": 8,
    "stale dispatcher": 14,
}
#: Each target has a host of its own, so that what fails one after the other is not gathered as one storm.
HOSTS = {name: f"10.77.0.{number}" for number, name in enumerate((*CALM_S, "witness one", "witness two"), start=101)}
#: The outage of these begins while the fault lasts; what was stopped goes on this long after.
STOPPED_MORE_S = {"region stopped for 30 s": 10, "stale decider": 0, "stale dispatcher": 0}


@dataclass
class Scene:
    """Everything that runs, and what has happened."""

    stage: Stage
    wires: Wires
    seconds: Supervisor
    targets: dict[str, Target]
    down_ms: dict[str, int] = field(default_factory=dict)

    def pid(self, name: str) -> int:
        return self.stage.installation.supervisor.pid(name)


async def begin(scene: Scene, fault: str) -> None:
    """Break something."""
    redis_url = scene.stage.installation.addresses.redis_url
    match fault:
        case "region cut":
            scene.wires.harm(ONE, Harm(cut=True))
        case "region cut from redis":
            scene.wires.harm(ONE, Harm(ports=frozenset({int(redis_url.rsplit(":", 1)[1].split("/")[0])})))
        case "30 % loss":
            scene.wires.harm(TWO, Harm(loss=0.3))
        case "2 s delay":
            scene.wires.harm(TWO, Harm(delay_s=2.0))
        case "redis killed":
            os.kill(scene.pid("redis"), signal.SIGKILL)
        case "redis flushed":
            async with redis.from_url(redis_url) as client:
                await client.flushall()
        case "postgres restarted":
            os.kill(scene.pid("postgres"), signal.SIGINT)
        case _:
            os.kill(scene.pid(STOPPED[fault]), signal.SIGSTOP)


STOPPED = {
    "region stopped for 30 s": "worker-eu-west",
    "stale decider": "consensus",
    "stale dispatcher": "dispatch",
}


async def end(scene: Scene, fault: str) -> None:
    """Mend it."""
    scene.wires.mend()
    if fault in STOPPED:
        await asyncio.sleep(STOPPED_MORE_S[fault])
        os.kill(scene.pid(STOPPED[fault]), signal.SIGCONT)


async def outage_under(scene: Scene, fault: str) -> None:
    """Begin a fault, see that no alert is sent, then let a target fail and wait for its trigger."""
    await begin(scene, fault)
    await asyncio.sleep(CALM_S[fault])
    scene.targets[fault].close()
    scene.down_ms[fault] = time.time_ns() // 1_000_000

    async def triggered() -> bool:
        return any(alert.kind is AlertKind.TRIGGER and alert.monitor == fault for alert in await scene.stage.alerts())

    await until_awaited(triggered, f"the trigger of the outage under: {fault}", TRIGGER_DEADLINE_S)
    await end(scene, fault)
    await scene.targets[fault].open()
    print(f"done: {fault}", file=sys.stderr, flush=True)


def write_monitors(stage: Stage, targets: dict[str, Target]) -> None:
    """One monitor for each fault, in all regions, and the channel."""
    from vigil.accounts.teams import default_team
    from vigil.alerts.models import Channel
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    team = default_team()
    Channel(
        team=team, name="hook", kind="webhook", config={"url": stage.hook_url}, secrets={"secret": stage.secret}
    ).save()
    regions = list(Region.objects.filter(slug__in=ADDRESSES))
    for name, target in targets.items():
        wanted = {
            "name": name,
            "kind": "http",
            "config": {"url": f"http://{HOSTS[name]}:{target.port}/"},
            "interval_s": INTERVAL_S,
            "timeout_ms": 4_000,
            "sensitivity": "high",
            "regions": regions,
        }
        create_monitor(team, wanted)


def statuses() -> list[str]:
    from django.db import close_old_connections

    from vigil.incidents.models import MonitorState

    close_old_connections()
    return sorted(MonitorState.objects.values_list("status", flat=True))


def incidents() -> dict[str, tuple[str, str]]:
    """Every incident: its public id, its kind, and its monitor's name."""
    from django.db import close_old_connections

    from vigil.incidents.models import Incident

    close_old_connections()
    rows = Incident.objects.values_list("public_id", "kind", "monitor__name")
    return {public_id: (kind, name or "") for public_id, kind, name in rows}


async def told(scene: Scene) -> dict[str, dict[str, object]]:
    """What was told of each monitor's outage, and how much of it was not true when it was told."""
    known = await asyncio.to_thread(incidents)
    alerts = once_each(await scene.stage.alerts())
    found: dict[str, dict[str, object]] = {}
    for name in scene.targets:
        outages = {public_id for public_id, (kind, of) in known.items() if of == name and kind == "outage"}
        own = [alert for alert in alerts if alert.dedup_key in outages]
        triggers = [alert for alert in own if alert.kind is AlertKind.TRIGGER]
        down_ms = scene.down_ms.get(name)
        found[name] = {
            "incidents": len(outages),
            "triggers": len(triggers),
            "resolves": sum(alert.kind is AlertKind.RESOLVE for alert in own),
            "votes": min((len(alert.votes) for alert in triggers), default=0),
            "false": sum(down_ms is None or alert.at_ms < down_ms for alert in triggers),
            "delay_s": round((triggers[0].at_ms - down_ms) / 1000, 2) if triggers and down_ms else None,
            "other_kinds": sorted({kind for kind, of in known.values() if of == name} - {"outage"}),
        }
    return found


async def play(scene: Scene) -> dict[str, dict[str, object]]:
    await asyncio.to_thread(write_monitors, scene.stage, scene.targets)

    async def all_up() -> bool:
        return await asyncio.to_thread(statuses) == ["up"] * len(scene.targets)

    await until_awaited(all_up, "all monitors to be up", TRIGGER_DEADLINE_S)
    for fault in CALM_S:
        await outage_under(scene, fault)

    async def all_resolved() -> bool:
        now = await told(scene)
        return all(now[fault]["resolves"] for fault in CALM_S)

    await until_awaited(all_resolved, "every incident to be resolved", RESOLVE_DEADLINE_S)
    return await told(scene)


def second_processes(stage: Stage) -> Supervisor:
    """A second decider and a second dispatcher, which take over when the first ones are stopped."""
    declared = []
    for name, argv in (("consensus", ["consensus"]), ("dispatch", ["vigil.cli", "run", "dispatch"])):
        port = ports.take_free_port()
        env = {**stage.installation.env, "VIGIL_HEALTH_PORT": str(port)}
        declared.append(Program(f"second-{name}", [sys.executable, "-m", *argv], env, is_ready=answers_health(port)))
    return Supervisor(declared, lambda name, line: None)


async def main() -> dict[str, dict[str, object]]:
    folder = Path(os.environ["PARTITIONS_FOLDER"])
    wires = Wires(folder, HOSTS.values())
    launcher = str(Path(__file__).with_name("apart.py"))
    regions = tuple(
        LocalRegion(seat.region, seat.domain, through=(sys.executable, launcher, wires.socket_path, address))
        for seat, address in zip(SEATS, ADDRESSES.values(), strict=True)
    )
    stage = Stage(keep=bool(os.environ.get("KEEP_PARTITIONS")), wanted=InstallationOptions(regions))
    configuration = stage.path / "redis" / "redis.conf"
    configuration.write_text(configuration.read_text().replace("bind 127.0.0.1", f"bind 127.0.0.1 {HUB}"))
    targets = {name: Target(host) for name, host in HOSTS.items()}
    scene = Scene(stage, wires, second_processes(stage), targets)
    try:
        for target in targets.values():
            await target.open()
        await stage.open()
        scene.seconds.start()
        await scene.seconds.wait_ready(60)
        await asyncio.to_thread(django.setup)
        return await play(scene)
    finally:
        scene.seconds.hurry()
        await scene.seconds.stop()
        await stage.close()
        wires.close()


if __name__ == "__main__":
    try:
        leave()
    except NotPermitted as reason:
        print(reason, file=sys.stderr)
        sys.exit(NOT_PERMITTED)
    print(json.dumps(asyncio.run(main())))
