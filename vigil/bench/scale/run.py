"""Scale benchmark: the control plane with 100,000 monitors; real processes and servers.

  manage.py bench scale --monitors 100000 --regions 5 --json
  manage.py bench scale --monitors 10000 --seconds 30
  manage.py bench scale --monitors 100000 --shards 2 --no-series --history-checks 0 --json

Simulated region workers take batches from the real Celery queues and answer from memory; they, and this command, are
no part of the numbers. Before the wanted number comes a growth series (1k, 10k, ...), each step with its own numbers:
`us_per_check` is the CPU of all of the control plane, PostgreSQL and Redis included, per check, and
`marginal_us_per_check` the same without what an empty installation uses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import cast

import django
import redis

from vigil.bench.measure import Usage, pss_mb, usages
from vigil.bench.report import print_report, say, until
from vigil.bench.scale.regions import REPORT, SICK
from vigil.bench.scale.report import Lags, VerdictLags, by_part, step_report
from vigil.cli.errors import CommandError
from vigil.local.installation import Installation, InstallationOptions
from vigil.local.programs import Program
from vigil.local.supervisor import Supervisor
from vigil.local.temporary import Throwaway

SERIES = (1_000, 10_000, 100_000, 300_000)
_IDLE_S, _STEP_S, _SETTLE_S = 20, 30, 15
#: One monitor in this many fails within the window.
_SICK_ONE_IN = 2_500
_DEADLINE_S = 120
_HISTORY_DEADLINE_S = 3600


@dataclass(frozen=True)
class ScaleLoad:
    """Load; `interval_s` and `seconds` in seconds."""

    monitors: int
    regions: int
    interval_s: int
    seconds: int
    series: bool
    shards: int = 1

    @property
    def steps(self) -> list[int]:
        """Numbers of monitors to measure, the requested one last."""
        return [*(step for step in SERIES if self.series and step < self.monitors), self.monitors]

    @property
    def region_names(self) -> list[str]:
        return [f"sim-{place}" for place in range(1, self.regions + 1)]


@dataclass
class Rig:
    """The running installation, its simulated regions, and a Redis client."""

    installation: Installation
    regions: Supervisor
    redis: redis.Redis
    load: ScaleLoad
    idle_cores: float = 0.0
    steps: list[dict[str, object]] = field(default_factory=list)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--monitors", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=5)
    parser.add_argument("--interval", type=int, default=60, help="seconds between checks of a monitor in a region")
    parser.add_argument("--seconds", type=int, default=60, help="length of the last step's measured window")
    parser.add_argument(
        "--history-checks",
        type=int,
        default=50_000_000,
        help="then store so many checks, to tell the bytes of each beside a row for each; 0 leaves that out",
    )
    parser.add_argument("--shards", type=int, default=1, help="shards of consensus, ingest and record (default 1)")
    parser.add_argument("--no-series", action="store_true", help="only the wanted number, without the smaller steps")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keep", action="store_true", help="leave the folder with all logs")


def run(args: argparse.Namespace) -> int:
    load = ScaleLoad(args.monitors, args.regions, args.interval, args.seconds, not args.no_series, args.shards)
    if load.monitors < 100 or not 1 <= load.regions <= 10 or load.interval_s < 5 or load.seconds < 15:
        raise CommandError("ask for at least 100 monitors, 1 to 10 regions, 5 s of interval and 15 s of window")
    if args.history_checks and args.history_checks < 1_000_000:
        raise CommandError("ask for --history-checks 0, or for at least 1,000,000")
    env = {"VIGIL_SHARDS": str(load.shards)} if load.shards > 1 else {}
    throwaway = Throwaway("bench", InstallationOptions(regions=(), env=env), args.keep)
    try:
        report = asyncio.run(_measure(throwaway, load))
    finally:
        throwaway.discard()
    if args.history_checks:
        report |= _history(args.history_checks)
    print_report(report, args.json)
    return 0


async def _measure(throwaway: Throwaway, load: ScaleLoad) -> dict[str, object]:
    installation = throwaway.installation
    workers = Program(
        "regions",
        [sys.executable, "-m", "vigil.bench.scale.regions", *load.region_names],
        {**installation.env, "OPENBLAS_NUM_THREADS": "1"},
    )
    regions = Supervisor([workers], throwaway.journal)
    client = redis.Redis.from_url(installation.addresses.redis_url, socket_timeout=10)
    rig = Rig(installation, regions, client, load)
    try:
        await installation.start()
        await asyncio.to_thread(django.setup)
        await asyncio.to_thread(_enrol, load)
        regions.start()
        rig.idle_cores = await _idle(rig)
        for monitors in load.steps:
            rig.steps.append(await _step(rig, monitors, load.seconds if monitors == load.monitors else _STEP_S))
    finally:
        await regions.stop()
        await installation.stop()
        client.close()
    last = dict(rig.steps[-1])
    return last | {"idle_cores": rig.idle_cores, "growth": rig.steps}


def _history(checks: int) -> dict[str, object]:
    """Bytes per check, from `bench history`, since an hour must pass before packing."""
    say(f"storing {checks} checks")
    argv = [sys.executable, "-m", "vigil.cli", "bench", "history", "--only", "bytes", "--json", "--checks", str(checks)]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=_HISTORY_DEADLINE_S)
    if done.returncode:
        raise CommandError(f"bench history failed: {done.stderr.strip().splitlines()[-1:] or 'no message'}")
    found: dict[str, object] = json.loads(done.stdout)
    return {name: found[name] for name in ("bytes_per_check", "row_bytes_per_check")} | {"history_checks": checks}


def _enrol(load: ScaleLoad) -> None:
    from vigil.bench.scale.rows import enrol

    enrol(load.region_names)


async def _idle(rig: Rig) -> float:
    """Cores used by an installation without monitors."""
    before = usages(rig.installation.supervisor.pids())
    await _wait("idle", _IDLE_S)
    return round(_cores(before, usages(rig.installation.supervisor.pids()), _IDLE_S), 4)


async def _step(rig: Rig, monitors: int, seconds: int) -> dict[str, object]:
    """Grow, restart the dispatcher, and measure in steady state."""
    from vigil.bench.scale.rows import grow_to, sick_ones

    say(f"writing {monitors} monitors")
    await asyncio.to_thread(grow_to, monitors, rig.load.interval_s)
    cold_s = await _cold_dispatch(rig, monitors)
    await _wait(f"{monitors} monitors, settling", _SETTLE_S)
    supervisor = rig.installation.supervisor
    starts = {name: supervisor.starts(name) for name in supervisor.pids()}
    lags, verdicts = Lags(_report(rig)), VerdictLags(rig.redis)
    before, begun_s = usages(supervisor.pids()), time.monotonic()
    await _wait(f"{monitors} monitors, measuring", seconds // 3)
    rig.redis.sadd(SICK, *await asyncio.to_thread(sick_ones, max(4, monitors // _SICK_ONE_IN)))
    await _wait(f"{monitors} monitors, some are down", seconds - seconds // 3)
    after, lasted_s = usages(supervisor.pids()), time.monotonic() - begun_s
    seen = lags.until(_report(rig))
    rig.redis.delete(SICK)
    report = step_report(monitors, seen, verdicts)
    spent = _cores(before, after, lasted_s)
    checks = max(1, seen.checks + seen.confirmed)
    report |= {
        "control_plane_cores": round(spent, 4),
        "us_per_check": round(spent * lasted_s / checks * 1e6, 1),
        "marginal_us_per_check": round((spent - rig.idle_cores) * lasted_s / checks * 1e6, 1),
        "cold_dispatch_s": round(cold_s, 2),
        "rss_mb": round(sum(pss_mb(supervisor.pids()).values()), 1),
        "cores": _by_process(before, after, lasted_s),
        "cores_by_part": by_part(_by_process(before, after, lasted_s)),
        "rss": {name: round(size, 1) for name, size in pss_mb(supervisor.pids()).items()},
        "restarts": sum(supervisor.starts(name) - at_first for name, at_first in starts.items()),
    }
    return report


async def _cold_dispatch(rig: Rig, monitors: int) -> float:
    """Restart the dispatcher; seconds until the first second is dispatched in full."""
    supervisor, began_ms = rig.installation.supervisor, time.time() * 1000
    old = supervisor.pid("dispatch")
    os.kill(old, signal.SIGTERM)
    await asyncio.to_thread(
        until, lambda: supervisor.pid("dispatch") not in (0, old), "no new dispatcher starts", _DEADLINE_S
    )
    started_s = time.time()
    expected = monitors * rig.load.regions / rig.load.interval_s
    found: list[int] = []

    def dispatched() -> bool:
        taken = cast(dict[str, int], _report(rig).get("taken", {}))
        found[:] = sorted(
            int(second)
            for second, count in taken.items()
            if int(second) * 1000 > began_ms and int(second) >= started_s and count >= 0.8 * expected
        )
        return bool(found)

    await asyncio.to_thread(until, dispatched, "no second is dispatched in full", _DEADLINE_S)
    return max(0.0, found[0] - started_s)


def _report(rig: Rig) -> dict[str, object]:
    found: dict[str, object] = json.loads(rig.redis.get(REPORT) or b"{}")  # type: ignore[arg-type]  # redis-py's types
    return found


def _by_process(before: dict[str, Usage], after: dict[str, Usage], seconds: float) -> dict[str, float]:
    spent = {name: (usage.cpu_s - before[name].cpu_s) / seconds for name, usage in after.items() if name in before}
    return {name: round(cores, 4) for name, cores in sorted(spent.items(), key=lambda pair: -pair[1])}


def _cores(before: dict[str, Usage], after: dict[str, Usage], seconds: float) -> float:
    return sum(_by_process(before, after, seconds).values())


async def _wait(what: str, seconds: float) -> None:
    say(f"{what} ({seconds:.0f} s)")
    await asyncio.sleep(seconds)
