"""Ping benchmark: acknowledged pings a second, latency and loss, beside a row-per-ping handler.

  manage.py bench ping --json
  manage.py bench ping --soak 3600 --rate 500

Everything runs on this machine, the generator of the calls too. Every acknowledged ping is sought in PostgreSQL in the
end: `lost` are those that are not there. The burst is ten times the mean, all at once, in the middle of the window.
`sweep_ms_100k` is the slowest of five sweeps over 100,000 heartbeats, in each of which 200 become late;
`sweep_down_ms_each` is what every one that goes down costs, with its incident and deliveries. A soak kills a random
process every few seconds, the servers too, and counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

from vigil.bench.ping.soak import soak
from vigil.cli.errors import CommandError
from vigil.local import ports
from vigil.local.installation import Installation, InstallationOptions
from vigil.local.processes import LocalRegion
from vigil.local.temporary import Throwaway

HEARTBEATS = 5_000
SWEPT = 100_000
SWEEPS, DUE, DOWN = 5, 200, 20
MEAN = 500
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Calls:
    """Load: port and path, duration, and rate (0: as fast as answers come)."""

    port: int
    seconds: float
    rate: float = 0
    burst: int = 0
    path: str = "/ping/"
    connections: int = 64
    run: str = "warm"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=int, default=10, help="length of each measured window")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS", help="soak for so long instead")
    parser.add_argument("--rate", type=int, default=500, help="pings per second of the soak")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keep", action="store_true", help="leave the folder with all logs")


def run(args: argparse.Namespace) -> int:
    if not 3 <= args.seconds <= 600 or (args.soak and args.soak < 30) or not 1 <= args.rate <= 5_000:
        raise CommandError("ask for windows of 3 to 600 s, a soak of at least 30 s, and a rate of 1 to 5000 a second")
    throwaway = Throwaway("bench-ping", InstallationOptions((LocalRegion("bench"),)), args.keep)
    try:
        if args.soak:
            report = asyncio.run(soak(throwaway, args.soak, args.rate))
        else:
            report = asyncio.run(_measure(throwaway, args.seconds))
    finally:
        throwaway.discard()
    print(json.dumps(report) if args.json else "\n".join(f"{name:<28} {value}" for name, value in report.items()))
    return 0 if not report["lost"] and not report.get("false_alerts") else 1


async def call(folder: Path, codes: Path, calls: Calls) -> dict[str, Any]:
    """Run the generator; acknowledged calls are in `folder`/acked afterwards."""
    plan = vars(calls) | {"codes": str(codes), "acked": str(folder / "acked")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vigil.bench.ping.load", json.dumps(plan), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise CommandError("the generator of pings failed: see above")
    return dict(json.loads(told))


async def _measure(throwaway: Throwaway, seconds: int) -> dict[str, Any]:
    installation = throwaway.installation
    folder, codes = throwaway.path, throwaway.path / "codes"
    try:
        say("starting everything")
        await installation.start()
        await asyncio.to_thread(django.setup)
        from vigil.bench.ping import rows

        await asyncio.to_thread(rows.write_heartbeats, "called", HEARTBEATS, 86_400, 86_400)
        await asyncio.to_thread(rows.write_codes, "called", codes)
        await asyncio.sleep(1)
        port = installation.addresses.ping_port
        await call(folder, codes, Calls(port, 2))
        await asyncio.to_thread(rows.lost_of, folder / "acked", PATIENCE_S, say)
        report: dict[str, Any] = {}
        lost = 0

        async def window(name: str, calls: Calls) -> dict[str, Any]:
            nonlocal lost
            say(name)
            told = await call(folder, codes, calls)
            missing, twice = await asyncio.to_thread(rows.lost_of, folder / "acked", PATIENCE_S, say)
            lost += missing + twice
            return told

        fast = await window("as fast as it goes", Calls(port, seconds, run="fast"))
        at_1000 = await window("1,000 a second", Calls(port, seconds, 1_000, run="steady"))
        burst = await window("a burst", Calls(port, seconds, MEAN, MEAN * 10, run="burst"))
        report |= {
            "pings_per_s": fast["per_s"],
            "p99_ms_at_1000": at_1000["p99_ms"],
            "p50_ms_at_1000": at_1000["p50_ms"],
            "per_s_at_1000": at_1000["per_s"],
            "row_handler_pings_per_s": await _row_handler(installation, folder, codes, seconds),
            "burst_acknowledged": burst["acknowledged"],
            "burst_called": burst["called"],
            "burst_p99_ms": burst["p99_ms"],
        }
        report |= await _sweeps(installation)
        return report | {"lost": lost + burst["called"] - burst["acknowledged"]}
    finally:
        await installation.stop()


async def _row_handler(installation: Installation, folder: Path, codes: Path, seconds: int) -> float:
    """The same load on the row-per-ping handler."""
    say("the usual handler, a row for each ping")
    port = ports.take_free_port()
    env = {**installation.env, "DJANGO_SETTINGS_MODULE": "vigil.settings"}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vigil.bench.ping.row_server", str(port), env=env, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await _listens(port)
        await call(folder, codes, Calls(port, 2, path="/row/"))
        told = await call(folder, codes, Calls(port, seconds, path="/row/"))
    finally:
        server.terminate()
        await server.wait()
    if not told["acknowledged"]:
        raise CommandError(f"the row handler acknowledged nothing: {told}")
    return float(told["per_s"])


async def _sweeps(installation: Installation) -> dict[str, Any]:
    """Sweeps over 100,000 heartbeats, with the installation's sweeper paused."""
    from vigil.alerts.outbox import enqueue
    from vigil.bench.ping import rows

    say("sweeps over 100,000 heartbeats")
    await asyncio.to_thread(rows.write_heartbeats, "swept", SWEPT, 86_400, 3_600)
    sweeper = installation.supervisor.pid("heartbeats")
    os.kill(sweeper, signal.SIGSTOP)
    try:
        idle = await asyncio.to_thread(rows.time_idle_sweep, enqueue)
        late = timedelta(seconds=30)
        times = await asyncio.to_thread(rows.time_sweeps, "swept", SWEEPS, DUE, late, enqueue)
        [down] = await asyncio.to_thread(rows.time_sweeps, "swept", 1, DOWN, timedelta(hours=3), enqueue)
    finally:
        os.kill(sweeper, signal.SIGCONT)
    return {
        "sweep_ms_100k": round(max(times), 1),
        "sweep_ms_100k_all": [round(each, 1) for each in times],
        "sweep_ms_100k_idle": round(idle, 2),
        "sweep_down_ms_each": round(down / DOWN, 1),
    }


async def _listens(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise CommandError("the row handler does not start")


def say(what: str) -> None:
    sys.stderr.write(what + "\n")
    sys.stderr.flush()
