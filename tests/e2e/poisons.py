"""Poisons of the play in poison.py: what a stolen region, or a stranger, writes again and again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import redis.asyncio as redis

from consensus.verdicts import decode_round
from probes import keys, wire
from probes.process.liveness import PARTS
from probes.process.redis_streams import Entries
from probes.reasons import Reason, Status
from probes.signing.private_keys import region_signing_key
from probes.signing.signatures import Signer
from probes.wire import Phases, RegionStatus, Result
from tests.poison import regions
from tests.poison.boundary import packed
from tests.poison.changes import changed_bytes
from tests.vigil.heartbeats import fuzz
from vigil.demo.stage import SEATS, Stage
from vigil.heartbeats.core.pings.wire import PING_VERSION, Address, LogEntry, Ping

THIEF = SEATS[-1].region
MAIL_DOMAIN = "pings.test"
#: What signs for the thief, once its key is stolen.
STOLEN: list[Signer] = []
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


def steal(secret: str) -> None:
    """Sign with a region's key from now on: a thief of its host has its key."""
    STOLEN[:] = [Signer(region_signing_key(secret), b"evil", now_ms)]


def signed_by_thief(payload: bytes) -> Any:
    return {keys.BODY: payload, keys.ENVELOPE: STOLEN[0].sign(keys.results(THIEF), payload, 60)}


async def add(client: redis.Redis, payload: bytes, entry_id: str = "*") -> None:
    # Refused once the stream holds the last id there is.
    with contextlib.suppress(redis.ResponseError):
        await client.xadd(keys.results(THIEF), signed_by_thief(payload), id=entry_id)


async def status(client: redis.Redis, monitors: dict[str, str]) -> None:
    bad = RegionStatus(1, now_ms(), 0, 0, 0, 0, "ZZZZ", "ZZZZ", b"\0" * 32, "private")
    payload, name = no_utf8(wire.encode(bad)), keys.status(THIEF)
    await client.set(name, STOLEN[0].sign(name, payload, 60) + payload, ex=45)


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
    """Every key that a region owns, with bytes that are nearly right."""
    dice = random.Random(now_ms())
    whole = wire.encode([result(monitor=monitor, detail="x", facts={"address": "a"}) for monitor in monitors.values()])
    for _ in range(200):
        await add(client, changed_bytes(whole, dice))
        await add(client, regions.BOUNDARIES["results"].made(dice))
        await client.hset(keys.latest(THIEF), dice.choice(list(monitors.values())), changed_bytes(whole, dice))
    for _ in range(20):
        await client.set(keys.status(THIEF), regions.BOUNDARIES["region status"].made(dice), ex=45)
        await client.set(keys.stored(THIEF), regions.BOUNDARIES["stream id"].made(dice))
        await client.hset(keys.alive(THIEF), dice.choice((*PARTS, "x")), regions.BOUNDARIES["liveness mark"].made(dice))


async def control_messages(client: redis.Redis, monitors: dict[str, str]) -> None:
    """What consensus, dispatch and ingest write, nearly right: calls, rounds, verdicts, quarantines, baselines."""
    dice = random.Random(now_ms())
    streams = {"call": keys.CALLS, "round": keys.ROUNDS, "verdict": keys.VERDICTS, "dead letter": keys.DEAD_LETTERS}
    hashes = {
        "quarantine": keys.QUARANTINED,
        "baselines": keys.BASELINES,
        "share": keys.SHARES,
        "belief": keys.BELIEVED,
    }
    for _ in range(40):
        for name, stream in streams.items():
            await client.xadd(stream, {keys.BODY: regions.BOUNDARIES[name].made(dice)})
        for name, hashed in hashes.items():
            await client.hset(hashed, f"made-up-{dice.randrange(9)}", regions.BOUNDARIES[name].made(dice))
        await client.hset(keys.ALIVE, "made-up", regions.BOUNDARIES["liveness mark"].made(dice))


def log_entries(stage: Stage) -> Write:
    """The log of pings, nearly right."""
    ping = Ping(str(uuid.uuid4()), now_ms() * 1_000, Address(str(uuid.uuid4())), body=b'{"error":"x","tokens":5}')

    async def write(client: redis.Redis, monitors: dict[str, str]) -> None:
        dice, made = random.Random(now_ms()), packed(LogEntry(PING_VERSION, "r", [ping, ping], now_ms() * 1_000))
        async with redis.from_url(stage.installation.addresses.ping_redis_url) as pings:
            for _ in range(100):
                await pings.xadd(keys.PINGS, {keys.BODY: made(dice)})

    return write


def sockets(stage: Stage) -> Write:
    """Pipelined rubbish on the ports for pings, mails and pages."""
    at, code = stage.installation.addresses, str(uuid.uuid4())
    paths = [f"/ping/{code}".encode(), b"/", b"/healthz", b"/hooks/%00", b"/badge/%ff.svg", b"/api/v1/monitors", b"*"]
    recipients = [f"{code}@{MAIL_DOMAIN}".encode(), b"someone@" + MAIL_DOMAIN.encode(), b"\xff@\0", b"a" * 400]
    said = {
        at.ping_port: fuzz.http(paths),
        at.web_port: fuzz.http(paths),
        int(stage.installation.env["VIGIL_MAIL_PORT"]): fuzz.smtp(recipients),
    }

    async def write(client: redis.Redis, monitors: dict[str, str]) -> None:
        for port, made in said.items():
            await asyncio.to_thread(fuzz.pipeline, port, made, now_ms(), 150)

    return write


async def future(client: redis.Redis, monitors: dict[str, str]) -> None:
    await add(client, wire.encode([result()]), LAST_ID)


#: The last one may be followed by no other of the same stream.
POISONS: dict[str, Callable[[Stage], Write]] = {
    "P1 P3 sockets": sockets,
    "P2a": lambda _: status,
    "P2b": lambda _: texts,
    "S1": lambda _: numbers,
    "S2 votes": lambda _: votes,
    "S2b": lambda _: calls,
    "S4 pings": log_entries,
    "mutated": lambda _: bytes_at_random,
    "control": lambda _: control_messages,
    "future id": lambda _: future,
}
