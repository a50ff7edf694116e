"""Committed shard map: how many shards there are, and from where those of a new map read the verdicts."""

from __future__ import annotations

from collections.abc import Callable

import redis
import structlog
from django.db import connection, transaction
from django.db.models.functions import Now

from consensus.process.shard_lease import SharedMap
from consensus.process.shard_marks import ShardMarks
from consensus.shards import MAP_VERSION, Shard, ShardMap, ShardStanding, shards_of, standing
from probes import keys
from vigil.configuration import configuration
from vigil.control_keys import control_macs
from vigil.incidents.models import CommittedShards, IngestPosition

log = structlog.get_logger()

_ROW = 1


def committed() -> ShardMap | None:
    """The map that counts; None before the first was committed."""
    row = CommittedShards.objects.filter(pk=_ROW).first()
    return ShardMap(MAP_VERSION, row.shards, row.epoch) if row else None


def commit(shards: int) -> ShardMap:
    """Make this the number of shards. In one transaction the new shards get their place in the stream of verdicts.

    That is the place of the slowest shard before, so that no verdict is left out. One that is read twice is of a round
    that was applied already.
    """
    with transaction.atomic():
        CommittedShards.objects.bulk_create([CommittedShards(pk=_ROW, changed_at=Now())], ignore_conflicts=True)
        row = CommittedShards.objects.select_for_update().get(pk=_ROW)
        if row.epoch and row.shards == shards:
            return ShardMap(MAP_VERSION, row.shards, row.epoch)
        if row.shards != shards:
            _place(shards_of(row.shards), shards_of(shards))
        with connection.cursor() as cursor:
            # At least the time in microseconds, so that it grows also where an older database was restored.
            cursor.execute("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            row.epoch = max(row.epoch + 1, cursor.fetchone()[0])
        row.shards, row.changed_at = shards, Now()
        row.save()
    return ShardMap(MAP_VERSION, shards, row.epoch)


def commit_configured() -> str:
    """Commit the number of shards where VIGIL_SHARDS is set, and 1 in a new installation; returns in words what is so.

    A process that is not told the number must not change it for the others.
    """
    settings, before = configuration(), committed()
    is_set = "shards" in settings.model_fields_set
    present = commit(settings.shards) if is_set or before is None else before
    if present != before:
        return f"Shards: {present.shards} committed" + (f", where there were {before.shards}." if before else ".")
    return f"Shards: {present.shards} as before" + ("." if is_set else ", since VIGIL_SHARDS is not set.")


def _place(before: list[Shard], after: list[Shard]) -> None:
    names = [shard.named(keys.VERDICTS) for shard in before]
    stored = dict(IngestPosition.objects.filter(pk__in=names).values_list("stream", "entry_id"))
    slowest = min((stored.get(name, keys.STREAM_START) for name in names), key=keys.entry_id)
    for shard in after:
        IngestPosition.objects.update_or_create(
            stream=shard.named(keys.VERDICTS), defaults={"entry_id": slowest}, create_defaults={"entry_id": slowest}
        )


class IngestStanding:
    """Whether this ingest is to work, by the committed map, which it publishes. Raises `redis.RedisError`."""

    def __init__(self, client: redis.Redis, shard: Shard, marks: ShardMarks, now_ms: Callable[[], int]) -> None:
        self._shard = shard
        self._marks = marks
        self._shared = SharedMap(client, control_macs(), now_ms)
        self.standing = ShardStanding.NO_MAP

    def look(self) -> None:
        present = committed()
        if present is not None:
            self._shared.publish(present)
        before, self.standing = self.standing, standing(self._shard, present, self._living(present))
        if self.standing is not before:
            log.info("shard.standing", shard=self._shard.name, standing=self.standing.value)

    def _living(self, present: ShardMap | None) -> set[str]:
        if present is None or present.shards == self._shard.count:
            return set()
        silent = self._marks.silent(present.shards)
        return {shard.name for shard in shards_of(present.shards) if shard.named("ingest") not in silent}
