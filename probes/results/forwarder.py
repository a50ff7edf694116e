"""Store-and-forward of results: from memory to the local store, and from there to Redis.

It runs beside the publisher, so that neither a slow disk nor a long backlog delays the results of now.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence

import redis.asyncio
import redis.exceptions
import structlog
from redis.typing import EncodableT, FieldT

from probes import keys, wire
from probes.process.own_keys import may_retry
from probes.results.confirmations import Confirmations
from probes.results.local_store import LocalStore, StoreUnavailable
from probes.results.signed_link import SignedLink
from probes.signing.region_keyring import RESULTS_LIFE_S
from probes.wire import Result

_log = structlog.get_logger(__name__)

#: A safety net against a reader that is gone; readers trim by their position.
STREAM_LENGTH = 50_000
_BATCH_MOST = 500
_SETTLE_EVERY_S = 10.0
_TICK_S = 0.05
#: After a failure of Redis or of the disk.
_RETRY_S = 2.0
#: Results that wait for the disk; beyond that the oldest are dropped.
_FOR_DISK_MOST = 100_000
_ENTRIES_A_TICK = 10

#: Encoded results, and how many they are.
Entry = tuple[bytes, int]


class _EntryQueue:
    """Entries in memory, oldest first; `results` is how many results they hold."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.results = 0

    def extend(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.entries.append(entry)
            self.results += entry[1]

    def take_oldest(self) -> Entry:
        entry = self.entries.popleft()
        self.results -= entry[1]
        return entry

    def take_newest(self, most: int) -> list[Entry]:
        """Up to `most` entries, newest first."""
        taken = [self.entries.pop() for _ in range(min(most, len(self.entries)))]
        self.results -= sum(results for _, results in taken)
        return taken


class Forwarder:
    """For one loop: `sent` and `keep` never wait, `run` does the work."""

    def __init__(self, connection: redis.asyncio.Redis, link: SignedLink, store: LocalStore) -> None:
        self._redis = connection
        self._signer = link.signer
        self._region = link.region
        self._stream = keys.results(link.region)
        self._store = store
        self._confirmations = Confirmations(connection, link, store)
        self._for_disk = _EntryQueue()
        #: Results taken from there that are being sent.
        self._under_way = 0
        #: Entries of the store that Redis has taken, and that could not be deleted there yet.
        self._undeleted: set[int] = set()
        self._writing = asyncio.Lock()
        self._settle_at_s = 0.0
        self._dropped = 0

    @property
    def kept(self) -> int:
        """Results that Redis does not have: it was away when they came, or has lost them."""
        return self._for_disk.results + self._under_way + self._store.unsent

    @property
    def dropped(self) -> int:
        """Results that there was no room for."""
        return self._dropped + self._confirmations.dropped + self._store.dropped

    def entry(self, payload: bytes) -> dict[FieldT, EncodableT]:
        """The fields of an entry of the region's stream, signed now."""
        return {keys.BODY: payload, keys.ENVELOPE: self._signer.sign(self._stream, payload, RESULTS_LIFE_S)}

    def sent(self, added: bytes, payload: bytes, results: int) -> None:
        """Redis has an entry, under this id; it is kept until it is stored."""
        self._confirmations.sent(added, payload, results)

    def keep(self, results: list[Result]) -> None:
        """Keep results that Redis does not take."""
        parts = (results[start : start + _BATCH_MOST] for start in range(0, len(results), _BATCH_MOST))
        self._for_disk.extend((wire.encode(part), len(part)) for part in parts)
        while self._for_disk.results > _FOR_DISK_MOST:
            self._dropped += self._for_disk.take_oldest()[1]

    def redis_was_away(self) -> None:
        """A write failed: a server that died may have lost its last second without saying so."""
        self._confirmations.redis_was_away()

    async def run(self) -> None:
        """Keep, settle and send until cancelled. Retries what Redis or the disk refuse; raises anything else."""
        while True:
            pause_s = _TICK_S
            try:
                await self._turn()
            except StoreUnavailable as error:
                self._log_unavailable(error)
                pause_s = _RETRY_S
            except (redis.exceptions.RedisError, OSError) as error:
                if not await may_retry(self._redis, self._region, error):
                    raise
                self._confirmations.redis_was_away()
                pause_s = _RETRY_S
            await asyncio.sleep(pause_s)

    async def close(self) -> None:
        """Write all that is not confirmed to the store; `run` is over, or will be."""
        for keep in (self._write_to_store, self._confirmations.close):
            if error := await self._try(keep()):
                self._log_unavailable(error)

    def close_at_once(self) -> None:
        """The same where the loop is broken: blocks it."""
        try:
            self._store.keep(list(self._for_disk.entries))
            self._confirmations.close_at_once()
        except StoreUnavailable as error:
            self._log_unavailable(error)

    async def settle(self) -> None:
        """Ask how far the stream is stored, and take back what Redis has lost. Raises `redis.RedisError`."""
        lost = await self._confirmations.settle()
        if lost:
            _log.warning("forwarder.sends_again", results=sum(entry.results for entry in lost))
            self._for_disk.extend((entry.payload, entry.results) for entry in lost)

    async def _turn(self) -> None:
        unavailable = await self._try(self._write_to_store())
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._settle_at_s:
            self._settle_at_s = now_s + _SETTLE_EVERY_S
            unavailable = await self._try(self.settle()) or unavailable
        unavailable = await self._try(self._confirmations.spill()) or unavailable
        if unavailable is not None:
            await self._send_without_store()
            raise unavailable
        if self._store.unsent and not self._confirmations.recorder_is_behind:
            await self._send_some()

    async def _try(self, work: Coroutine[None, None, None]) -> StoreUnavailable | None:
        """Do what needs the store; one that is unavailable delays nothing that can do without it."""
        try:
            await work
        except StoreUnavailable as error:
            return error
        return None

    async def _write_to_store(self) -> None:
        async with self._writing:
            entries = list(self._for_disk.entries)
            if not entries:
                return
            await asyncio.to_thread(self._store.keep, entries)
            # Meanwhile entries may have been added, and the oldest dropped.
            waiting = self._for_disk.entries
            while entries and waiting and waiting[0] is not entries[0]:
                entries.pop(0)
            for _ in range(min(len(entries), len(waiting))):
                self._for_disk.take_oldest()

    async def _send_some(self) -> None:
        """Send entries of the store, newest first; they are history, and do not become the latest result shown."""
        if self._undeleted:
            await self._delete(set())
        kept = await asyncio.to_thread(self._store.newest_unsent, _ENTRIES_A_TICK, self._undeleted)
        await self._add([(one.payload, one.results) for one in kept])
        await self._delete({one.seq for one in kept})
        if kept and not self._store.unsent:
            _log.info("forwarder.caught_up")

    async def _send_without_store(self) -> None:
        """Send what waits for a store that takes nothing, newest first, as far as Redis takes it."""
        async with self._writing:
            entries = self._for_disk.take_newest(_ENTRIES_A_TICK)
            self._under_way = sum(results for _, results in entries)
            try:
                await self._add(entries)
            except BaseException:
                self._for_disk.extend(reversed(entries))
                raise
            finally:
                self._under_way = 0

    async def _add(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        pipeline = self._redis.pipeline(transaction=False)
        for payload, _ in entries:
            pipeline.xadd(self._stream, self.entry(payload), maxlen=STREAM_LENGTH, approximate=True)
        for added, (payload, results) in zip(await pipeline.execute(), entries, strict=True):
            self._confirmations.sent(added, payload, results)
            self._confirmations.backfilled += results

    async def _delete(self, seqs: set[int]) -> None:
        self._undeleted |= seqs
        await asyncio.to_thread(self._store.forget, list(self._undeleted))
        self._undeleted.clear()

    def _log_unavailable(self, error: StoreUnavailable) -> None:
        _log.error("local_store.unavailable", waiting=self._for_disk.results, error=str(error))
