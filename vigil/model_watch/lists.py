"""Intake of models lists: what regions tell in Redis becomes the last list of each monitor and region."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import msgspec
import redis
from django.db import transaction

from probes import keys
from probes.ai.models.listed import ModelList, admit_list
from probes.process.key_repair import put_right
from probes.process.published_keys import PublishedRegionKeys
from probes.process.redis_streams import Entries, RegionStreams, redis_now_ms
from probes.process.refusals import Refusals
from probes.reasons import Refusal
from vigil.model_watch.models import ListState, SeenList
from vigil.model_watch.packed import packed
from vigil.monitors.models import Monitor, Region

ENTRIES_MOST = 50
#: Passes over one region's stream at once: what is left is read in the next turn.
PASSES_MOST = 20
#: That of a list of which nothing was decided yet.
NO_REVISION = -1


class ListIntake:
    """Reads what regions told, and empties it once it is stored. Raises `redis.RedisError` when Redis is away."""

    def __init__(self, client: redis.Redis, published: PublishedRegionKeys) -> None:
        self._redis = client
        self._streams = RegionStreams(client, ENTRIES_MOST)
        self._published = published
        self._refusals = Refusals(time.monotonic)

    def take(self, held: Collection[str] = ()) -> set[int]:
        """Store what is new; returns the primary keys of the monitors whose lists are other ones than before.

        What regions in quarantine (`held`) tell is dropped: they tell each list again within the hour.
        """
        if not self._published.keyring().is_known:
            # What cannot be proven yet is read later.
            return set()
        found: set[int] = set()
        for region in Region.objects.filter(enabled=True).order_by("pk"):
            try:
                found |= self._take_of(region, counts=region.slug not in held)
            except redis.ResponseError as error:
                # A region may give its key any type: the others are read all the same.
                if not put_right(self._redis, error):
                    raise
        self._refusals.tell()
        return found

    def _take_of(self, region: Region, *, counts: bool) -> set[int]:
        name, found = keys.model_lists(region.slug), set[int]()
        for _ in range(PASSES_MOST):
            entries = self._streams.after(name.encode(), keys.STREAM_START.encode())
            if not entries:
                break
            if counts:
                found |= store(region, self._admitted(region.slug, name, entries))
            self._redis.xdel(name, *[entry for entry, _ in entries])
        return found

    def _admitted(self, slug: str, name: str, entries: Entries) -> dict[str, tuple[ModelList, datetime]]:
        """The newest list of each monitor, as far as the region signed it, with the time at which Redis took it."""
        found: dict[str, tuple[ModelList, datetime]] = {}
        now_ms = redis_now_ms(self._redis)
        for entry_id, fields in entries:
            body, envelope = fields.get(keys.BODY, b""), fields.get(keys.ENVELOPE, b"")
            refusal = self._published.keyring().refusal(slug, name, (body, envelope), now_ms)
            try:
                listed = admit_list(body) if refusal is None else None
            except msgspec.DecodeError:
                refusal, listed = Refusal.UNREADABLE, None
            if listed is None:
                self._refusals.add(slug, {refusal or Refusal.UNREADABLE: 1})
                continue
            written_ms = min(keys.entry_id(entry_id)[0], now_ms)
            found[listed.monitor] = (listed, datetime.fromtimestamp(written_ms / 1000, UTC))
        return found


def store(region: Region, lists: Mapping[str, tuple[ModelList, datetime]]) -> set[int]:
    """Store the lists of monitors that this region checks, as these are now; returns those that have changed."""
    watched = _watched(region, lists.keys())
    before = SeenList.objects.filter(region=region, monitor__in=watched.values()).values_list(
        "monitor", "revision", "rows"
    )
    known = {(monitor, revision): bytes(rows) for monitor, revision, rows in before}
    rows = [
        SeenList(
            monitor_id=watched[public_id, listed.revision],
            region=region,
            revision=listed.revision,
            provider=listed.provider,
            at=at,
            rows=packed(listed.models),
            total=max(listed.total, len(listed.models)),
        )
        for public_id, (listed, at) in lists.items()
        if (public_id, listed.revision) in watched
    ]
    changed = ["revision", "provider", "at", "rows", "total"]
    rows.sort(key=lambda row: row.monitor_id)
    found = {row.monitor_id for row in rows if known.get((row.monitor_id, row.revision)) != row.rows}
    # A process that ends here has lost none: what waits is looked at by the next.
    waiting = [ListState(monitor_id=monitor, revision=NO_REVISION, rows=b"", waits=True) for monitor in sorted(found)]
    with transaction.atomic():
        SeenList.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["monitor", "region"], update_fields=changed
        )
        ListState.objects.bulk_create(
            waiting, update_conflicts=True, unique_fields=["monitor"], update_fields=["waits"]
        )
    return found


def forget_deleted() -> int:
    """Delete the lists of deleted monitors, which stay for years where an incident names them; returns how many."""
    return SeenList.objects.filter(monitor__deleted_at__isnull=False).delete()[0]


def _watched(region: Region, public_ids: Collection[str]) -> dict[tuple[str, int], int]:
    """Primary keys of the monitors that this region checks, by public id and revision."""
    own = Monitor.objects.filter(public_id__in=list(public_ids), regions=region, deleted_at=None)
    return {(public_id, revision): pk for pk, public_id, revision in own.values_list("pk", "public_id", "revision")}
