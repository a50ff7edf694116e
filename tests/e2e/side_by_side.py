"""Plays an upgrade without a stop: the release before beside the present code, part by part, as deploy/README.md says.

Run by test_side_by_side.py as a process of its own, since it has an installation of its own. It migrates under the
older control plane, starts each process of the present one before the older one ends, and then does the same with the
worker of each region. Prints one JSON object: "checks" by monitor and region (times in ms, and statuses),
"interval_ms", what was "told" of the target that failed while the present control plane had the older workers, and
what "ended" by itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import django
import msgspec

from tests.e2e.kills import Target
from tests.waiting import until_awaited
from vigil.alerts.channels.webhook import new_secret
from vigil.demo.exchange import serve
from vigil.demo.receiver import WebhookReceiver
from vigil.demo.story import alerts_of
from vigil.local.installation import InstallationOptions
from vigil.local.processes import LocalRegion, answers_health
from vigil.local.programs import Program
from vigil.local.servers import ports
from vigil.local.supervisor import Supervisor
from vigil.local.temporary import Throwaway

RELEASE = Path(__file__).parent / "releases" / "2026-11.tar.xz"
CHECKOUT = Path(__file__).resolve().parents[2]
SERVERS = ("postgres", "redis", "ping-log")
#: In the order in which they are replaced.
CONTROL = ("ingest", "record", "deliver", "consensus", "dispatch")
REGIONS = ("local-1", "local-2")
#: In every second two of their checks are due, so that a second without a dispatcher is seen.
MONITORS, INTERVAL_S = 30, 30
READY_S, TOLD_S = 90.0, 90.0


class Upgrade:
    """An installation whose processes run the code of one folder or another. Create it on the main thread."""

    def __init__(self) -> None:
        regions = tuple(LocalRegion(name, domain=name) for name in REGIONS)
        self.throwaway = Throwaway("side-by-side", InstallationOptions(regions))
        self.older = self.throwaway.path / "older"
        with tarfile.open(RELEASE) as packed:
            # Python before 3.11.4 knows no filters.
            packed.extraction_filter = getattr(tarfile, "data_filter", None)
            packed.extractall(self.older)
        kept = self.throwaway.installation.supervisor._kept
        self._programs = {name: one.program for name, one in kept.items()}
        self._running: dict[tuple[str, Path], Supervisor] = {}
        self._servers = Supervisor([self._programs[name] for name in SERVERS], self.throwaway.journal)

    async def open(self) -> None:
        self._servers.start()
        await self._servers.wait_ready(READY_S)

    def run(self, code: Path, *argv: str) -> str:
        """A command of one release, to its end."""
        env = self.throwaway.installation.env | _importing(code)
        done = subprocess.run([sys.executable, *argv], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def prepare(self, code: Path) -> None:
        """The migrations of a release, and what else stands before its processes."""
        self.run(code, *self._programs["prepare"].argv[1:])

    async def start(self, code: Path, *names: str) -> None:
        """Start these processes of one release, and wait until all are ready."""
        for name in names:
            program = self._of_release(self._programs[name], code)
            self._running[name, code] = supervisor = Supervisor([program], self.throwaway.journal)
            supervisor.start()
        for name in names:
            await self._running[name, code].wait_ready(READY_S)

    async def replace(self, name: str) -> None:
        """Start the present one beside the older one, and then stop that."""
        await self.start(CHECKOUT, name)
        await self._running.pop((name, self.older)).stop()

    def ends(self) -> list[str]:
        """What ended by itself."""
        return [name for one in self._running.values() for name in one.pids() if one.starts(name) != 1]

    async def close(self) -> None:
        for supervisor in (*self._running.values(), self._servers):
            supervisor.hurry()
            await supervisor.stop()
        self.throwaway.discard()

    def _of_release(self, program: Program, code: Path) -> Program:
        port = ports.take_free_port()
        which = "older" if code == self.older else "present"
        env = {**program.env, **_importing(code), "VIGIL_HEALTH_PORT": str(port)}
        return replace(
            program, name=f"{program.name}-{which}", env=env, after=(), is_ready=answers_health(port), fork_server=""
        )


def _importing(code: Path) -> dict[str, str]:
    # Without the second, the folder in which the test runs would come first.
    return {"PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}


def document(port: int, failing_port: int) -> dict[str, Any]:
    """What is watched: many monitors of a target that is well, and one of a target that will fail."""
    ports_of = {f"m{number}": port for number in range(MONITORS)} | {"failing": failing_port}
    return {
        "version": 1,
        "defaults": {"interval": f"{INTERVAL_S}s", "timeout": "5s"},
        "monitors": {name: {"http": {"url": f"http://127.0.0.1:{at}/"}} for name, at in ports_of.items()},
    }


def recorded(from_ms: int, to_ms: int) -> dict[str, dict[str, list[tuple[int, str]]]]:
    """Scheduled checks by monitor and region: their times (ms) and statuses."""
    from django.db import close_old_connections

    from vigil.history.reading.read import checks
    from vigil.monitors.models import Monitor, Region

    close_old_connections()
    regions = {region.pk: region.slug for region in Region.objects.all()}
    found = {}
    for monitor in Monitor.objects.all():
        rows = checks(monitor.pk, list(regions), from_ms, to_ms)
        found[monitor.name] = {
            regions[region]: [(one.at_ms, one.status.value) for one in mine if not one.look]
            for region, mine in rows.items()
        }
    return found


async def main() -> dict[str, object]:
    upgrade, well, failing = Upgrade(), Target(), Target()
    secret = new_secret()
    receiver = WebhookReceiver(secret)
    server = await serve(0, receiver.respond)
    hook = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        await asyncio.gather(well.open(), failing.open(), upgrade.open())
        await asyncio.to_thread(upgrade.prepare, upgrade.older)
        await upgrade.start(upgrade.older, *CONTROL, *(f"worker-{name}" for name in REGIONS))
        return await play(upgrade, (well, failing), receiver, (hook, secret))
    finally:
        server.close()
        await upgrade.close()


async def play(
    upgrade: Upgrade, targets: tuple[Target, Target], receiver: WebhookReceiver, hook: tuple[str, str]
) -> dict[str, object]:
    well, failing = targets
    file = upgrade.throwaway.path / "vigil.json"
    file.write_text(json.dumps(document(well.port, failing.port)))
    await asyncio.to_thread(upgrade.run, upgrade.older, "-m", "vigil.cli", "apply", "--yes", str(file))
    say("the older release runs")
    # The first checks of all, by the older release alone.
    await asyncio.sleep(INTERVAL_S + 5)
    began_ms = now_ms() - INTERVAL_S * 1000
    await asyncio.to_thread(upgrade.prepare, CHECKOUT)
    await asyncio.to_thread(django.setup)
    await asyncio.to_thread(tell_by, *hook)
    say("migrated under the older control plane")
    for name in CONTROL:
        await upgrade.replace(name)
        say(f"{name} is replaced")
    failing.close()

    async def told() -> list[str]:
        received = map(msgspec.structs.asdict, receiver.received)
        return [alert.kind.value for one in received for alert in alerts_of(one) if alert.monitor == "failing"]

    await until_awaited(told, "the outage under older workers to be told of", TOLD_S)
    say("the outage is told of")
    for name in REGIONS:
        await upgrade.replace(f"worker-{name}")
        say(f"the worker of {name} is replaced")
    await asyncio.sleep(INTERVAL_S + 5)
    ended_ms = now_ms()

    async def all_recorded() -> bool:
        found = await asyncio.to_thread(recorded, began_ms, ended_ms)
        return all(
            mine and mine[-1][0] > ended_ms - INTERVAL_S * 1000 for one in found.values() for mine in one.values()
        )

    await until_awaited(all_recorded, "the last checks to be recorded", READY_S)
    found = await asyncio.to_thread(recorded, began_ms, ended_ms)
    return {"checks": found, "interval_ms": INTERVAL_S * 1000, "told": await told(), "ended": upgrade.ends()}


def tell_by(url: str, secret: str) -> None:
    """The channel, made with the present code on what the older release's database has become."""
    from vigil.accounts.teams import default_team
    from vigil.alerts.models import Channel

    Channel(team=default_team(), name="hook", kind="webhook", config={"url": url}, secrets={"secret": secret}).save()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def say(what: str) -> None:
    print(f"{time.monotonic():.1f} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vigil.settings")
    print(json.dumps(asyncio.run(main())))
