"""Poisons: what a thief of a region's key, or a stranger, writes to end the processes that read it.

Each was once enough to end a process for good. None may end one now, nor be told of as an outage.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
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

_NUMBERS = (2**63 - 1, 2**63, 2**64 - 1, -(2**63), -1)
_PACKETS = (
    b"GET /ping/00000000-0000-0000-0000-000000000000 HTTP/1.1\r\nHost: x\r\n\r\n\0\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n\xff\xfe",
    b"POST /hooks/%00 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
    b"GET /badge/%ff.svg HTTP/1.1\r\nHost: x\r\n\r\nGE T / HTTP/7.1\r\n\0: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)
_BODIES = (
    b'{"error":"\\ud83d"}',
    b'{"error":"\355\240\275"}',
    b'{"tokens":' + b"9" * 400 + b"}",
    b"\0" * 9,
    b"[" * 19_000,
)
_PACKET_WITHIN_S = 2.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def result(**changes: Any) -> Result:
    """A result of no monitor, with some fields changed."""
    made = Result(1, "mon_nobody", now_ms(), Status.UP, Reason.OK, now_ms(), Phases(total_us=1_000))
    return msgspec.structs.replace(made, **changes)


@dataclass(slots=True)
class Thief:
    """One who has a region's key and its Redis; `monitors` are the ids that its orders named."""

    region: str
    secret: str
    client: redis.Redis
    monitors: Sequence[str] = ()
    #: Of pings and of pages, and the address of a job that the thief may call.
    ports: Sequence[int] = ()
    job: str = ""
    signer: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.signer = Signer(region_signing_key(self.secret), b"evil", now_ms)

    async def add(self, payload: bytes, entry_id: str = "*") -> None:
        """Write to the region's results, signed as the region signs."""
        envelope = self.signer.sign(keys.results(self.region), payload, 60)
        # Refused once the stream holds the last id there is, and while Redis is away.
        with contextlib.suppress(redis.RedisError):
            fields: Any = {keys.BODY: payload, keys.ENVELOPE: envelope}
            await self.client.xadd(keys.results(self.region), fields, id=entry_id)


async def status(thief: Thief) -> None:
    """The region's sign of life, with text that is no UTF-8."""
    bad = RegionStatus(1, now_ms(), 0, 0, 0, 0, "ZZZZ", "ZZZZ", b"\0" * 32, "private")
    payload, name = _no_utf8(wire.encode(bad)), keys.status(thief.region)
    await thief.client.set(name, thief.signer.sign(name, payload, 60) + payload, ex=keys.STATUS_TTL_S)


async def numbers(thief: Thief) -> None:
    """Numbers at the ends of what 64 bits hold, in each field."""
    for number in _NUMBERS:
        names = ("revision", "started_ms", "at_ms", "look", "code", "attempts", "v")
        await thief.add(wire.encode([result(**{name: number}) for name in names]))
        await thief.add(wire.encode([result(phases=Phases(total_us=number))]))


async def texts(thief: Thief) -> None:
    """Text that is no UTF-8, fields nested too deep, and numbers that are none."""
    await thief.add(_no_utf8(wire.encode([result(monitor="mon_ZZZZ")])))
    fields = msgspec.msgpack.encode(list(msgspec.structs.astuple(result())))
    await thief.add(b"\x91\x9f" + fields[1:] + b"\x91" * 5_000 + b"\xc0")
    await thief.add(wire.encode([result(facts={"a": float("nan"), "b": float("inf")}, status=Status.DOWN)]))


async def calls(thief: Thief) -> None:
    """Scheduled failures of every monitor, of other times, and of monitors that do not exist."""
    named = [
        result(monitor=monitor, status=Status.DOWN, reason=Reason.REFUSED, started_ms=at_ms, revision=1, detail="\0")
        for monitor in thief.monitors
        for at_ms in (2**62, now_ms() + 600_000, now_ms())
    ]
    await thief.add(wire.encode(named))
    made_up = [result(monitor=f"mon_{n}", status=Status.DOWN, reason=Reason.RESET) for n in range(900)]
    await thief.add(wire.encode(made_up))


async def votes(thief: Thief) -> None:
    """Votes on all rounds, with words that no column takes, and addresses that no cause holds."""
    for _, fields in cast(Entries, await thief.client.xrevrange(keys.ROUNDS, count=20)):
        try:
            round = decode_round(fields[keys.BODY])
        except msgspec.DecodeError:
            # Another poison is on that stream.
            continue
        vote = result(
            monitor=round.monitor, status=Status.DOWN, reason=Reason.REFUSED, round=round.id, look=1,
            started_ms=round.opened_ms, revision=round.revision, detail="\0" * 10 + "x" * 300,
            facts={"address": "0" * 400, "\0": "\0"},
        )  # fmt: skip
        await thief.add(wire.encode([vote]))


async def bytes_at_random(thief: Thief) -> None:
    """Every key that a region owns, and every stream of the control plane, with bytes that are no message."""
    dice = random.Random(now_ms())
    for _ in range(40):
        await thief.add(dice.randbytes(dice.randrange(200)))
    for key in (keys.status(thief.region), keys.stored(thief.region)):
        await thief.client.set(key, dice.randbytes(40), ex=keys.STATUS_TTL_S)
    await thief.client.hset(keys.alive(thief.region), dice.choice((*PARTS, "x")), dice.randbytes(9))
    for stream in (keys.CALLS, keys.ROUNDS, keys.VERDICTS, keys.DEAD_LETTERS):
        await thief.client.xadd(stream, {keys.BODY: dice.randbytes(60)})
    for hashed in (keys.QUARANTINED, keys.BASELINES, keys.SHARES, keys.BELIEVED):
        await thief.client.hset(hashed, f"made-up-{dice.randrange(9)}", dice.randbytes(30))


async def packets(thief: Thief) -> None:
    """Pipelined rubbish on the ports for pings and pages, and bodies of pings that no column takes."""
    path = thief.job.encode()
    pings = [
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (path, len(body), body) for body in _BODIES
    ]
    for port in thief.ports:
        await asyncio.gather(*(_send(port, packet) for packet in (*_PACKETS, *pings)))


async def future(thief: Thief) -> None:
    """The last id that a stream can hold: nothing may be added behind it."""
    await thief.add(wire.encode([result()]), f"{2**64 - 1}-{2**64 - 1}")


Poison = Callable[[Thief], Awaitable[None]]
POISONS: Mapping[str, Poison] = MappingProxyType(
    {
        "status": status,
        "numbers": numbers,
        "texts": texts,
        "calls": calls,
        "votes": votes,
        "bytes": bytes_at_random,
        "packets": packets,
    }
)


def _no_utf8(payload: bytes) -> bytes:
    return payload.replace(b"ZZZZ", b"\xff\xfe\xff\xfe")


async def _send(port: int, packet: bytes) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PACKET_WITHIN_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(packet)
                await reader.read(4_096)
            finally:
                writer.close()
