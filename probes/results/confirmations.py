"""Confirmation of results: which entries of the region's stream the recorder has stored, and which Redis has lost.

The recorder says in Redis how far it has stored the stream. Entries behind that position are kept here, or in the
local store when they are many, and are given back to be sent again when Redis loses them.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import redis.asyncio
import redis.exceptions
import structlog

from probes import keys
from probes.keys import EntryId
from probes.results.local_store import LocalStore, StoreUnavailable
from probes.results.signed_link import SignedLink
from probes.results.unconfirmed import Sent, StreamView, Unconfirmed, storable_id

_log = structlog.get_logger(__name__)

#: Unconfirmed results: more of them go to the local store instead of memory.
_UNCONFIRMED_MOST = 60_000
#: The same where no recorder has ever confirmed anything: more are not kept at all.
_WITHOUT_RECORDER_MOST = 20_000
#: Results of the local store that may be sent ahead of the recorder.
_AHEAD_MOST = 100_000


class Confirmations:
    """What Redis has and the recorder has not stored. For one loop.

    `dropped` counts the results that there was no room for. `backfilled` counts the results
    of the local store that were sent since the recorder last moved; the forwarder adds to it.
    """

    def __init__(self, connection: redis.asyncio.Redis, link: SignedLink, store: LocalStore) -> None:
        self._redis = connection
        self._region = link.region
        self._verified = link.verified
        self._store = store
        self._unconfirmed = Unconfirmed()
        #: Redis was away since it was last asked what it holds: it may have lost what it had.
        self._was_away = False
        self._server: str | None = None
        self._stored_upto: EntryId | None = None
        self._warned_of_acl = False
        self.backfilled = 0
        self.dropped = 0

    @property
    def recorder_is_behind(self) -> bool:
        """Whether so much of the local store was sent that the recorder is to catch up first."""
        return self.backfilled > _AHEAD_MOST

    def sent(self, added: bytes, payload: bytes, results: int) -> None:
        """Redis has an entry, under this id; it is kept until it is stored."""
        try:
            self._unconfirmed.sent(Sent(storable_id(added), payload, results))
        except ValueError:
            # Another writer gave the stream an id of its own choice: what follows it cannot be followed.
            return
        most = 2 * _WITHOUT_RECORDER_MOST if self._stored_upto is None else 4 * _UNCONFIRMED_MOST
        if self._unconfirmed.results > most:
            given_up = self._unconfirmed.take(most // 2)
            if self._stored_upto is not None:
                self.dropped += sum(entry.results for entry in given_up)

    def redis_was_away(self) -> None:
        """A write failed: a server that died may have lost its last second without saying so."""
        self._was_away = True

    async def settle(self) -> list[Sent]:
        """Ask how far the stream is stored; returns the entries that Redis has lost. Raises `redis.RedisError`."""
        last, was_away, self._was_away = self._unconfirmed.last, self._was_away, False
        try:
            server = cast(str | None, (await self._redis.info("server")).get("run_id"))
            # Asked before the stream, so that what is lost in between is not taken for stored.
            stored = await self._ask_position()
            view = await self._view_stream()
        except BaseException:
            self._was_away = True
            raise
        # An idle client reconnects to a restarted server without an error: only its run id differs.
        restarted, self._server = self._server not in (None, server), server
        if stored is None and self._stored_upto is None and view.first is not None:
            self._unconfirmed.trimmed(view.first)
        await self._mark_lost_in_store(view)
        lost = self._unconfirmed.settle(view, last, stored, was_away or restarted)
        if lost is None:
            await self._take_position(stored)
        return lost or []

    async def spill(self) -> None:
        """Move the older half to the local store when there are many. Raises StoreUnavailable."""
        if self._stored_upto is None or self._unconfirmed.results <= _UNCONFIRMED_MOST:
            return
        oldest = self._unconfirmed.take(_UNCONFIRMED_MOST // 2)
        try:
            await asyncio.to_thread(self._store.keep_sent, oldest)
        except StoreUnavailable:
            self._unconfirmed.give_back(oldest)
            raise

    async def close(self) -> None:
        """Move everything to the local store. Raises StoreUnavailable."""
        await asyncio.to_thread(self._store.keep_sent, self._unconfirmed.take())

    def close_at_once(self) -> None:
        """The same where the loop is broken: blocks it."""
        self._store.keep_sent(self._unconfirmed.take())

    async def _mark_lost_in_store(self, view: StreamView) -> None:
        """Mark what the local store holds as sent for sending again, if Redis has lost some of it."""
        span = await asyncio.to_thread(self._store.sent_span)
        if span is not None and (view.last < span[1] or (view.first is not None and span[0] < view.first)):
            await asyncio.to_thread(self._store.lost)

    async def _take_position(self, upto: EntryId | None) -> None:
        if upto is None:
            if self._stored_upto is None:
                self._unconfirmed.take(_WITHOUT_RECORDER_MOST)
                self.backfilled = 0
        elif upto != self._stored_upto:
            self._stored_upto, self.backfilled = upto, 0
            await asyncio.to_thread(self._store.stored, upto)

    async def _ask_position(self) -> EntryId | None:
        """The recorder's position; None where there is none that can be read, or that this region may read."""
        try:
            name = keys.stored(self._region)
            value = cast(bytes | None, await self._redis.get(name))
            said = self._verified(name, value) if value else None
            return storable_id(said) if said else None
        except ValueError:
            return None
        except redis.exceptions.NoPermissionError:
            self._warn_of_acl()
            return None

    async def _view_stream(self) -> StreamView:
        try:
            found: dict[str, Any] = await self._redis.xinfo_stream(keys.results(self._region))
        except redis.exceptions.ResponseError as error:
            if "no such key" not in str(error):
                raise
            return StreamView()
        first = found.get("first-entry")
        try:
            return StreamView(storable_id(first[0]) if first else None, storable_id(found["last-generated-id"]))
        except ValueError:
            return StreamView(None, self._unconfirmed.last)

    def _warn_of_acl(self) -> None:
        if not self._warned_of_acl:
            _log.warning(
                "confirmations.forbidden",
                advice=f"let this region's Redis user read {keys.stored(self._region)}: deploy/redis.acl.example",
            )
        self._warned_of_acl = True
