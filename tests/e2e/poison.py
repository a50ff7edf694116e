"""Plays a stolen region, and strangers, on a whole installation: each poison, and an outage to be told of.

Every process that can have a standby has one.

Run by test_poison.py as a process of its own, since it has an installation of its own. Prints one JSON object:
poison -> {"alerted_s", "ended"}: seconds from the outage to its alert, and the programs that were started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from dataclasses import replace
from typing import Any, cast

import django
import redis.asyncio as redis

from probes import keys
from tests.e2e.kills import Target, statuses, write_monitors
from tests.e2e.poisons import MAIL_DOMAIN, POISONS, THIEF, Write
from tests.waiting import until_awaited
from vigil.bench.soak.poison import Thief, now_ms
from vigil.demo.stage import Stage, stage_options
from vigil.demo.story import AlertKind
from vigil.local.processes import answers_health
from vigil.local.programs import Program
from vigil.local.servers import ports
from vigil.local.supervisor import Supervisor

#: What has a standby here.
PAIRED = ("consensus", "dispatch", "ingest", "record", "deliver", "heartbeats", "witness")
#: What may never end, whatever a region writes. Its own worker may.
PROGRAMS = (*PAIRED, *(f"{name}-standby" for name in PAIRED), "web", "ping", "mail")
#: The same poison is written again so often, and stays for so long before the outage begins (s).
AGAIN_S, BEFORE_S = 1.0, 4.0
READY_S, TRIGGER_S = 60.0, 40.0


async def poisoned(stage: Stage, write: Write, monitors: dict[str, str], stop: asyncio.Event) -> None:
    secret = stage.installation.secrets.region_keys[THIEF]
    async with redis.from_url(stage.installation.addresses.redis_url) as client:
        thief = Thief(THIEF, secret, client, list(monitors.values()))
        while not stop.is_set():
            await write(thief)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AGAIN_S)


def starts(stage: Stage, standbys: Supervisor) -> dict[str, int]:
    """How often each process was started that may not end."""
    return {
        name: supervisor.starts(name)
        for supervisor in (stage.installation.supervisor, standbys)
        for name in supervisor.pids()
        if name in PROGRAMS
    }


def standby_programs(stage: Stage) -> list[Program]:
    """A second process of everything that can have one."""
    found = []
    for name in PAIRED:
        port = ports.take_free_port()
        argv = ["-m", "consensus"] if name == "consensus" else ["-m", "vigil.cli", "run", name]
        env = {**stage.installation.env, "VIGIL_HEALTH_PORT": str(port)}
        found.append(Program(f"{name}-standby", [sys.executable, *argv], env, is_ready=answers_health(port)))
    return found


def tell_by_a_new_channel(stage: Stage, name: str) -> None:
    """What follows is told by a channel of its own: one that has told of much in a minute gathers what it tells."""
    from django.db import close_old_connections

    from vigil.accounts.teams import default_team
    from vigil.alerts.models import Channel

    close_old_connections()
    Channel.objects.update(enabled=False)
    config, secrets = {"url": stage.hook_url}, {"secret": stage.secret}
    Channel(team=default_team(), name=f"for {name}", kind="webhook", config=config, secrets=secrets).save()


async def outage_under(
    stage: Stage, standbys: Supervisor, poison: str, monitors: dict[str, str], target: Target
) -> dict[str, object]:
    """Write a poison again and again, and let a target fail meanwhile."""
    await asyncio.to_thread(tell_by_a_new_channel, stage, poison)
    before = starts(stage, standbys)
    stop = asyncio.Event()
    writer = asyncio.create_task(poisoned(stage, POISONS[poison](stage), monitors, stop))
    await asyncio.sleep(BEFORE_S)
    target.close()
    begun_s = time.monotonic()

    async def triggered() -> bool:
        if writer.done():
            writer.result()
        return any(alert.kind is AlertKind.TRIGGER and alert.monitor == poison for alert in await stage.alerts())

    try:
        await until_awaited(triggered, f"the trigger of the outage under {poison}", TRIGGER_S)
        alerted_s = time.monotonic() - begun_s
    finally:
        stop.set()
        await writer
    now = starts(stage, standbys)
    ended = [name for name in PROGRAMS if now.get(name) != before.get(name) or name not in before]
    print(f"done: {poison} after {alerted_s:.1f} s, ended: {ended}", file=sys.stderr, flush=True)
    return {"alerted_s": round(alerted_s, 1), "ended": ended}


async def heard_again(stage: Stage) -> bool:
    """Whether the region's stream is numbered by the clock again, and its own worker writes to it."""
    async with redis.from_url(stage.installation.addresses.redis_url) as client:
        entries = cast(list[Any], await client.xrevrange(keys.results(THIEF), count=1))
    return bool(entries) and keys.entry_id(entries[0][0])[0] < now_ms() + 5_000


async def main() -> dict[str, dict[str, object]]:
    options = stage_options()
    wanted = replace(options, env={"VIGIL_MAIL_PORT": str(ports.take_free_port()), "VIGIL_MAIL_DOMAIN": MAIL_DOMAIN})
    stage = Stage(bool(os.environ.get("KEEP_POISON")), wanted)
    standbys = Supervisor(standby_programs(stage), lambda name, line: None)
    # Each on a host of its own: what fails one after the other on one host is gathered as a storm.
    targets = {poison: Target(f"127.0.3.{number}") for number, poison in enumerate(POISONS, start=1)}
    try:
        for target in targets.values():
            await target.open()
        await stage.open()
        standbys.start()
        await asyncio.to_thread(django.setup)
        monitors = await asyncio.to_thread(write_monitors, stage, targets)

        async def all_up() -> bool:
            return set(await asyncio.to_thread(statuses)) == {"up"}

        await standbys.wait_ready(READY_S)
        await until_awaited(all_up, "all monitors to be up", READY_S)
        told = {}
        for poison, target in targets.items():
            told[poison] = await outage_under(stage, standbys, poison, monitors, target)
            await target.open()
        begun_s = time.monotonic()
        await until_awaited(lambda: heard_again(stage), "the region to be heard again", READY_S)
        told["heard again"] = {"alerted_s": round(time.monotonic() - begun_s, 1), "ended": []}
        return told
    finally:
        standbys.hurry()
        await standbys.stop()
        await stage.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))
