"""Keeps what is not known to be stored: in memory, then in the journal; and sends again what Redis did not keep.

It works beside the publisher, so that neither a slow disk nor a long way back holds up what is seen now.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any, cast

import redis.asyncio
import redis.exceptions
import structlog

from probes import keys, wire
from probes.keys import EntryId
from probes.process.redis_client import is_away
from probes.results.local_store import LocalStore, StoreUnavailable
from probes.results.unconfirmed import Sent, StreamView, Unconfirmed, storable_id
from probes.wire import Result

_log = structlog.get_logger(__name__)

#: A safety net against a reader that is gone; readers trim by their position.
STREAM_LENGTH = 50_000
_BATCH_MOST = 200
_SETTLE_EVERY_S = 10.0
_TICK_S = 0.05
#: After a failure of Redis or of the disk.
_REST_S = 2.0
#: Results that wait for the disk; beyond that the oldest go.
_FOR_DISK_MOST = 100_000
#: What the journal holds follows at so many entries a tick, and waits while so many results were not stored since.
_ENTRIES_A_TICK = 10
_AHEAD_MOST = 100_000
#: Results that are written and not stored: more of them are kept in the journal instead of in memory.
_UNSTORED_MOST = 60_000
#: The same where no recorder ever said anything: more are not kept at all.
_UNHEARD_MOST = 20_000


class Forwarder:
    """For one loop: `sent` and `keep` never wait, `run` does the work."""

    def __init__(self, connection: redis.asyncio.Redis, region: str, journal: LocalStore) -> None:
        self._redis = connection
        self._region = region
        self._stream = keys.results(region)
        self._journal = journal
        self._unstored = Unconfirmed()
        self._for_disk: deque[tuple[bytes, int]] = deque()
        self._waiting_for_disk = 0
        #: Redis was away since it was last asked what it holds: it may have lost what it had.
        self._broken_off = False
        self._server: str | None = None
        self._stored_upto: EntryId | None = None
        #: Results of the journal that were sent since the recorder last moved.
        self._ahead = 0
        #: Entries that were sent and could not be taken out of the journal yet.
        self._sent_seqs: set[int] = set()
        self._writing = asyncio.Lock()
        self._settle_at_s = 0.0
        self._told_of_acl = False
        self._dropped = 0

    @property
    def kept(self) -> int:
        """Results that Redis does not have: they were seen while it was away, or lost by it."""
        return self._waiting_for_disk + self._journal.unsent

    @property
    def dropped(self) -> int:
        """Results that there was no room for."""
        return self._dropped + self._journal.dropped

    def sent(self, added: bytes, payload: bytes, results: int) -> None:
        """Redis has an entry, under this id; it is kept until it is stored."""
        try:
            self._unstored.sent(Sent(storable_id(added), payload, results))
        except ValueError:
            # Somebody has written an id of his own to our stream: what follows it cannot be followed.
            return
        most = 2 * _UNHEARD_MOST if self._stored_upto is None else 4 * _UNSTORED_MOST
        if self._unstored.results > most:
            given_up = self._unstored.take(most // 2)
            if self._stored_upto is not None:
                self._dropped += sum(entry.results for entry in given_up)

    def keep(self, results: list[Result]) -> None:
        """Keep results that Redis does not take."""
        for start in range(0, len(results), _BATCH_MOST):
            part = results[start : start + _BATCH_MOST]
            self._for_disk.append((wire.encode(part), len(part)))
            self._waiting_for_disk += len(part)
        while self._waiting_for_disk > _FOR_DISK_MOST:
            _, lost = self._for_disk.popleft()
            self._waiting_for_disk -= lost
            self._dropped += lost

    def redis_was_away(self) -> None:
        """A write failed: a server that died may have lost its last second, and nobody says so."""
        self._broken_off = True

    async def run(self) -> None:
        """Keep, settle and send, for ever; what Redis or the disk refuse is tried again, anything else is a fault."""
        while True:
            pause_s = _TICK_S
            try:
                await self._turn()
            except StoreUnavailable as error:
                _log.error("journal.away", waiting=self._waiting_for_disk, error=str(error))
                pause_s = _REST_S
            except (redis.exceptions.RedisError, OSError) as error:
                if not is_away(error):
                    raise
                self._broken_off = True
                pause_s = _REST_S
            await asyncio.sleep(pause_s)

    async def close(self) -> None:
        """Keep on the disk whatever is not known to be stored; `run` is over, or will be."""
        for keep in (self._write_to_disk, self._keep_sent):
            try:
                await keep()
            except StoreUnavailable as error:
                _log.error("journal.away", waiting=self._waiting_for_disk, error=str(error))

    def close_at_once(self) -> None:
        """The same from a loop that is broken, in the time that it takes."""
        try:
            self._journal.keep(list(self._for_disk))
            self._journal.keep_sent(self._unstored.take())
        except StoreUnavailable as error:
            _log.error("journal.away", waiting=self._waiting_for_disk, error=str(error))

    async def settle(self) -> None:
        """Ask how far the stream is stored, and take up again what Redis has lost. Raises `redis.RedisError`."""
        last, broken_off, self._broken_off = self._unstored.last, self._broken_off, False
        try:
            server = cast(str | None, (await self._redis.info("server")).get("run_id"))
            # Before the stream is looked at: what is lost in between is not taken for stored.
            stored = await self._ask_how_far()
            sight = await self._look_at_stream()
        except BaseException:
            self._broken_off = True
            raise
        # A client that was idle meanwhile connects to a server that was restarted without a word.
        restarted, self._server = self._server not in (None, server), server
        if stored is None and self._stored_upto is None and sight.first is not None:
            self._unstored.trimmed(sight.first)
        await self._look_into_journal(sight)
        again = self._unstored.settle(sight, last, stored, broken_off or restarted)
        if again:
            _log.warning("keeper.sends_again", results=sum(entry.results for entry in again))
            self._for_disk.extend((entry.payload, entry.results) for entry in again)
            self._waiting_for_disk += sum(entry.results for entry in again)
        elif again is None:
            await self._take_stored(stored)

    async def _turn(self) -> None:
        disk = await self._try(self._write_to_disk())
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._settle_at_s:
            self._settle_at_s = now_s + _SETTLE_EVERY_S
            disk = await self._try(self.settle()) or disk
        if self._stored_upto is not None and self._unstored.results > _UNSTORED_MOST:
            disk = await self._try(self._spill()) or disk
        if disk is not None:
            await self._send_without_disk()
            raise disk
        if self._journal.unsent and self._ahead <= _AHEAD_MOST:
            await self._send_some()

    async def _try(self, work: Coroutine[None, None, None]) -> StoreUnavailable | None:
        """Do what needs the disk; a disk that refuses holds up nothing that does not."""
        try:
            await work
        except StoreUnavailable as error:
            return error
        return None

    async def _write_to_disk(self) -> None:
        async with self._writing:
            entries = list(self._for_disk)
            if not entries:
                return
            await asyncio.to_thread(self._journal.keep, entries)
            # More may have come meanwhile, and the oldest may have had to go.
            while entries and self._for_disk and self._for_disk[0] is not entries[0]:
                entries.pop(0)
            for _ in range(min(len(entries), len(self._for_disk))):
                self._waiting_for_disk -= self._for_disk.popleft()[1]

    async def _keep_sent(self) -> None:
        await asyncio.to_thread(self._journal.keep_sent, self._unstored.take())

    async def _look_into_journal(self, sight: StreamView) -> None:
        """Whether Redis has lost what is in the journal as sent."""
        span = await asyncio.to_thread(self._journal.sent_span)
        if span is not None and (sight.last < span[1] or (sight.first is not None and span[0] < sight.first)):
            await asyncio.to_thread(self._journal.lost)

    async def _spill(self) -> None:
        """Keep the older half of what is not stored in the journal."""
        oldest = self._unstored.take(_UNSTORED_MOST // 2)
        try:
            await asyncio.to_thread(self._journal.keep_sent, oldest)
        except StoreUnavailable:
            self._unstored.give_back(oldest)
            raise

    async def _send_some(self) -> None:
        """Send entries of the journal, the newest first; they are history, and not shown as what was seen last."""
        if self._sent_seqs:
            await self._forget(set())
        kept = await asyncio.to_thread(self._journal.newest_unsent, _ENTRIES_A_TICK, self._sent_seqs)
        await self._add([(one.payload, one.results) for one in kept])
        await self._forget({one.seq for one in kept})
        if kept and not self._journal.unsent:
            _log.info("keeper.caught_up")

    async def _send_without_disk(self) -> None:
        """Send what waits for a disk that takes nothing: the newest first, as far as Redis takes it."""
        async with self._writing:
            entries = [self._for_disk.pop() for _ in range(min(_ENTRIES_A_TICK, len(self._for_disk)))]
            self._waiting_for_disk -= sum(results for _, results in entries)
            try:
                await self._add(entries)
            except BaseException:
                self._for_disk.extend(reversed(entries))
                self._waiting_for_disk += sum(results for _, results in entries)
                raise

    async def _add(self, entries: Sequence[tuple[bytes, int]]) -> None:
        if not entries:
            return
        pipeline = self._redis.pipeline(transaction=False)
        for payload, _ in entries:
            pipeline.xadd(self._stream, {keys.BODY: payload}, maxlen=STREAM_LENGTH, approximate=True)
        for added, (payload, results) in zip(await pipeline.execute(), entries, strict=True):
            self.sent(added, payload, results)
            self._ahead += results

    async def _forget(self, seqs: set[int]) -> None:
        self._sent_seqs |= seqs
        await asyncio.to_thread(self._journal.forget, list(self._sent_seqs))
        self._sent_seqs.clear()

    async def _take_stored(self, upto: EntryId | None) -> None:
        if upto is None:
            if self._stored_upto is None:
                self._unstored.take(_UNHEARD_MOST)
                self._ahead = 0
            return
        if upto != self._stored_upto:
            self._stored_upto, self._ahead = upto, 0
            await asyncio.to_thread(self._journal.stored, upto)

    async def _ask_how_far(self) -> EntryId | None:
        """How far the recorder says it is; None where it says nothing that can be read, or that we may read."""
        try:
            said = cast(bytes | None, await self._redis.get(keys.stored(self._region)))
            return storable_id(said) if said else None
        except ValueError:
            return None
        except redis.exceptions.NoPermissionError:
            self._tell_of_acl()
            return None

    async def _look_at_stream(self) -> StreamView:
        try:
            found: dict[str, Any] = await self._redis.xinfo_stream(self._stream)
        except redis.exceptions.ResponseError as error:
            if "no such key" not in str(error):
                raise
            return StreamView()
        first = found.get("first-entry")
        try:
            return StreamView(storable_id(first[0]) if first else None, storable_id(found["last-generated-id"]))
        except ValueError:
            return StreamView(None, self._unstored.last)

    def _tell_of_acl(self) -> None:
        if not self._told_of_acl:
            _log.warning(
                "keeper.may_not_see_what_is_stored",
                advice=f"let this region's Redis user read {keys.stored(self._region)}: deploy/redis.acl.example",
            )
        self._told_of_acl = True
