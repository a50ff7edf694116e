"""News of standing orders between the two workers of a region, so that either can go on with all of them.

The queue gives each batch to one of the workers, and those of a monitor may go to the same one every time: the other
would not know what to look at once that one has ended. Each writes its news to one key of the region, and takes what
the other wrote there in the same step. News that it finds again were not taken, and are told with the next.
"""

from __future__ import annotations

import time
from typing import cast

import msgspec
import redis.asyncio

from probes import keys, wire
from probes.process.refusals import Refusals
from probes.reasons import Refusal
from probes.signing.envelope import split_value
from probes.signing.signatures import Signer, TrustedKeys
from probes.wire import StandingNews
from probes.worker.autonomy import Autonomy

#: As long as a status: a worker that does not report is not there.
LIFE_S = keys.STATUS_TTL_S


class NewsExchange:
    """Tells and takes news. Both workers sign with the one key of their region. For one loop."""

    def __init__(
        self, connection: redis.asyncio.Redis, region: str, signer: Signer, public: bytes, autonomy: Autonomy
    ) -> None:
        self._redis = connection
        self._place = keys.standing(region)
        self._signer = signer
        self._trusted = TrustedKeys([public])
        self._autonomy = autonomy
        self._refusals = Refusals(time.monotonic)
        #: The value that was written last, and what it tells.
        self._told: tuple[bytes, StandingNews] | None = None

    async def turn(self, now_ms: int) -> None:
        """Tell what is new and take what the other told, where there is another. Raises `redis.RedisError`."""
        self._refusals.tell()
        news = self._autonomy.news()
        if news is None:
            return
        try:
            body = wire.encode(news)
            value = self._signer.sign(self._place, body, LIFE_S) + body
            found = cast(bytes | None, await self._redis.set(self._place, value, ex=LIFE_S, get=True))
        except BaseException:
            self._autonomy.put_back_news(news)
            raise
        if self._told is not None and found in (None, self._told[0]):
            self._autonomy.put_back_news(self._told[1])
        elif found is not None:
            self._take(found, now_ms)
        self._told = (value, news)

    def _take(self, value: bytes, now_ms: int) -> None:
        envelope, body = split_value(value)
        refusal = self._trusted.refusal(self._place, body, envelope, now_ms) or self._trusted.take(envelope)
        if refusal is None:
            try:
                self._autonomy.learn(wire.decode_news(body))
            except msgspec.DecodeError:
                refusal = Refusal.UNREADABLE
        # What is over was told by a worker that has ended.
        if refusal not in (None, Refusal.EXPIRED):
            self._refusals.add(self._place, {refusal: 1})
