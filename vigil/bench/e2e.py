"""End-to-end benchmark: real servers and processes under load, with some failing targets.

  manage.py bench e2e --json
  manage.py bench e2e --monitors 1000 --regions 3 --interval 30 --seconds 60

Reports how late scheduled checks start, how long a verdict takes once the votes it needs are in, and what a check
costs in CPU, in all and for each process. The target is part of the run but not of the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field

import django
import redis

from consensus.verdicts import decode_verdict
from probes import keys, wire
from probes.reasons import Reason, Status
from vigil.bench.measure import Usage, per_check, percentile, usages, verdict_lag_ms
from vigil.bench.report import print_report, say
from vigil.cli.errors import CommandError
from vigil.local.installation import Installation, InstallationOptions
from vigil.local.processes import LocalRegion
from vigil.local.programs import Program
from vigil.local.servers import ports
from vigil.local.supervisor import Supervisor
from vigil.local.temporary import Throwaway

#: Monitors whose targets fail a third into the window.
SICK = 20
_LISTENS_DEADLINE_S = 10
_READ_DEADLINE_S = 10


@dataclass(frozen=True)
class E2eLoad:
    """Load: monitors, regions, interval and length of the window in seconds."""

    monitors: int
    regions: int
    interval_s: int
    seconds: int

    @property
    def warm_up_s(self) -> int:
        """Until every check has run once, and the burst of the start is over."""
        return self.interval_s + 5


@dataclass
class E2eSeen:
    """Stream entries within the window; lags in ms."""

    scheduled: int = 0
    confirming: int = 0
    missed: int = 0
    failing: int = 0
    schedule_lags: list[float] = field(default_factory=list)
    verdict_lags: list[float] = field(default_factory=list)

    @property
    def checks(self) -> int:
        return self.scheduled + self.confirming


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--monitors", type=int, default=1000)
    parser.add_argument("--regions", type=int, default=3)
    parser.add_argument("--interval", type=int, default=30, help="seconds between checks of a monitor in a region")
    parser.add_argument("--seconds", type=int, default=60, help="length of the measured window")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keep", action="store_true", help="leave the folder with all logs")


def run(args: argparse.Namespace) -> int:
    load = E2eLoad(args.monitors, args.regions, args.interval, args.seconds)
    if load.monitors < SICK or not 1 <= load.regions <= 10 or load.interval_s < 5 or load.seconds < 15:
        raise CommandError(f"ask for at least {SICK} monitors, 1 to 10 regions, 5 s of interval and 15 s of window")
    regions = tuple(LocalRegion(f"bench-{place}", f"domain-{place}") for place in range(1, load.regions + 1))
    throwaway = Throwaway("bench", InstallationOptions(regions), args.keep)
    try:
        report = asyncio.run(_measure(throwaway, load))
    finally:
        throwaway.discard()
    print_report(report, args.json)
    return 0


def report_of(load: E2eLoad, seen: E2eSeen, before: dict[str, Usage], after: dict[str, Usage]) -> dict[str, object]:
    """Figures of one run."""
    by_process = per_check(before, after, seen.checks)
    return {
        "monitors": load.monitors,
        "regions": load.regions,
        "interval_s": load.interval_s,
        "seconds": load.seconds,
        "checks": seen.checks,
        "checks_expected": round(load.monitors * load.regions * load.seconds / load.interval_s),
        "missed": seen.missed,
        "failing": seen.failing,
        "checks_per_s": round(seen.checks / load.seconds, 1),
        "schedule_lag_p50_s": _seconds(percentile(seen.schedule_lags, 0.5)),
        "schedule_lag_p99_s": _seconds(percentile(seen.schedule_lags, 0.99)),
        "verdicts": len(seen.verdict_lags),
        "verdict_lag_p99_s": _seconds(percentile(seen.verdict_lags, 0.99)),
        "cpu_us_per_check": round(sum(by_process.values()), 1),
        "by_process": by_process,
        "rss_mb": {name: round(usage.rss_mb, 1) for name, usage in after.items()},
    }


def _seconds(lag_ms: float | None) -> float | None:
    return None if lag_ms is None else round(lag_ms / 1000, 4)


async def _measure(throwaway: Throwaway, load: E2eLoad) -> dict[str, object]:
    installation = throwaway.installation
    port = ports.take_free_port()

    async def listens() -> bool:
        return not ports.is_free(port)

    target = Program(
        "target",
        [sys.executable, "-m", "vigil.bench.target", "--port", str(port)],
        installation.env,
        is_ready=listens,
    )
    targets = Supervisor([target], throwaway.journal)
    try:
        targets.start()
        await targets.wait_ready(_LISTENS_DEADLINE_S)
        await _start(installation, load, port)
        await _show("warming up", load.warm_up_s)
        return await _watch(installation, targets, load)
    finally:
        await installation.stop()
        await targets.stop()


async def _start(installation: Installation, load: E2eLoad, port: int) -> None:
    say("starting everything")
    starting = asyncio.create_task(installation.start())
    await asyncio.to_thread(django.setup)
    while not starting.done() and not installation.supervisor.is_ready("prepare"):
        await asyncio.sleep(0.05)
    if not starting.done():
        from vigil.bench.rows import write_monitors

        await asyncio.to_thread(write_monitors, load.monitors, SICK, load.interval_s, f"http://127.0.0.1:{port}")
    await starting


async def _watch(installation: Installation, targets: Supervisor, load: E2eLoad) -> dict[str, object]:
    supervisor = installation.supervisor
    leaders = supervisor.pids()
    starts = {name: supervisor.starts(name) for name in leaders}
    seen, enough = E2eSeen(), threading.Event()
    reading = asyncio.create_task(asyncio.to_thread(_read, installation.addresses.redis_url, load, seen, enough))
    try:
        before = usages(leaders)
        await _show("measuring", load.seconds // 3)
        os.kill(targets.pid("target"), signal.SIGUSR1)
        await _show("measuring, some targets are sick", load.seconds - load.seconds // 3)
        after = usages(leaders)
    finally:
        enough.set()
    await reading
    restarts = sum(supervisor.starts(name) - at_first for name, at_first in starts.items())
    return report_of(load, seen, before, after) | {"restarts": restarts}


def _read(redis_url: str, load: E2eLoad, seen: E2eSeen, enough: threading.Event) -> None:
    """Follow the streams of results and verdicts to the end of the window; blocks."""
    verdicts = keys.VERDICTS.encode()
    streams = [verdicts, *(keys.results(f"bench-{place}").encode() for place in range(1, load.regions + 1))]
    with redis.Redis.from_url(redis_url, socket_timeout=_READ_DEADLINE_S) as client:
        places: dict[bytes, bytes] = {}
        for stream in streams:
            last = client.xrevrange(stream, count=1)
            places[stream] = last[0][0] if last else b"0"
        while not enough.is_set():
            for stream, entries in client.xread(places, count=1000, block=200):
                places[stream] = entries[-1][0]
                for _, entry in entries:
                    _take(stream == verdicts, entry[keys.BODY], seen)


def _take(is_verdict: bool, body: bytes, seen: E2eSeen) -> None:
    if is_verdict:
        verdict = decode_verdict(body)
        if verdict.status is Status.DOWN:
            seen.verdict_lags.append(verdict_lag_ms(verdict))
        return
    for result in wire.decode_results(body):
        if result.round:
            seen.confirming += 1
        elif result.reason is Reason.MISSED:
            seen.missed += 1
        elif result.reason is not Reason.OVERDUE:
            seen.scheduled += 1
            seen.failing += result.status is not Status.UP
            seen.schedule_lags.append(result.started_ms - result.at_ms)


async def _show(what: str, seconds: int) -> None:
    """Wait, with a progress bar on standard error."""
    begun = time.monotonic()
    while (spent := time.monotonic() - begun) < seconds:
        if sys.stderr.isatty():
            done = int(spent / seconds * 30)
            sys.stderr.write(f"\r{'━' * done:<30} {what}, {seconds - spent:.0f} s left \x1b[K")
            sys.stderr.flush()
        await asyncio.sleep(min(0.5, seconds - spent))
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    say(f"{what}: done")
