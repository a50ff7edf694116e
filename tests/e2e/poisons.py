"""Poisons of the play in poison.py: what a stolen region, or a stranger, writes again and again."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable

import redis.asyncio as redis

from probes import keys, wire
from probes.process.liveness import PARTS
from tests.poison import regions
from tests.poison.boundary import packed
from tests.poison.changes import changed_bytes
from tests.vigil.heartbeats import fuzz
from vigil.bench.soak import poison
from vigil.bench.soak.poison import Thief, now_ms, result
from vigil.demo.stage import SEATS, Stage
from vigil.heartbeats.core.pings.wire import PING_VERSION, Address, LogEntry, Ping

THIEF = SEATS[-1].region
MAIL_DOMAIN = "pings.test"

#: Writes one poison once, as the thief of a region's key.
Write = Callable[[Thief], Awaitable[None]]


async def bytes_at_random(thief: Thief) -> None:
    """Every key that a region owns, with bytes that are nearly right."""
    dice, client = random.Random(now_ms()), thief.client
    whole = wire.encode([result(monitor=monitor, detail="x", facts={"address": "a"}) for monitor in thief.monitors])
    for _ in range(200):
        await thief.add(changed_bytes(whole, dice))
        await thief.add(regions.BOUNDARIES["results"].made(dice))
        await client.hset(keys.latest(THIEF), dice.choice(thief.monitors), changed_bytes(whole, dice))
    for _ in range(20):
        await client.set(keys.status(THIEF), regions.BOUNDARIES["region status"].made(dice), ex=45)
        await client.set(keys.stored(THIEF), regions.BOUNDARIES["stream id"].made(dice))
        await client.hset(keys.alive(THIEF), dice.choice((*PARTS, "x")), regions.BOUNDARIES["liveness mark"].made(dice))


async def control_messages(thief: Thief) -> None:
    """What consensus, dispatch and ingest write, nearly right: calls, rounds, verdicts, quarantines, baselines."""
    dice, client = random.Random(now_ms()), thief.client
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

    async def write(thief: Thief) -> None:
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

    async def write(thief: Thief) -> None:
        for port, made in said.items():
            await asyncio.to_thread(fuzz.pipeline, port, made, now_ms(), 150)

    return write


#: The last one may be followed by no other of the same stream.
POISONS: dict[str, Callable[[Stage], Write]] = {
    "P1 P3 sockets": sockets,
    "P2a": lambda _: poison.status,
    "P2b": lambda _: poison.texts,
    "S1": lambda _: poison.numbers,
    "S2 votes": lambda _: poison.votes,
    "S2b": lambda _: poison.calls,
    "S4 pings": log_entries,
    "mutated": lambda _: bytes_at_random,
    "control": lambda _: control_messages,
    "future id": lambda _: poison.future,
}
