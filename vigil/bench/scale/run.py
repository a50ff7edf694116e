"""Scale benchmark: the control plane with 100,000 monitors; real processes and servers.

  manage.py bench scale --monitors 100000 --regions 5 --json
  manage.py bench scale --monitors 10000 --seconds 30
  manage.py bench scale --monitors 100000 --shards 2 --no-series --history-checks 0 --json
  manage.py bench scale --monitors 300000 --replay --seconds 90 --history-checks 0 --json

Simulated region workers take batches from the real Celery queues and answer from memory; they, and this command, are
no part of the numbers. Before the wanted number comes a growth series (1k, 10k, ...), each step with its own numbers:
`us_per_check` is the CPU of all of the control plane, PostgreSQL and Redis included, per check, and
`marginal_us_per_check` the same without what an empty installation uses.

With `--replay` all scheduled results of the measured window are made and signed before it, and only sent within it: a
schedule lag is then how late one was sent. Rounds are opened and answered as ever.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import django
import redis

from vigil.bench.measure import Usage, pss_mb, usages
from vigil.bench.report import print_report, say
from vigil.bench.scale.recording import AheadRecorder
from vigil.bench.scale.regions import SICK
from vigil.bench.scale.report import Lags, VerdictLags, by_part, step_report
from vigil.bench.scale.rig import Rig, ScaleLoad, wait
from vigil.cli.errors import CommandError
from vigil.local.installation import InstallationOptions
from vigil.local.programs import Program
from vigil.local.supervisor import Supervisor
from vigil.local.temporary import Throwaway

_IDLE_S, _STEP_S, _SETTLE_S = 20, 30, 15
#: One monitor in this many fails within the window.
_SICK_ONE_IN = 2_500
_HISTORY_DEADLINE_S = 3600


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
    parser.add_argument(
        "--replay",
        action="store_true",
        help="make and sign all results of the window before it, so that the regions take no part of the machine",
    )
    parser.add_argument("--no-series", action="store_true", help="only the wanted number, without the smaller steps")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keep", action="store_true", help="leave the folder with all logs")


def run(args: argparse.Namespace) -> int:
    load = ScaleLoad(args.monitors, args.regions, args.interval, args.seconds, not args.no_series)
    load = replace(load, shards=args.shards, replay=args.replay)
    if load.monitors < 100 or not 1 <= load.regions <= 10 or load.interval_s < 5 or load.seconds < 15:
        raise CommandError("ask for at least 100 monitors, 1 to 10 regions, 5 s of interval and 15 s of window")
    if args.history_checks and args.history_checks < 1_000_000:
        raise CommandError("ask for --history-checks 0, or for at least 1,000,000")
    env = {"VIGIL_SHARDS": str(load.shards)} if load.shards > 1 else {}
    throwaway = Throwaway("bench", InstallationOptions(regions=(), env=env), args.keep)
    try:
        with tempfile.TemporaryDirectory(prefix="vigil-recording-") as folder:
            report = asyncio.run(_measure(throwaway, load, Path(folder)))
    finally:
        throwaway.discard()
    if args.history_checks:
        report |= _history(args.history_checks)
    print_report(report, args.json)
    return 0


async def _measure(throwaway: Throwaway, load: ScaleLoad, recording: Path) -> dict[str, object]:
    installation = throwaway.installation
    replay = ["--replay", str(recording)] if load.replay else []
    workers = Program(
        "regions",
        [sys.executable, "-m", "vigil.bench.scale.regions", *replay, *load.region_names],
        {**installation.env, "OPENBLAS_NUM_THREADS": "1"},
    )
    regions = Supervisor([workers], throwaway.journal)
    client = redis.Redis.from_url(installation.addresses.redis_url, socket_timeout=10)
    rig = Rig(installation, regions, client, load, recording)
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
    await wait("idle", _IDLE_S)
    return round(_cores(before, usages(rig.installation.supervisor.pids()), _IDLE_S), 4)


async def _step(rig: Rig, monitors: int, seconds: int) -> dict[str, object]:
    """Grow, restart the dispatcher, and measure in steady state."""
    from vigil.bench.scale.rows import grow_to, sick_ones

    say(f"writing {monitors} monitors")
    await asyncio.to_thread(grow_to, monitors, rig.load.interval_s)
    cold_s = await _settle(rig, monitors, seconds)
    supervisor = rig.installation.supervisor
    starts = {name: supervisor.starts(name) for name in supervisor.pids()}
    lags, verdicts = Lags(rig.report()), VerdictLags(rig.redis)
    before, begun_s = usages(supervisor.pids()), time.monotonic()
    await wait(f"{monitors} monitors, measuring", _well_s(seconds))
    rig.redis.sadd(SICK, *await asyncio.to_thread(sick_ones, _sick(monitors)))
    await wait(f"{monitors} monitors, some are down", seconds - _well_s(seconds))
    after, lasted_s = usages(supervisor.pids()), time.monotonic() - begun_s
    seen = lags.until(rig.report())
    rig.redis.delete(SICK)
    report = step_report(monitors, seen, verdicts)
    spent = _cores(before, after, lasted_s)
    checks = max(1, seen.checks + seen.confirmed)
    report |= {
        "control_plane_cores": round(spent, 4),
        "us_per_check": round(spent * lasted_s / checks * 1e6, 1),
        "marginal_us_per_check": round((spent - rig.idle_cores) * lasted_s / checks * 1e6, 1),
        "cold_dispatch_s": None if cold_s is None else round(cold_s, 2),
        "redis_mb": round(_redis_mb(rig.redis), 1),
        "rss_mb": round(sum(pss_mb(supervisor.pids()).values()), 1),
        "cores": _by_process(before, after, lasted_s),
        "cores_by_part": by_part(_by_process(before, after, lasted_s)),
        "rss": {name: round(size, 1) for name, size in pss_mb(supervisor.pids()).items()},
        "restarts": sum(supervisor.starts(name) - at_first for name, at_first in starts.items()),
    }
    return report


async def _settle(rig: Rig, monitors: int, seconds: int) -> float | None:
    """Bring the load into a steady state; returns how long a cold dispatcher took (s), None in a replay."""
    from vigil.bench.scale.rows import recorded_load

    if not rig.load.replay:
        cold_s = await rig.cold_dispatch(monitors)
        await wait(f"{monitors} monitors, settling", _SETTLE_S)
        return cold_s
    await rig.drained_dispatch()
    say("making and signing the results of the window ahead")
    load = await asyncio.to_thread(recorded_load, rig.load, _sick(monitors), _well_s(seconds))
    start_ms = await asyncio.to_thread(AheadRecorder(rig.recording).record, load)
    await wait("until the recording begins", start_ms / 1000 - time.time())
    return None


def _sick(monitors: int) -> int:
    """How many monitors fail within the window."""
    return max(4, monitors // _SICK_ONE_IN)


def _well_s(seconds: int) -> int:
    """How long none does (s)."""
    return seconds // 3


def _redis_mb(client: redis.Redis) -> float:
    used = cast(dict[str, int], client.info("memory"))["used_memory"]
    return used / 2**20


def _by_process(before: dict[str, Usage], after: dict[str, Usage], seconds: float) -> dict[str, float]:
    spent = {name: (usage.cpu_s - before[name].cpu_s) / seconds for name, usage in after.items() if name in before}
    return {name: round(cores, 4) for name, cores in sorted(spent.items(), key=lambda pair: -pair[1])}


def _cores(before: dict[str, Usage], after: dict[str, Usage], seconds: float) -> float:
    return sum(_by_process(before, after, seconds).values())
