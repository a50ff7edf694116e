"""Plays a stolen region on a whole installation: each poison, then an outage that must be told of in time.

Run by test_poison.py as a process of its own, since it has an installation of its own. Prints one JSON object:
poison -> {"alerted_s", "ended"}: seconds from the outage to its alert, and the programs that were started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import django
import msgspec
import redis.asyncio as redis

from consensus.verdicts import decode_round
from probes import keys, wire
from probes.process.redis_streams import Entries
from probes.reasons import Reason, Status
from probes.wire import Phases, RegionStatus, Result
from tests.e2e.kills import Target, statuses, write_monitors
from tests.waiting import until_awaited
from vigil.demo.stage import SEATS, Stage
from vigil.demo.story import AlertKind

THIEF = SEATS[-1].region
#: What may never end, whatever a region writes. Its own worker may.
PROGRAMS = ("consensus", "dispatch", "ingest", "record", "deliver", "heartbeats", "web")
#: The same poison is written again so often, and stays for so long before the outage begins (s).
AGAIN_S, BEFORE_S = 1.0, 4.0
READY_S, TRIGGER_S = 60.0, 40.0
LAST_ID = f"{2**64 - 1}-{2**64 - 1}"

Write = Callable[["redis.Redis", dict[str, str]], Awaitable[object]]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def result(**changes: Any) -> Result:
    return msgspec.structs.replace(
        Result(1, "mon_nobody", now_ms(), Status.UP, Reason.OK, now_ms(), Phases(total_us=1_000)), **changes
    )


def no_utf8(payload: bytes) -> bytes:
    return payload.replace(b"ZZZZ", b"\xff\xfe\xff\xfe")


async def add(client: redis.Redis, payload: bytes, entry_id: str = "*") -> None:
    # Refused once the stream holds the last id there is.
    with contextlib.suppress(redis.ResponseError):
        await client.xadd(keys.results(THIEF), {keys.BODY: payload}, id=entry_id)


async def status(client: redis.Redis, monitors: dict[str, str]) -> None:
    bad = RegionStatus(1, now_ms(), 0, 0, 0, 0, "ZZZZ", "ZZZZ", b"\0" * 32, "private")
    await client.set(keys.status(THIEF), no_utf8(wire.encode(bad)), ex=45)


async def numbers(client: redis.Redis, monitors: dict[str, str]) -> None:
    for number in (2**63 - 1, 2**63, 2**64 - 1, -(2**63), -1):
        names = ("revision", "started_ms", "at_ms", "look", "code", "attempts", "v")
        await add(client, wire.encode([result(**{name: number}) for name in names]))
        await add(client, wire.encode([result(phases=Phases(total_us=number))]))


async def texts(client: redis.Redis, monitors: dict[str, str]) -> None:
    await add(client, no_utf8(wire.encode([result(monitor="mon_ZZZZ")])))
    fields = msgspec.msgpack.encode(list(msgspec.structs.astuple(result())))
    await add(client, b"\x91\x9f" + fields[1:] + b"\x91" * 5_000 + b"\xc0")
    await add(client, wire.encode([result(facts={"a": float("nan"), "b": float("inf")}, status=Status.DOWN)]))


async def calls(client: redis.Redis, monitors: dict[str, str]) -> None:
    """Scheduled failures of every monitor, of other times, and of monitors that do not exist."""
    named = [
        result(monitor=monitor, status=Status.DOWN, reason=Reason.REFUSED, started_ms=at_ms, revision=1, detail="\0")
        for monitor in monitors.values()
        for at_ms in (2**62, now_ms() + 600_000, now_ms())
    ]
    await add(client, wire.encode(named))
    made_up = [result(monitor=f"mon_{n}", status=Status.DOWN, reason=Reason.RESET) for n in range(900)]
    await add(client, wire.encode(made_up))


async def votes(client: redis.Redis, monitors: dict[str, str]) -> None:
    """Votes on all rounds, with words that no column takes, and addresses that no cause holds."""
    for _, fields in cast(Entries, await client.xrevrange(keys.ROUNDS, count=20)):
        round = decode_round(fields[keys.BODY])
        vote = result(
            monitor=round.monitor, status=Status.DOWN, reason=Reason.REFUSED, round=round.id, look=1,
            started_ms=round.opened_ms, revision=round.revision, detail="\0" * 10 + "x" * 300,
            facts={"address": "0" * 400, "\0": "\0"},
        )  # fmt: skip
        await add(client, wire.encode([vote]))


async def bytes_at_random(client: redis.Redis, monitors: dict[str, str]) -> None:
    dice = random.Random(now_ms())
    whole = wire.encode([result(monitor=monitor, detail="x", facts={"address": "a"}) for monitor in monitors.values()])
    for _ in range(200):
        changed = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        await add(client, bytes(changed))
        await client.hset(keys.latest(THIEF), dice.choice(list(monitors.values())), bytes(changed))


async def future(client: redis.Redis, monitors: dict[str, str]) -> None:
    await add(client, wire.encode([result()]), LAST_ID)


POISONS: dict[str, Write] = {
    "P2a": status,
    "P2b": texts,
    "S1": numbers,
    "S2 votes": votes,
    "S2b": calls,
    "mutated": bytes_at_random,
    "future id": future,
}


async def poisoned(stage: Stage, write: Write, monitors: dict[str, str], stop: asyncio.Event) -> None:
    async with redis.from_url(stage.installation.addresses.redis_url) as client:
        while not stop.is_set():
            await write(client, monitors)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AGAIN_S)


async def outage_under(stage: Stage, poison: str, monitors: dict[str, str], target: Target) -> dict[str, object]:
    """Write a poison again and again, and let a target fail meanwhile."""
    supervisor = stage.installation.supervisor
    starts = {name: supervisor.starts(name) for name in supervisor.pids() if name in PROGRAMS}
    stop = asyncio.Event()
    writer = asyncio.create_task(poisoned(stage, POISONS[poison], monitors, stop))
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
    ended = [name for name, before in starts.items() if supervisor.starts(name) != before]
    print(f"done: {poison} after {alerted_s:.1f} s, ended: {ended}", file=sys.stderr, flush=True)
    return {"alerted_s": round(alerted_s, 1), "ended": ended}


async def heard_again(stage: Stage) -> bool:
    """Whether the region's stream is numbered by the clock again, and its own worker writes to it."""
    async with redis.from_url(stage.installation.addresses.redis_url) as client:
        entries = cast(list[Any], await client.xrevrange(keys.results(THIEF), count=1))
    return bool(entries) and keys.entry_id(entries[0][0])[0] < now_ms() + 5_000


async def main() -> dict[str, dict[str, object]]:
    stage = Stage(keep=bool(os.environ.get("KEEP_POISON")))
    # Each on a host of its own: what fails one after the other on one host is gathered as a storm.
    targets = {poison: Target(f"127.0.3.{number}") for number, poison in enumerate(POISONS, start=1)}
    try:
        for target in targets.values():
            await target.open()
        await stage.open()
        await asyncio.to_thread(django.setup)
        monitors = await asyncio.to_thread(write_monitors, stage, targets)

        async def all_up() -> bool:
            return set(await asyncio.to_thread(statuses)) == {"up"}

        await until_awaited(all_up, "all monitors to be up", READY_S)
        told = {}
        for poison, target in targets.items():
            told[poison] = await outage_under(stage, poison, monitors, target)
            await target.open()
        begun_s = time.monotonic()
        await until_awaited(lambda: heard_again(stage), "the region to be heard again", READY_S)
        told["heard again"] = {"alerted_s": round(time.monotonic() - begun_s, 1), "ended": []}
        return told
    finally:
        await stage.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))
