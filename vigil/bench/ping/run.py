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
import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import django

from vigil.bench.ping.load import LoadPlan, call
from vigil.bench.ping.soak import soak
from vigil.bench.report import print_report, say, until
from vigil.cli.errors import CommandError
from vigil.local.installation import Installation, InstallationOptions
from vigil.local.processes import LocalRegion
from vigil.local.servers import ports
from vigil.local.temporary import Throwaway

HEARTBEATS = 5_000
SWEPT = 100_000
SWEEPS, DUE, DOWN = 5, 200, 20
MEAN = 500
PATIENCE_S = 60.0


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
    print_report(report, args.json)
    return 0 if not report["lost"] and not report.get("false_alerts") else 1


async def _measure(throwaway: Throwaway, seconds: int) -> dict[str, Any]:
    installation = throwaway.installation
    plan = LoadPlan(installation.addresses.ping_port, throwaway.path, 2)
    try:
        await _start(installation, plan)
        from vigil.bench.ping import rows

        lost = 0

        async def window(name: str, run: str, rate: float = 0, burst: int = 0) -> dict[str, Any]:
            nonlocal lost
            say(name)
            told = await call(replace(plan, seconds=seconds, run=run, rate=rate, burst=burst))
            missing, twice = await asyncio.to_thread(rows.lost_of, plan.acked, PATIENCE_S, say)
            lost += missing + twice
            return told

        fast = await window("as fast as it goes", "fast")
        at_1000 = await window("1,000 a second", "steady", 1_000)
        burst = await window("a burst", "burst", MEAN, MEAN * 10)
        report: dict[str, Any] = {
            "pings_per_s": fast["per_s"],
            "p99_ms_at_1000": at_1000["p99_ms"],
            "p50_ms_at_1000": at_1000["p50_ms"],
            "per_s_at_1000": at_1000["per_s"],
            "row_handler_pings_per_s": await _row_handler(installation, plan, seconds),
            "burst_acknowledged": burst["acknowledged"],
            "burst_called": burst["called"],
            "burst_p99_ms": burst["p99_ms"],
        }
        report |= await _sweeps(installation)
        return report | {"lost": lost + burst["called"] - burst["acknowledged"]}
    finally:
        await installation.stop()


async def _start(installation: Installation, plan: LoadPlan) -> None:
    """Start everything, write the heartbeats, and call each of them before anything is measured."""
    say("starting everything")
    await installation.start()
    await asyncio.to_thread(django.setup)
    from vigil.bench.ping import rows

    await asyncio.to_thread(rows.write_heartbeats, "called", HEARTBEATS, 86_400, 86_400)
    await asyncio.to_thread(rows.write_codes, "called", plan.codes)
    await asyncio.sleep(1)
    await call(plan)
    await asyncio.to_thread(rows.lost_of, plan.acked, PATIENCE_S, say)


async def _row_handler(installation: Installation, plan: LoadPlan, seconds: int) -> float:
    """The same load on the row-per-ping handler."""
    say("the usual handler, a row for each ping")
    port = ports.take_free_port()
    env = {**installation.env, "DJANGO_SETTINGS_MODULE": "vigil.settings"}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vigil.bench.ping.row_server", str(port), env=env, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await asyncio.to_thread(until, lambda: not ports.is_free(port), "the row handler does not start", 20)
        await call(replace(plan, port=port, path="/row/"))
        told = await call(replace(plan, port=port, path="/row/", seconds=seconds))
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
