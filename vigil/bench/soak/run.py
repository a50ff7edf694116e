"""Soak test: nemeses on everything, beside outages and silent jobs; then who was told what, and when, and the memory.

It starts an `up` of its own in a temporary folder, up to two regions more that are reached over a link which can be
cut, local targets that fail, jobs that fall silent, and a receiver for each of two channels. By the seed, processes and
servers are killed or paused, PostgreSQL is started anew, Redis is emptied, all of `up` is killed, far regions are cut
off or delayed, one of them or all of `up` is given a wrong clock, poison is written with a stolen key, and, where the
folder may be a disk of its own (mount: root), that is filled. deliver is also killed when a receiver has a message.

The exit code is 1 when an outage or a silence was lost, invented, told twice on a channel, told out of order or never
resolved, when a ping was lost, a letter is dead that no poison explains, a process is missing in the end, or the memory
of one grows by more than 2 MiB an hour (Theil-Sen, over lives of 25 minutes and more without their first 10).

  manage.py bench soak --hours 1.7 --targets 24 --jobs 8
  manage.py bench soak --minutes 2 --seed 7
  manage.py bench soak --minutes 30 --calm --loss 0.4      no nemeses, but links that lose 40 %
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import django
import httpx
import redis.asyncio as redis

from vigil.alerts.channels.webhook import new_secret
from vigil.bench.report import print_report, say
from vigil.bench.soak import nemeses, rows
from vigil.bench.soak.far_region import FarRegion
from vigil.bench.soak.harm import NemesisActs
from vigil.bench.soak.installation import HarmedInstallation
from vigil.bench.soak.judge import RESOLVE, TRIGGER, Course, TellingBounds, judge
from vigil.bench.soak.lossy_link import Loss
from vigil.bench.soak.poison import POISONS, Thief
from vigil.bench.soak.report import BUDGETS, Counts, held, report_of
from vigil.bench.soak.scene import BRISK, STEADY, Calls, Scene
from vigil.cli.errors import CommandError

#: Nemeses end before the end of the run, so that the last outage can be resolved (s); settling takes this long at most.
CALM_END_S, SETTLE_S = 50.0, 100.0
#: In a long run other work of the machine comes in between.
LONG_CALM_END_S, LONG_SETTLE_S = 180.0, 300.0
LONG_BOUNDS = TellingBounds(outage_s=75.0, after_outage_s=180.0, silence_s=150.0)
#: A silence that is due so soon after the end is waited for (s).
SOON_S = 20.0
REGIONS_OF_UP, FAR_DOMAINS = 3, ("cloud-b", "cloud-c")


@dataclass(slots=True)
class _Run:
    """What a run has and does."""

    seed: int
    seconds: float
    outside: Scene
    jobs: Sequence[rows.Job]
    harm: NemesisActs

    @property
    def is_long(self) -> bool:
        return self.seconds >= nemeses.LONG_S

    @property
    def calm_end_s(self) -> float:
        return LONG_CALM_END_S if self.is_long else CALM_END_S


def add(parser: argparse.ArgumentParser) -> None:
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=2.0, help="length of the run (default: 2)")
    length.add_argument("--hours", type=float, help="the same in hours")
    parser.add_argument("--seed", type=int, default=7, help="chooses outages and nemeses (default: 7)")
    parser.add_argument("--targets", type=int, default=6, help="number of targets (default: 6)")
    parser.add_argument("--jobs", type=int, default=4, help="number of jobs with heartbeats (default: 4)")
    parser.add_argument("--regions", type=int, default=5, choices=(3, 4, 5), help="number of regions (default: 5)")
    parser.add_argument("--calm", action="store_true", help="the same without nemeses, to compare with")
    parser.add_argument(
        "--loss", type=float, default=0.0, help="share of segments lost between Redis and the far regions (such as 0.4)"
    )
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep the logs of all processes there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    args.minutes = args.hours * 60 if args.hours is not None else args.minutes
    counts_are_bounded = 1 <= args.targets <= 200 and 0 <= args.jobs <= 200
    if not (2 <= args.minutes <= 24 * 60 and counts_are_bounded and 0 <= args.loss < 1):
        raise CommandError("choose 2 to 1440 minutes, 1 to 200 targets, and up to 200 jobs, and a loss below 1")
    # On SIGTERM too, end all that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = asyncio.run(_measure(args))
    print_report(report, args.json, BUDGETS)
    return int(not held(report))


async def _measure(args: argparse.Namespace) -> dict[str, object]:
    secret, seconds = new_secret(), args.minutes * 60
    outside = Scene(args.seed, args.targets, secret, STEADY if seconds >= nemeses.LONG_S else BRISK)
    installation = HarmedInstallation()
    try:
        await outside.open()
        await asyncio.to_thread(installation.start)
        regions = await asyncio.to_thread(_prepare, installation, args)
        jobs = await asyncio.to_thread(rows.write_scene, outside, args.jobs, secret)
        say(f"up in {installation.start_s[0]:.0f} s; {args.minutes:g} minutes, seed {args.seed}")
        async with redis.from_url(os.environ["VIGIL_REDIS_URL"]) as client:
            harm = NemesisActs(
                installation, regions, await asyncio.to_thread(_thief, regions, client, installation, jobs)
            )
            this = _Run(args.seed, seconds, outside, jobs, harm)
            async with _kept(this):
                await _let_happen(this, args.calm)
                course = await _settled(this)
                return report_of(harm, outside, course, await asyncio.to_thread(_count, this))
    finally:
        if args.logs is not None:
            await asyncio.to_thread(installation.keep_logs, args.logs)
        await outside.close()
        await asyncio.to_thread(installation.close)


def _prepare(installation: HarmedInstallation, args: argparse.Namespace) -> dict[str, FarRegion]:
    """Set Django up for the installation, and enrol the far regions."""
    for name in [name for name in os.environ if name.startswith("VIGIL_") and name != "VIGIL_VENV"]:
        del os.environ[name]
    os.environ |= installation.environment()
    os.environ["DJANGO_SETTINGS_MODULE"] = "vigil.settings"
    django.setup()
    found = {}
    for number, domain in enumerate(FAR_DOMAINS[: args.regions - REGIONS_OF_UP], start=1):
        name = f"far-{number}"
        found[name] = FarRegion(name, os.environ, installation.place, Loss(args.loss, args.seed + number))
        found[name].enrol(domain)
    return found


def _thief(
    regions: dict[str, FarRegion], client: redis.Redis, installation: HarmedInstallation, jobs: Sequence[rows.Job]
) -> Thief | None:
    """One who has stolen the key of the last far region; None without one."""
    if not regions:
        return None
    stolen, said = list(regions.values())[-1], installation.said
    ports = [httpx.URL(said[name]).port or 0 for name in ("ping_address", "address")]
    job = next(job.code for job in jobs if job.name == rows.POISONED)
    return Thief(stolen.name, stolen.key, client, rows.monitors(), ports, f"/ping/{job}")


@contextlib.asynccontextmanager
async def _kept(this: _Run) -> AsyncIterator[None]:
    """The far regions run, and all processes are watched."""
    running = [asyncio.create_task(region.run()) for region in this.harm.regions.values()]
    running.append(asyncio.create_task(this.harm.watcher.run()))
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _let_happen(this: _Run, calm: bool) -> None:
    """Outages, pings and nemeses, until the time is over."""
    outside, seconds = this.outside, this.seconds
    ends_s = time.time() + seconds
    chance = random.Random(this.seed)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        things = [outside.fail_by_chance(target, ends_s - this.calm_end_s) for target in outside.targets]
        called = [job for job in this.jobs if job.name != rows.POISONED]
        things += [outside.call(client, _calls(this, job, number, ends_s, chance)) for number, job in enumerate(called)]
        if not calm:
            things.append(_do_harm(this, seconds - this.calm_end_s))
        await asyncio.gather(*things)
        await asyncio.sleep(max(0.0, ends_s - time.time()))


def _calls(this: _Run, job: rows.Job, number: int, ends_s: float, chance: random.Random) -> Calls:
    """Every second job calls to the end; the others fall silent: once in a short run, else now and then."""

    def address() -> str:
        return f"{this.harm.installation.said['ping_address']}/ping/{job.code}"

    if number % 2:
        return Calls(job.name, address, ends_s)
    if this.is_long:
        return Calls(job.name, address, ends_s, chance.uniform(1_000, 2_000))
    return Calls(job.name, address, ends_s - this.seconds + chance.uniform(0, max(0.0, this.seconds - 150)))


async def _do_harm(this: _Run, seconds: float) -> None:
    harm, installation = this.harm, this.harm.installation
    began_s, at_receipt = time.monotonic(), nemeses.KillAtReceipt()
    processes = sorted(set(installation.said["processes"]) - {"prepare"})
    poisons = tuple(POISONS) if harm.thief is not None else ()
    victims = nemeses.Victims(processes, list(harm.regions), poisons, installation.has_own_disk)

    def kill_deliver(number: int) -> None:
        at_s = time.monotonic() - began_s
        may = at_s < seconds and "deliver" in nemeses.harmed_at(this.seed, seconds, victims, at_s)
        if may and at_receipt.is_due(number, at_s):
            harm.done["kill at receipt"] += harm.kill("deliver")

    this.outside.on_receipt = kill_deliver
    for nemesis in nemeses.plan(this.seed, seconds, victims):
        await asyncio.sleep(max(0.0, began_s + nemesis.at_s - time.monotonic()))
        await harm.attempt(nemesis)
    harm.doing = "nothing is done any more"


async def _settled(this: _Run) -> Course:
    """The course, once all that should be told is, or the time for it is over."""
    settle_s = LONG_SETTLE_S if this.is_long else SETTLE_S
    began_s = time.time()
    while True:
        course = await _course(this)
        judged = judge(course)
        steps = Counter(one.event for one in course.written if one.kind == "outage")
        missed = {one.subject for one in course.written if one.kind == "heartbeat"}
        due = {one.subject for one in course.silences if one.begins_s + one.due_s < began_s + SOON_S}
        waits = judged.lost or steps[TRIGGER] != steps[RESOLVE] or due - missed
        if not waits or time.time() > began_s + settle_s:
            return course
        await asyncio.sleep(2)


async def _course(this: _Run) -> Course:
    """What happened until now. Only the rows are read in a thread: what receivers got still grows on the loop."""
    written = await asyncio.to_thread(rows.on_database, rows.written)
    outside, bounds = this.outside, LONG_BOUNDS if this.is_long else TellingBounds()
    return Course(time.time(), list(outside.outages), list(outside.silences), written, outside.told(), bounds)


def _count(this: _Run) -> Counts:
    harm = this.harm
    running, wanted = harm.pids(), {*harm.installation.said["processes"], *(f"worker-{name}" for name in harm.regions)}
    letters = rows.on_database(lambda: rows.dead_letters(harm.poisoned_s))
    missing = sorted(wanted - {"prepare"} - running.keys())
    return Counts(rows.on_database(rows.pings_counted), letters, missing)
