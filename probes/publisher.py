"""Results on their way to the region's stream: batched, bounded, and kept until they are known to be stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from typing import cast

import redis.asyncio
import redis.exceptions
import structlog
from redis.typing import EncodableT, FieldT

from probes import keys, wire
from probes.journal import Journal
from probes.reasons import Reason
from probes.unstored import EntryId, Sent, StreamSight, Unstored, entry_id
from probes.wire import Result

_log = structlog.get_logger(__name__)

_FLUSH_AFTER_S = 0.02
_BATCH_MOST = 200
#: Results kept in memory while Redis is away and the journal takes none; beyond that the oldest go.
_KEPT_MOST = 100_000
#: A safety net against a reader that is gone; readers trim by their position.
_STREAM_LENGTH = 50_000
_RETRY_FIRST_S = 0.1
_RETRY_MOST_S = 2.0
#: Redis is away for longer than a restart takes (failures in a row): what waits goes to the journal.
_AWAY_AFTER = 3
#: What the journal holds follows at this pace (s an entry), and waits while so many results were not stored since.
_BACKFILL_EVERY_S = 0.05
_AHEAD_MOST = 100_000
#: Results that are written and not stored: more of them are kept in the journal instead of in memory.
_UNSTORED_MOST = 60_000
#: The same where no recorder says anything: more are not kept at all.
_UNHEARD_MOST = 20_000
_AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)


class Publisher:
    """Takes results on the loop's thread, and writes them with one round trip a batch."""

    def __init__(self, connection: redis.asyncio.Redis, region: str, journal: Journal) -> None:
        self._redis = connection
        self._region = region
        self._stream = keys.results(region)
        self._latest = keys.latest(region)
        self._journal = journal
        self._waiting: deque[Result] = deque(maxlen=_KEPT_MOST)
        self._unstored = Unstored()
        self._wake = asyncio.Event()
        #: Redis was away since it was last asked what it holds: it may have lost what it had.
        self._broken_off = False
        self._told_of_acl = False
        self._seen_server: str | None = None
        self._stored_upto: EntryId | None = None
        #: Results written since the recorder last moved.
        self._ahead = 0
        self._dropped = 0

    def publish(self, result: Result) -> None:
        """Put a result on its way; never waits, and drops the oldest when too many wait."""
        if len(self._waiting) == _KEPT_MOST:
            self._dropped += 1
        self._waiting.append(result)
        if not self._wake.is_set():
            self._wake.set()

    @property
    def waiting(self) -> int:
        return len(self._waiting) + self._journal.unsent

    @property
    def dropped(self) -> int:
        return self._dropped + self._journal.dropped

    async def run(self) -> None:
        """Write what comes, for ever; an unreachable Redis is retried, any other error ends the process."""
        pause_s, failures = _RETRY_FIRST_S, 0
        while True:
            await self._something_to_do()
            try:
                if self._waiting:
                    await self._write_some()
                else:
                    await self._backfill()
                pause_s, failures = _RETRY_FIRST_S, 0
            except _AWAY as error:
                failures += 1
                self._broken_off = True
                if failures >= _AWAY_AFTER:
                    await self.set_aside()
                _log.warning("publisher.redis_away", waiting=self.waiting, error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _RETRY_MOST_S)

    async def flush(self, within_s: float) -> None:
        """Wait until all is written, or for `within_s` seconds."""
        deadline = asyncio.get_running_loop().time() + within_s
        while self._waiting and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_FLUSH_AFTER_S)

    async def settle(self) -> None:
        """Ask how far the stream is stored, and send again what Redis has lost. Raises `redis.RedisError`."""
        last = self._unstored.last
        broken_off, self._broken_off = self._broken_off, False
        try:
            server = await self._server()
            # Before the stream is looked at: what is lost in between is not taken for stored.
            stored = _position(cast(bytes | None, await self._redis.get(keys.stored(self._region))))
            sight = await self._look_at_stream()
            self._told_of_acl = False
        except redis.exceptions.NoPermissionError:
            self._unstored.take()
            self._tell_of_acl()
            return
        except redis.exceptions.RedisError:
            self._broken_off = broken_off
            raise
        # A client that was idle meanwhile connects to a server that was restarted without a word.
        restarted, self._seen_server = self._seen_server not in (None, server), server
        if self._unstored.has_lost(sight, last):
            await asyncio.to_thread(self._journal.lost)
        again = self._unstored.settle(sight, last, stored, broken_off or restarted)
        if again is None:
            await self._take_stored(stored)
        elif again:
            await self._send_again(again)

    async def _take_stored(self, upto: EntryId | None) -> None:
        if upto is None:
            self._unstored.take(_UNHEARD_MOST)
            return
        if upto != self._stored_upto:
            self._stored_upto, self._ahead = upto, 0
            await asyncio.to_thread(self._journal.stored, upto)
        if self._unstored.results > _UNSTORED_MOST:
            await asyncio.to_thread(self._journal.keep_sent, self._unstored.take(_UNSTORED_MOST // 2))

    def _tell_of_acl(self) -> None:
        if not self._told_of_acl:
            _log.warning(
                "publisher.may_not_see_what_is_stored",
                advice=f"let this region's Redis user read {keys.stored(self._region)}: deploy/redis.acl.example",
            )
        self._told_of_acl = True

    async def _something_to_do(self) -> None:
        if self._journal.unsent:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _BACKFILL_EVERY_S)
        else:
            await self._wake.wait()
        if 0 < len(self._waiting) < _BATCH_MOST:
            await asyncio.sleep(_FLUSH_AFTER_S)

    async def _write_some(self) -> None:
        batch = [self._waiting[i] for i in range(min(len(self._waiting), _BATCH_MOST))]
        payload = wire.encode(batch)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xadd(self._stream, {keys.BODY: payload}, maxlen=_STREAM_LENGTH, approximate=True)
        latest = _latest_of(batch)
        if latest:
            pipeline.hset(self._latest, mapping=latest)
        dropped_before = self._dropped
        answers = await pipeline.execute()
        self._note_sent(answers[0], payload, len(batch))
        # What was dropped meanwhile was the oldest, hence a part of this batch.
        for _ in range(len(batch) - min(len(batch), self._dropped - dropped_before)):
            self._waiting.popleft()
        if not self._waiting:
            self._wake.clear()

    async def _backfill(self) -> None:
        """Send one entry of the journal, newest first; it is history only, and is not shown as what was seen last."""
        self._wake.clear()
        if self._ahead > _AHEAD_MOST:
            # Stored slower than sent, or not at all: nothing is gained by more haste.
            return
        kept = await asyncio.to_thread(self._journal.newest_unsent)
        if kept is None:
            return
        added = await self._redis.xadd(self._stream, {keys.BODY: kept.payload}, maxlen=_STREAM_LENGTH, approximate=True)
        self._note_sent(cast(bytes, added), kept.payload, kept.results)
        await asyncio.to_thread(self._journal.forget, kept.seq)
        if not self._journal.unsent:
            _log.info("publisher.caught_up")

    def _note_sent(self, added: bytes, payload: bytes, results: int) -> None:
        self._unstored.sent(Sent(entry_id(added), payload, results))
        self._ahead += results
        if self._unstored.results > 2 * _UNSTORED_MOST:
            # Faster than it is asked how much is stored, or nobody asks.
            self._unstored.take(_UNSTORED_MOST)

    async def set_aside(self) -> None:
        """Move what waits to the journal; it stays here while the journal cannot take it."""
        batch = list(self._waiting)
        if not batch:
            return
        waiting = [(wire.encode(part), len(part)) for part in _parts(batch)]
        dropped_before = self._dropped
        kept = await asyncio.to_thread(self._journal.keep, waiting)
        if kept:
            for _ in range(len(batch) - min(len(batch), self._dropped - dropped_before)):
                self._waiting.popleft()

    async def _send_again(self, again: list[Sent]) -> None:
        _log.warning("publisher.sends_again", results=sum(entry.results for entry in again))
        entries = [(entry.payload, entry.results) for entry in again]
        if not await asyncio.to_thread(self._journal.keep, entries):
            self._dropped += sum(entry.results for entry in again)
        self._wake.set()

    async def _server(self) -> str | None:
        """Which server this is: another name each time that one starts."""
        return cast(str | None, (await self._redis.info("server")).get("run_id"))

    async def _look_at_stream(self) -> StreamSight:
        try:
            found = await self._redis.xinfo_stream(self._stream)
        except redis.exceptions.NoPermissionError:
            raise
        except redis.exceptions.ResponseError:
            # There is no such stream.
            return StreamSight()
        first = found.get("first-entry")
        return StreamSight(entry_id(first[0]) if first else None, entry_id(found["last-generated-id"]))


def _parts(results: list[Result]) -> Iterable[list[Result]]:
    return (results[start : start + _BATCH_MOST] for start in range(0, len(results), _BATCH_MOST))


def _position(stored: bytes | None) -> tuple[int, int] | None:
    """How far the recorder says it is; nothing where it says nothing that can be read."""
    try:
        return entry_id(stored) if stored else None
    except ValueError:
        return None


def _latest_of(batch: Iterable[Result]) -> dict[FieldT, EncodableT]:
    """The newest result of each monitor, encoded; `overdue` is a warning, not a result to show."""
    newest = {result.monitor: result for result in batch if result.reason is not Reason.OVERDUE}
    return {monitor: wire.encode(result) for monitor, result in newest.items()}
