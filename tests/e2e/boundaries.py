"""Harms either Redis of an installation with two, each in an outage of a target, and tells what came of it.

Run by test_boundaries.py as a process of its own, since it has an installation of its own. Prints one JSON object:
{"outages": harm -> {"triggers", "incidents", "votes", "delay_s"}, "misplaced": keys on the wrong server,
"told": harm -> what `readyz` said, "users": users that could reach a key of the control plane}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django
import httpx
from redis import Redis

from probes import keys
from tests.e2e.kills import Target, incident_counts, statuses, told, write_monitors
from tests.waiting import until, until_awaited
from vigil.demo.stage import SEATS, Stage
from vigil.demo.story import AlertKind
from vigil.local import children
from vigil.local.installation import InstallationOptions
from vigil.local.processes import LocalRegion
from vigil.local.servers import ports
from vigil.local.servers.redis import LocalRedis, prepare

#: Regions in three domains.
REGIONS = ("us-east", "ap-south", "us-west")
NONE, FLUSHED, REGIONS_KILLED, CONTROL_KILLED = "none", "regions flushed", "regions killed", "control killed"
HARMS = (NONE, FLUSHED, REGIONS_KILLED, CONTROL_KILLED)
AWAY_S = 4.0
DEADLINE_S = 90.0
PASSWORD = "not-a-secret"


class Server:
    """A Redis that can be killed and started again."""

    def __init__(self, folder: Path, regions: tuple[str, ...] = ()) -> None:
        self.made: LocalRedis = prepare(folder, PASSWORD, ports.take_free_port(), regions=regions)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self.made.argv, env=self.made.env, cwd=self.made.folder, stdout=subprocess.DEVNULL,
            **children.popen_options(signal.SIGKILL),
        )  # fmt: skip
        until(self.made.is_ready, "Redis", 30)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def client(self) -> Redis:
        return Redis.from_url(self.made.url, socket_timeout=5)

    def names(self) -> list[str]:
        with self.client() as client:
            return [name.decode() for name in client.keys("*")]


class Boundaries:
    """The scene: two servers, the installation and its targets."""

    def __init__(self, servers: dict[str, Server], stage: Stage, targets: dict[str, Target]) -> None:
        self._regions, self._control = servers["regions"], servers["control"]
        self._stage = stage
        self._targets = targets
        self._down_ms: dict[str, int] = {}
        self._said: dict[str, str | None] = {}

    async def play(self) -> dict[str, object]:
        monitors = await asyncio.to_thread(write_monitors, self._stage, self._targets)

        async def all_up() -> bool:
            return await asyncio.to_thread(statuses) == {"up"}

        await until_awaited(all_up, "all monitors to be up", DEADLINE_S)
        for harm in HARMS:
            await self._outage(harm)
        counts = await asyncio.to_thread(incident_counts, monitors)
        alerts = await self._stage.alerts()
        first_ms = {alert.monitor: alert.at_ms for alert in reversed(alerts) if alert.kind is AlertKind.TRIGGER}
        misplaced = [name for name in self._regions.names() if not keys.is_of_regions(name)]
        misplaced += [name for name in self._control.names() if keys.is_of_regions(name)]
        return {
            "outages": {
                name: told(alerts, name, counts[name])
                | {"delay_s": round((first_ms[name] - self._down_ms[name]) / 1000, 1)}
                for name in HARMS
            },
            "misplaced": misplaced,
            "told": self._said,
            "users": self._users(),
        }

    async def _outage(self, harm: str) -> None:
        self._targets[harm].close()
        self._down_ms[harm] = time.time_ns() // 1_000_000
        await asyncio.sleep(0.5)
        await self._do(harm)

        async def triggered() -> bool:
            alerts = await self._stage.alerts()
            return any(alert.kind is AlertKind.TRIGGER and alert.monitor == harm for alert in alerts)

        await until_awaited(triggered, f"the trigger of: {harm}", DEADLINE_S)
        print(f"done: {harm}", file=sys.stderr, flush=True)

    async def _do(self, harm: str) -> None:
        if harm == FLUSHED:
            with self._regions.client() as client:
                await asyncio.to_thread(client.flushall)
        elif harm in (REGIONS_KILLED, CONTROL_KILLED):
            server = self._regions if harm == REGIONS_KILLED else self._control
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(AWAY_S)
            self._said[harm] = await self._ready()
            await asyncio.to_thread(server.start)

    async def _ready(self) -> str | None:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            answer = await client.get(f"{self._stage.installation.addresses.base_url}/readyz")
        away: str | None = answer.json()["away"]
        return away

    def _users(self) -> list[str]:
        """Users of the control plane's server: none is a region's."""
        with self._control.client() as client:
            return [name.decode() for name in client.execute_command("ACL", "USERS")]


def wanted(servers: dict[str, Server]) -> InstallationOptions:
    regions, control = servers["regions"].made, servers["control"].made
    workers = [
        LocalRegion(seat.region, seat.domain, env={"VIGIL_REDIS_URL": regions.url_for(keys.user(seat.region))})
        for seat in SEATS
        if seat.region in REGIONS
    ]
    return InstallationOptions(
        tuple(workers), env={"VIGIL_REDIS_URL": regions.url, "VIGIL_CONTROL_REDIS_URL": control.url}
    )


async def main(folder: Path) -> dict[str, object]:
    servers = {"regions": Server(folder / "regions", REGIONS), "control": Server(folder / "control")}
    targets = {harm: Target(f"127.0.4.{number}") for number, harm in enumerate(HARMS, start=1)}
    try:
        for server in servers.values():
            server.start()
        stage = Stage(keep=bool(os.environ.get("KEEP_BOUNDARIES")), wanted=wanted(servers))
        try:
            for target in targets.values():
                await target.open()
            await stage.open()
            await asyncio.to_thread(django.setup)
            return await Boundaries(servers, stage, targets).play()
        finally:
            await stage.close()
    finally:
        for server in servers.values():
            with contextlib.suppress(OSError):
                server.kill()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="vigil-boundaries-") as made:
        print(json.dumps(asyncio.run(main(Path(made)))))
