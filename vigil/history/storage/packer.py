"""Packer: finished hours from chunks to packed rows, shard by shard; then drops the chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from probes.wire import Result
from vigil.history.core import chunks, packing
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import HOURS_IN_DAY
from vigil.history.models import Progress, RecordedHour
from vigil.history.storage import partitions
from vigil.history.storage.daily_rollup import mend

#: An hour is packed this long after its end and its last result.
SETTLED_AFTER = timedelta(seconds=120)

#: Checks per monitor, region and hour: ten times the shortest interval's. Regions are untrusted.
CHECKS_MOST = 7_200

Key = tuple[int, int]

_UPSERT = """
INSERT INTO history_packedhour (hour, monitor, region, payload, failures) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (monitor, region, hour) DO UPDATE SET payload = excluded.payload, failures = excluded.failures
"""


@dataclass(slots=True)
class Series:
    """Checks of one monitor in one region to pack."""

    entries: list[int] = field(default_factory=list)
    failures: list[Result] = field(default_factory=list)


def next_hour(now_ms: int, settled_after: timedelta = SETTLED_AFTER) -> int | None:
    """The oldest finished and settled hour that is not packed."""
    settled_s = settled_after.total_seconds()
    last = (now_ms - round(settled_s * 1000)) // HOUR_MS - 1
    waiting = RecordedHour.objects.filter(state=Progress.OPEN, hour__lte=last, touched_at__lte=Now() - settled_after)
    return waiting.order_by("hour").values_list("hour", flat=True).first()


def pack_some(hour: int) -> bool:
    """Pack the next shard of an hour in one transaction; False once done. Idempotent by slot and look."""
    with transaction.atomic():
        row = RecordedHour.objects.select_for_update().filter(hour=hour, state=Progress.OPEN).first()
        if row is None:
            return False
        shard = _shard_from(hour, row.next_shard)
        if shard is None:
            row.state = Progress.DONE
            row.save(update_fields=["state"])
            return False
        series = _gather(hour, shard)
        if row.again:
            _add_packed(hour, series)
            _upsert(hour, series)
        else:
            _copy(hour, series)
        mend(hour // HOURS_IN_DAY, sorted({monitor for monitor, _ in series}))
        row.next_shard = shard + 1
        row.save(update_fields=["next_shard"])
    return True


def drop_packed_chunks() -> int:
    """Drop the chunks of packed hours; returns the number of hours."""
    present = partitions.starts(partitions.CHUNKS)
    done = RecordedHour.objects.filter(hour__in=present, state=Progress.DONE).values_list("hour", flat=True)
    dropped = 0
    for hour in list(done):
        with transaction.atomic():
            # Locked, so that no late chunk is written to the dropped partition.
            row = RecordedHour.objects.select_for_update().filter(hour=hour, state=Progress.DONE).first()
            dropped += int(row is not None and partitions.drop(partitions.CHUNKS, hour))
    return dropped


def write_packed(hour: int, rows: Iterable[tuple[int, int, bytes, bytes | None]]) -> None:
    """Write new packed hours: monitor, region, payload and failures."""
    partitions.ensure(partitions.PACKED_HOURS, hour)
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY history_packedhour (hour, monitor, region, payload, failures) FROM STDIN (FORMAT BINARY)"
        ) as copy,
    ):
        copy.set_types(["int4", "int4", "int2", "bytea", "bytea"])
        for row in rows:
            copy.write_row((hour, *row))


def _shard_from(hour: int, shard: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(shard) FROM history_chunk WHERE hour = %s AND shard >= %s", [hour, shard])
        found: int | None = cursor.fetchone()[0]
    return found


def _gather(hour: int, shard: int) -> dict[Key, Series]:
    """Contents of a shard's chunks, by monitor and region."""
    found: dict[Key, Series] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT region, payload, failures FROM history_chunk WHERE hour = %s AND shard = %s", [hour, shard]
        )
        for region, payload, failures in cursor:
            for monitor, entry in chunks.decode(payload):
                series = found.get((monitor, region))
                if series is None:
                    series = found[monitor, region] = Series()
                series.entries.append(entry)
            for monitor, result in chunks.decode_failures(failures) if failures else ():
                found[monitor, region].failures.append(result)
    return found


def _add_packed(hour: int, series: Mapping[Key, Series]) -> None:
    """Add the already packed entries of these monitors."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT monitor, region, payload, failures FROM history_packedhour WHERE hour = %s AND monitor = ANY(%s)",
            [hour, sorted({monitor for monitor, _ in series})],
        )
        for monitor, region, payload, failures in cursor:
            one = series.get((monitor, region))
            if one is None:
                continue
            one.entries += packing.unpack(payload).entries()
            one.failures += [result for _, result in chunks.decode_failures(failures)] if failures else []


def _rows(series: Mapping[Key, Series]) -> Iterable[tuple[int, int, bytes, bytes | None]]:
    for monitor, region in sorted(series):
        one = series[monitor, region]
        failures = [(monitor, result) for result in chunks.sampled(one.failures)] if one.failures else []
        entries = packing.in_order(one.entries)[:CHECKS_MOST]
        yield monitor, region, packing.pack(entries), chunks.encode_failures(failures)


def _copy(hour: int, series: Mapping[Key, Series]) -> None:
    write_packed(hour, _rows(series))


def _upsert(hour: int, series: Mapping[Key, Series]) -> None:
    partitions.ensure(partitions.PACKED_HOURS, hour)
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, [(hour, *row) for row in _rows(series)])
