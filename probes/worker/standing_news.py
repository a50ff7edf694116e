"""News of standing orders between the two workers of a region, so that either can go on with all of them.

The queue gives each batch to one of the workers, and those of a monitor may go to the same one every time: the other
would not know what to look at once that one has ended. Each writes the batches that it took to one key of the region,
and takes what the other wrote there in the same step. What it finds again was not taken, and is told with the next.

A batch is told as it was received, and counts by the control plane's signature, bound to the region and to the minute:
who has stolen the region's identity can make no worker of it run a check. So the news need no signature of their own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, cast

import msgspec
import redis.asyncio

from probes import keys, wire
from probes.process.refusals import Refusals
from probes.reasons import Refusal
from probes.wire import NEWS_BATCHES_MOST, WIRE_VERSION, Batch, Lane, SignedBatch, StandingNews
from probes.worker.autonomy import Autonomy
from probes.worker.orders import OrderAdmission

#: As long as a status: a worker that does not report is not there. A batch holds by its signature a little longer.
LIFE_S = keys.STATUS_TTL_S
#: Bytes told at once. What is beyond waits for the next turn.
_TOLD_BYTES = 16 * 1024 * 1024
#: What is told and what waits, in values of that size. What is beyond is left out, the oldest first, and counted: the
#: next slot brings each monitor's order again.
_KEPT_VALUES = 2


class Untold(NamedTuple):
    """A batch for the other worker, and when it was taken from the queue."""

    taken_ms: int
    signed: SignedBatch

    @property
    def size(self) -> int:
        return len(self.signed.payload) + len(self.signed.envelope)


class NewsExchange:
    """Tells and takes batches, while there is another worker. For one loop."""

    def __init__(
        self, connection: redis.asyncio.Redis, region: str, orders: OrderAdmission, autonomy: Autonomy
    ) -> None:
        self._redis = connection
        self._place = keys.standing(region)
        self._orders = orders
        self._autonomy = autonomy
        self._refusals = Refusals(time.monotonic)
        self._untold: list[Untold] = []
        #: The value that was written last, and what it tells.
        self._told: tuple[bytes, list[Untold]] = b"", []

    def note(self, batch: Batch, signed: SignedBatch, now_ms: int) -> None:
        """A batch was taken from the queue: tell it at the next turn, if a check of it is to be repeated."""
        is_standing = batch.lane is Lane.SCHEDULED and any(check.every_ms for check in batch.checks)
        if is_standing and self._autonomy.is_beside_another:
            self._keep([*self._untold, Untold(now_ms, signed)], now_ms)

    async def turn(self, now_ms: int) -> None:
        """Tell what is new and take what the other told, where there is another. Raises `redis.RedisError`."""
        self._refusals.tell()
        if not self._autonomy.is_beside_another:
            self._untold, self._told = [], (b"", [])
            return
        self._keep(self._untold, now_ms)
        told, self._untold = split(self._untold)
        value = wire.encode(StandingNews(WIRE_VERSION, [one.signed for one in told]))
        try:
            found = cast(bytes | None, await self._redis.set(self._place, value, ex=LIFE_S, get=True))
        except BaseException:
            self._put_back(told, now_ms)
            raise
        before, self._told = self._told, (value, told)
        if found is None or found == before[0]:
            self._put_back(before[1], now_ms)
        else:
            await self._take(found)

    def _put_back(self, batches: Sequence[Untold], now_ms: int) -> None:
        self._keep([*batches, *self._untold], now_ms)

    def _keep(self, batches: Sequence[Untold], now_ms: int) -> None:
        self._untold, left_out = recent(batches, now_ms)
        if left_out:
            self._refusals.add(self._place, {Refusal.OVER_BUDGET: left_out})

    async def _take(self, value: bytes) -> None:
        try:
            news = wire.decode_news(value)
        except msgspec.DecodeError:
            self._refusals.add(self._place, {Refusal.UNREADABLE: 1})
            return
        for told in news.batches:
            batch = self._orders.admit_told(told)
            if batch is not None:
                self._autonomy.learn(batch)
            # A large region's news must not hold up a slot.
            await asyncio.sleep(0)


def split(batches: Sequence[Untold]) -> tuple[list[Untold], list[Untold]]:
    """The oldest of these batches, as many as may be told at once, and the rest."""
    left = _TOLD_BYTES
    for number, one in enumerate(batches):
        left -= one.size
        if left < 0 or number == NEWS_BATCHES_MOST:
            return list(batches[:number]), list(batches[number:])
    return list(batches), []


def recent(batches: Sequence[Untold], now_ms: int) -> tuple[list[Untold], int]:
    """The newest of these batches that may wait, in order, without those that are over; and how many are left out."""
    fresh = [one for one in batches if now_ms - one.taken_ms <= LIFE_S * 1000]
    kept: list[Untold] = []
    left = _KEPT_VALUES * _TOLD_BYTES
    for one in reversed(fresh):
        if one.size > _TOLD_BYTES:
            # It can never be told.
            continue
        left -= one.size
        if left < 0 or len(kept) == _KEPT_VALUES * NEWS_BATCHES_MOST:
            break
        kept.append(one)
    return kept[::-1], len(fresh) - len(kept)
