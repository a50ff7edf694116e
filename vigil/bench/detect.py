"""Detection benchmark: delay of an outage through real processes, with five regions.

  manage.py bench detect --json
  manage.py bench detect --monitors 40 --warm-minutes 35

Half of the targets begin to refuse connections at one instant, the others to hang until the timeout of 10 s; half of
the monitors are of high sensitivity, half of normal. The delay ends where the incident is committed. Before a region
has seen a target pass thirty times it calls it overdue after a quarter of the timeout; with --warm-minutes 35 it knows
better.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import django

from vigil.bench.measure import percentile
from vigil.bench.report import print_report
from vigil.cli.errors import CommandError
from vigil.local.installation import InstallationOptions
from vigil.local.processes import LocalRegion
from vigil.local.servers import ports
from vigil.local.temporary import Throwaway

REGIONS = {"ap-south": "gcp", "eu-north": "ovh", "eu-west": "aws", "us-east": "aws", "us-west": "hetzner"}
INTERVAL_S, TIMEOUT_MS = 60, 10_000
SENSITIVITIES = ("high", "normal")
FAILURES = ("refused", "hanging")
_UP_DEADLINE_S, _TOLD_DEADLINE_S = 90.0, 180.0
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass
class DetectEndpoint:
    """A server that fails on request."""

    failure: str
    port: int = 0
    failed: bool = False
    _server: asyncio.Server | None = None
    _hung: list[asyncio.StreamWriter] = field(default_factory=list)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, ports.LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def fail(self) -> None:
        self.failed = True
        if self.failure == "refused":
            self.close()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._hung:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if self.failed:
                self._hung.append(writer)
                return
            writer.write(_ANSWER)
            await writer.drain()
            writer.close()


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--monitors", type=int, default=24, help="of each sensitivity and failure (default 24)")
    parser.add_argument(
        "--warm-minutes", type=float, default=0, metavar="M", help="minutes before the outage (default 0)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.monitors <= 500 or not 0 <= args.warm_minutes <= 600:
        raise CommandError("--monitors is 1 to 500, --warm-minutes 0 to 600")
    report = asyncio.run(_measured(args.monitors, args.warm_minutes * 60))
    print_report(report, args.json)
    return 0


def report_of(delays: dict[tuple[str, str], list[float]], monitors: int) -> dict[str, object]:
    """Delays (s) by their public names; monitors without an incident by the deadline are `untold`."""
    report: dict[str, object] = {"interval_s": INTERVAL_S, "timeout_s": TIMEOUT_MS / 1000, "monitors_each": monitors}
    for (sensitivity, failure), found in delays.items():
        name = f"{sensitivity}_{failure}"
        report[f"{name}_mean_s"] = round(sum(found) / len(found), 2) if found else None
        report[f"{name}_p95_s"] = percentile(found, 0.95) if found else None
        report[f"{name}_untold"] = monitors - len(found)
    return report


async def _measured(monitors: int, warm_s: float) -> dict[str, object]:
    throwaway = Throwaway(
        "bench", InstallationOptions(tuple(LocalRegion(name, domain) for name, domain in REGIONS.items()))
    )
    kinds = [(sensitivity, failure) for sensitivity in SENSITIVITIES for failure in FAILURES]
    endpoints = {f"{s} {f} {number}": DetectEndpoint(f) for s, f in kinds for number in range(monitors)}
    try:
        for endpoint in endpoints.values():
            await endpoint.open()
        await throwaway.installation.start()
        await asyncio.to_thread(django.setup)
        await asyncio.to_thread(_write_monitors, endpoints)
        await _until_up(len(endpoints))
        await asyncio.sleep(warm_s)
        began_s = time.time()
        for endpoint in endpoints.values():
            endpoint.fail()
        opened = await _told(len(endpoints))
    finally:
        for endpoint in endpoints.values():
            endpoint.close()
        throwaway.installation.supervisor.hurry()
        await throwaway.installation.stop()
        throwaway.discard()
    delays: dict[tuple[str, str], list[float]] = {kind: [] for kind in kinds}
    for name, at_s in opened.items():
        sensitivity, failure, _ = name.split()
        delays[sensitivity, failure].append(round(at_s - began_s, 3))
    return report_of(delays, monitors)


async def _until_up(count: int) -> None:
    deadline_s = time.monotonic() + _UP_DEADLINE_S
    while await asyncio.to_thread(_count_up) < count:
        if time.monotonic() > deadline_s:
            raise CommandError(f"not all of {count} monitors were up within {_UP_DEADLINE_S:.0f} s")
        await asyncio.sleep(0.5)


async def _told(count: int) -> dict[str, float]:
    """When each monitor's incident was committed, up to the deadline."""
    deadline_s = time.monotonic() + _TOLD_DEADLINE_S
    opened: dict[str, float] = {}
    while len(opened) < count and time.monotonic() < deadline_s:
        await asyncio.sleep(1)
        opened = await asyncio.to_thread(_opened)
    return opened


def _write_monitors(endpoints: dict[str, DetectEndpoint]) -> None:
    from vigil.accounts.teams import default_team
    from vigil.monitors.changes import create_monitor
    from vigil.monitors.models import Region

    team = default_team()
    regions = list(Region.objects.filter(slug__in=REGIONS))
    for name, endpoint in endpoints.items():
        wanted = {
            "name": name,
            "kind": "http",
            "config": {"url": f"http://{ports.LOOPBACK}:{endpoint.port}/"},
            "interval_s": INTERVAL_S,
            "timeout_ms": TIMEOUT_MS,
            "sensitivity": name.split()[0],
            "regions": regions,
        }
        create_monitor(team, wanted)


def _count_up() -> int:
    from django.db import close_old_connections

    from vigil.incidents.models import MonitorState

    close_old_connections()
    return MonitorState.objects.filter(status="up").count()


def _opened() -> dict[str, float]:
    from django.db import close_old_connections

    from vigil.incidents.models import Incident

    close_old_connections()
    rows = Incident.objects.filter(kind="outage").values_list("monitor__name", "opened_at")
    return {name: at.timestamp() for name, at in rows}
