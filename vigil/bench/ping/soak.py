"""Ping soak test: continuous pings while random processes are killed; counts losses."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from typing import Any

import django

from vigil.bench.ping.load import LoadPlan, call
from vigil.bench.report import say
from vigil.local.installation import Installation
from vigil.local.temporary import Throwaway

HEARTBEATS = 2_000
#: Jobs that stop pinging and must be alerted.
SILENT = 20
PERIOD_S, GRACE_S = 60, 60
PAUSE_S = (3.0, 12.0)
#: Programs unrelated to pings are killed too; finished steps cannot be.
STEPS = ("prepare",)
SETTLE_S = 90.0


async def soak(throwaway: Throwaway, seconds: int, rate: int) -> dict[str, Any]:
    """Run for this many seconds with kills; report lost, repeated and false results."""
    installation = throwaway.installation
    try:
        await installation.start()
        await asyncio.to_thread(django.setup)
        from vigil.bench.ping import rows

        await asyncio.to_thread(rows.write_heartbeats, "calling", HEARTBEATS, PERIOD_S, GRACE_S)
        await asyncio.to_thread(rows.write_heartbeats, "silent", SILENT, PERIOD_S, GRACE_S)
        plan = LoadPlan(installation.addresses.ping_port, throwaway.path, seconds, rate, run="soak")
        await asyncio.to_thread(rows.write_codes, "calling", plan.codes)
        kills: Counter[str] = Counter()
        enough = asyncio.Event()
        killing = asyncio.create_task(_kill(installation, kills, enough, time.monotonic() + seconds))
        told = await call(plan)
        enough.set()
        await killing
        await _all_ready(installation)
        return await asyncio.to_thread(_count, plan, told, kills)
    finally:
        await installation.stop()


def _count(plan: LoadPlan, told: dict[str, Any], kills: Counter[str]) -> dict[str, Any]:
    from django.db import connection

    from vigil.bench.ping import rows

    # Its server has probably been killed.
    connection.close()
    lost, twice = rows.lost_of(plan.acked, SETTLE_S, say)
    # A silent job is overdue a period and a grace after the start.
    deadline = time.monotonic() + SETTLE_S
    while rows.alerts_about("silent") < SILENT and time.monotonic() < deadline:
        time.sleep(1)
    return {
        "seconds": plan.seconds,
        "acknowledged": told["acknowledged"],
        "acknowledged_per_s": told["per_s"],
        "refused": told["refused"],
        "broken": told["broken"],
        "p99_ms": told["p99_ms"],
        "lost": lost,
        "applied_twice": twice,
        "false_alerts": rows.false_alerts("calling"),
        "silent_jobs": SILENT,
        "silent_jobs_told_of": rows.alerts_about("silent"),
        "gaps": rows.gaps(),
        "kills": sum(kills.values()),
        "killed": dict(kills),
    }


async def _kill(installation: Installation, kills: Counter[str], enough: asyncio.Event, end_s: float) -> None:
    chance = random.Random()
    while not enough.is_set():
        pause_s = chance.uniform(*PAUSE_S)
        try:
            async with asyncio.timeout(pause_s):
                await enough.wait()
        except TimeoutError:
            pass
        alive = {name: pid for name, pid in installation.supervisor.pids().items() if name not in STEPS}
        if enough.is_set() or not alive:
            continue
        name = chance.choice(sorted(alive))
        os.kill(alive[name], signal.SIGKILL)
        kills[name] += 1
        say(f"{end_s - time.monotonic():6.0f} s left, killed {name}")


async def _all_ready(installation: Installation) -> None:
    names = [name for name in installation.supervisor.pids() if name not in STEPS]
    for _ in range(600):
        if all(installation.supervisor.is_ready(name) for name in names):
            return
        await asyncio.sleep(0.1)
