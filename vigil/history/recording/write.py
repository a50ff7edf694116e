"""History writes: chunks, gaps and positions in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from probes import keys
from vigil.canaries.settling import settle_results
from vigil.history.models import Gap, GapReason, Position
from vigil.history.recording.intake import Intake, Missing, ReadPosition
from vigil.history.storage import partitions
from vigil.monitors.live.results import instant
from vigil.monitors.models import Region

#: Gaps within this time are one row.
GAP_JOINS = timedelta(hours=1)

#: A late result reopens its hour, to be merged when packed again.
_TOUCH_HOUR = """
INSERT INTO history_recordedhour AS known (hour, state, next_shard, again, results, touched_at)
VALUES (%s, 'open', 0, false, %s, now())
ON CONFLICT (hour) DO UPDATE SET
    results = known.results + excluded.results,
    again = known.again OR known.next_shard > 0,
    next_shard = 0, state = 'open', touched_at = now()
"""
#: Limits of the columns; a region may write larger ids.
_LAST_MS, _LAST_SEQ = 2**62, 2**31 - 1
_CHUNK_COLUMNS = ("hour", "shard", "region", "last_ms", "last_seq", "payload", "failures")


class Overtaken(Exception):
    """Another recorder wrote from the same position, so this intake is already stored."""


def write(intake: Intake, reaches: Mapping[int, ReadPosition]) -> None:
    """Write the intake and advance the positions (by region).

    1. Advance each position from its expected value, else raise `Overtaken` (compare and set).
    2. Write chunks; a unique key prevents the same part of a stream twice.
    3. Reopen their hours, and record missing results.
    4. Settle what canaries cost; like the rest once, whoever writes it.
    """
    with transaction.atomic():
        for region, reach in sorted(reaches.items()):
            _advance(region, reach)
        hours: Counter[int] = Counter()
        for (hour, _, _), chunk in intake.chunks.items():
            hours[hour] += len(chunk.entries)
        for hour in sorted(hours):
            partitions.ensure(partitions.CHUNKS, hour)
        _copy_chunks(intake, reaches)
        with connection.cursor() as cursor:
            for hour in sorted(hours):
                cursor.execute(_TOUCH_HOUR, [hour, hours[hour]])
        for (region, why), missing in intake.missing.items():
            _note(region, why, missing)
        if intake.canaries:
            settle_results(intake.canaries, dict(Region.objects.values_list("pk", "slug")))


def _advance(region: int, reach: ReadPosition) -> None:
    if reach.read == reach.recorded:
        return
    if reach.recorded is None:
        _, created = Position.objects.get_or_create(
            region_id=region, defaults={"entry_id": reach.read, "updated_at": Now()}
        )
        moved = int(created)
    else:
        found = Position.objects.filter(region_id=region, entry_id=reach.recorded)
        moved = found.update(entry_id=reach.read, updated_at=Now())
    if not moved:
        raise Overtaken(f"region {region} is not recorded up to {reach.recorded}")


def _copy_chunks(intake: Intake, reaches: Mapping[int, ReadPosition]) -> None:
    columns = ", ".join(_CHUNK_COLUMNS)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY history_chunk ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["int4", "int4", "int2", "int8", "int4", "bytea", "bytea"])
        for (hour, shard, region), chunk in sorted(intake.chunks.items()):
            millis, sequence = keys.entry_id(reaches[region].read)
            last = (min(millis, _LAST_MS), min(sequence, _LAST_SEQ))
            row = (hour, shard, region, *last, chunk.encoded(), chunk.encoded_failures())
            copy.write_row(row)


def _note(region: int, why: GapReason, missing: Missing) -> None:
    """Write a gap, or extend the last one of the same reason."""
    begun, ended = instant(missing.from_ms), instant(missing.to_ms)
    joined = Gap.objects.filter(region_id=region, reason=why, to_at__gte=begun - GAP_JOINS, to_at__lte=ended)
    last = joined.order_by("-to_at").first()
    if last is None:
        Gap.objects.create(region_id=region, reason=why, from_at=begun, to_at=ended, results=missing.results)
        return
    more = None if missing.results is None else F("results") + missing.results
    Gap.objects.filter(pk=last.pk).update(to_at=ended, results=more)
