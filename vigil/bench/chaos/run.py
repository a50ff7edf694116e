"""Chaos: kills, stops and losses of everything, beside outages and silent jobs; then who was told what, and when.

It starts an `up` of its own in a temporary folder, local targets that fail, jobs that fall silent, and a receiver. By
the seed, processes and servers are killed or stopped, Redis is emptied, all of `up` is killed, and, where the folder
may be a disk of its own, that is filled. deliver is also killed at the receipt of every fourth delivery. Nothing may be
lost, invented or told twice: the exit code is 1 when something was.

  manage.py bench chaos --minutes 2 --seed 7
  manage.py bench chaos --minutes 20 --targets 30 --json
  manage.py bench chaos --minutes 30 --calm --loss 0.4     one more region behind a link that loses 40 %
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import django
import httpx

from vigil.alerts.channels.webhook import new_secret
from vigil.bench.chaos import nemeses, scene
from vigil.bench.chaos.far_region import FarRegion
from vigil.bench.chaos.installation import ChaosInstallation
from vigil.bench.chaos.judge import RESOLVE, TRIGGER, Course, judge
from vigil.bench.chaos.lossy_link import Loss
from vigil.bench.report import print_report, say
from vigil.cli.errors import CommandError

#: Nemeses end before the end of the run, so that the last outage can be resolved (s); settling takes this long at most.
CALM_END_S, SETTLE_S = 50.0, 100.0
#: A silence that is due so soon after the end is waited for (s).
SOON_S = 20.0
#: A page is at most this late, whatever dies.
BUDGETS = {"late_p99_s": 3.0}
KILL_AT_EVERY = 4
T = TypeVar("T")


@dataclass(slots=True)
class _Run:
    """What a run has and does."""

    installation: ChaosInstallation
    outside: scene.Scene
    jobs: Sequence[scene.Job]
    far: FarRegion | None = None
    done: Counter[str] = field(default_factory=Counter)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=2.0, help="length of the run (default: 2)")
    parser.add_argument("--seed", type=int, default=7, help="chooses outages and nemeses (default: 7)")
    parser.add_argument("--targets", type=int, default=6, help="number of targets (default: 6)")
    parser.add_argument("--jobs", type=int, default=4, help="number of jobs with heartbeats (default: 4)")
    parser.add_argument("--calm", action="store_true", help="the same without nemeses, to compare with")
    parser.add_argument(
        "--loss", type=float, default=0.0, help="share of segments lost between Redis and one more region (such as 0.4)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if (
        not 2 <= args.minutes <= 24 * 60
        or not 1 <= args.targets <= 200
        or not 0 <= args.jobs <= 200
        or not 0 <= args.loss < 1
    ):
        raise CommandError("choose 2 to 1440 minutes, 1 to 200 targets, and up to 200 jobs, and a loss below 1")
    report = asyncio.run(_measure(args))
    print_report(report, args.json, BUDGETS)
    wrongs = ("lost", "invented", "doubled", "silences_untold", "pings_lost", "far_worker_ends")
    return int(any(report[name] for name in wrongs))


async def _measure(args: argparse.Namespace) -> dict[str, object]:
    secret = new_secret()
    outside = scene.Scene(args.seed, args.targets, secret)
    installation = ChaosInstallation()
    try:
        await outside.open()
        await asyncio.to_thread(installation.start)
        far = await asyncio.to_thread(_prepare, installation, args)
        jobs = await asyncio.to_thread(scene.write_scene, outside, args.jobs, secret)
        say(f"up in {installation.start_s[0]:.0f} s; {args.minutes:g} minutes of chaos, seed {args.seed}")
        this = _Run(installation, outside, jobs, far)
        async with _kept(far):
            await _let_happen(this, args)
        course = await _settled(this, time.time() + SETTLE_S)
        counted = await asyncio.to_thread(_on_database, scene.pings_counted)
        return _report(this, course, counted)
    finally:
        await outside.close()
        await asyncio.to_thread(installation.close)


def _prepare(installation: ChaosInstallation, args: argparse.Namespace) -> FarRegion | None:
    """Set Django up for the installation, and enrol the far region where one is wanted."""
    for name in [name for name in os.environ if name.startswith("VIGIL_") and name != "VIGIL_VENV"]:
        del os.environ[name]
    os.environ |= installation.environment()
    os.environ["DJANGO_SETTINGS_MODULE"] = "vigil.settings"
    django.setup()
    if not args.loss:
        return None
    far = FarRegion(os.environ, installation.place, Loss(args.loss, args.seed))
    far.enrol()
    return far


@contextlib.asynccontextmanager
async def _kept(far: FarRegion | None) -> AsyncIterator[None]:
    running = asyncio.create_task(far.run()) if far is not None else None
    try:
        yield
    finally:
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _let_happen(this: _Run, args: argparse.Namespace) -> None:
    """Outages, pings and nemeses, until the time is over."""
    seconds, outside, installation = args.minutes * 60, this.outside, this.installation
    ends_s = time.time() + seconds
    chance = random.Random(args.seed)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        things = [outside.fail_by_chance(target, ends_s - CALM_END_S) for target in outside.targets]
        for number, job in enumerate(this.jobs):
            # Every second job calls to the end; the silence of the others is due before it.
            falls_silent_s = chance.uniform(0, max(0.0, seconds - 150))
            until_s = ends_s if number % 2 else ends_s - seconds + falls_silent_s

            def address(code: str = job.code) -> str:
                return f"{installation.said['ping_address']}/ping/{code}"

            things.append(outside.call(client, scene.Calls(job.name, address, until_s)))
        if not args.calm:
            things.append(_harm(this, args.seed, seconds - CALM_END_S))
        await asyncio.gather(*things)
        await asyncio.sleep(max(0.0, ends_s - time.time()))


async def _harm(this: _Run, seed: int, seconds: float) -> None:
    installation = this.installation
    began_s = time.monotonic()

    def kill_deliver(number: int) -> None:
        if number % KILL_AT_EVERY == 0 and time.monotonic() < began_s + seconds:
            this.done["kill at receipt"] += installation.kill("deliver")

    this.outside.on_receipt = kill_deliver
    victims = sorted(set(installation.said["processes"]) - {"prepare"})
    for nemesis in nemeses.plan(seed, seconds, victims, installation.has_own_disk):
        await asyncio.sleep(max(0.0, began_s + nemesis.at_s - time.monotonic()))
        say(f"{nemesis.at_s:6.1f} s  {nemesis.kind} {' '.join(nemesis.victims)}")
        this.done[nemesis.kind] += 1
        await installation.suffer(nemesis)


async def _settled(this: _Run, until_s: float) -> Course:
    """The course, once all that should be told is, or the time for it is over."""
    while True:
        course = await asyncio.to_thread(_on_database, lambda: _course(this))
        judged = judge(course)
        steps = Counter(one.event for one in course.written if one.kind == "outage")
        missed = {one.subject for one in course.written if one.kind == "heartbeat"}
        due = {one.subject for one in course.silences if one.begins_s + one.due_s < until_s - SETTLE_S + SOON_S}
        waits = steps[TRIGGER] != steps[RESOLVE] or due - missed
        if (not judged.lost and not waits) or time.time() > until_s:
            return course
        await asyncio.sleep(2)


def _course(this: _Run) -> Course:
    outside = this.outside
    return Course(time.time(), outside.outages, outside.silences, scene.written(), outside.told())


def _on_database(work: Callable[[], T]) -> T:
    """Run it on a connection that is made anew, since PostgreSQL may have been killed, for as long as it starts."""
    from django.db import OperationalError, connection

    for _ in range(60):
        connection.close()
        try:
            return work()
        except OperationalError:
            time.sleep(1)
    raise CommandError("PostgreSQL does not answer any more")


def _report(this: _Run, course: Course, counted: dict[str, int]) -> dict[str, object]:
    judged, outside = judge(course), this.outside
    lost_pings = {job: count - counted.get(job, 0) for job, count in outside.acknowledged.items()}
    told = outside.told()
    ids = {one.id for one in outside.receiver.received}
    return {
        "lost": judged.lost,
        "invented": judged.invented,
        "doubled": judged.doubled,
        "silences_untold": judged.silences_untold,
        "late_p50_s": _share(judged.late_s, 0.5),
        "late_p99_s": _share(judged.late_s, 0.99),
        "late_max_s": _share(judged.late_s, 1.0),
        "detected_p50_s": _share(judged.detected_s, 0.5),
        "detected_p90_s": _share(judged.detected_s, 0.9),
        "detected_max_s": _share(judged.detected_s, 1.0),
        "outages": len(course.outages),
        "silences": len(course.silences),
        "incidents": dict(Counter(one.kind for one in course.written if one.event == "trigger")),
        "deliveries": len(course.written),
        "received": len(told),
        "sent_again": len(outside.receiver.received) - len(ids),
        "pings_acknowledged": sum(outside.acknowledged.values()),
        "pings_lost": sum(max(0, lost) for lost in lost_pings.values()),
        "starts_failed": this.installation.starts_failed,
        "starts_max_s": round(max(this.installation.start_s), 1),
        "far_worker_ends": this.far.ends if this.far is not None else None,
        "segments_lost": this.far.link.lost if this.far is not None else None,
        "nemeses": dict(this.done),
    }


def _share(values: Sequence[float], share: float) -> float | None:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None
