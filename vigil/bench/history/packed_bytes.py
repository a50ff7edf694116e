"""Bytes per check on disk: packed history with its indexes, beside a row per check."""

from __future__ import annotations

import contextlib
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models.functions import Now

from probes.wire import Result, encode
from vigil.accounts.teams import default_team
from vigil.bench.history.checks import Generator, as_result, failures
from vigil.history.core import chunks, packing
from vigil.history.core.packing import HOUR_MS
from vigil.history.models import Progress, RecordedDay, RecordedHour
from vigil.history.recording.intake import Intake, ReadPosition
from vigil.history.recording.write import write
from vigil.history.storage import daily_rollup, packer
from vigil.monitors.models import Monitor, Region

if TYPE_CHECKING:
    from vigil.bench.history.run import HistoryOptions

REGIONS = 5
#: Monday, 6 January 2025: a finished day.
FIRST_DAY = 20_094
MONITORS = 1_000
WRITE_EVERY_MS = 20_000
RESULTS_PER_ENTRY = 33

_ROWS = """
CREATE TABLE row_per_check (
    at timestamptz NOT NULL,
    monitor integer NOT NULL,
    total_us integer NOT NULL,
    first_byte_us integer NOT NULL,
    region smallint NOT NULL,
    status smallint NOT NULL,
    reason smallint NOT NULL
)
"""
_ROWS_KEY = "ALTER TABLE row_per_check ADD PRIMARY KEY (monitor, region, at)"
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_ROW = struct.Struct("!hiqiiiiiiihihih")
_UNIX_TO_POSTGRES_MS = 946_684_800_000


@dataclass
class Spent:
    """Cost of the steps of recording: CPU of this process, and write-ahead log with full pages."""

    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wal_bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @contextlib.contextmanager
    def on(self, step: str) -> Iterator[None]:
        wal, begun = _wal(), time.process_time()
        yield
        self.cpu_s[step] += time.process_time() - begun
        self.wal_bytes[step] += _wal() - wal

    def per_check(self, what: str, unit: float, packed: int, recorded: int) -> dict[str, float]:
        """Per check and step; a check passes each step once."""
        counts = {"take": recorded, "write": recorded, "pack": packed, "roll_up": packed}
        found = {step: round(getattr(self, what)[step] * unit / count, 2) for step, count in counts.items()}
        return {**found, "all": round(sum(found.values()), 2)}


def measure(wanted: HistoryOptions) -> dict[str, object]:
    """Store the checks both ways, and measure both."""
    monitors, regions = _rows(MONITORS)
    hours = max(24, round(wanted.checks / (MONITORS * REGIONS * 60)))
    first_hour = FIRST_DAY * 24
    generator = Generator()
    spent = Spent()
    with connection.cursor() as cursor:
        cursor.execute(_ROWS)
    for hour in range(first_hour, first_hour + hours):
        _store_hour(generator, hour, monitors, regions, spent)
    with spent.on("roll_up"):
        _roll_up()
    recorded = _record_open_hour(generator, first_hour + hours, monitors, regions, spent)
    checks = hours * MONITORS * REGIONS * 60 + recorded
    with connection.cursor() as cursor:
        cursor.execute(_ROWS_KEY)
        cursor.execute("VACUUM ANALYZE")
    by_table = _bytes("history_%")
    rows_bytes = sum(_bytes("row_per_check").values())
    return {
        "checks": checks,
        "monitors": MONITORS,
        "regions": REGIONS,
        "interval_s": 60,
        "hours": hours,
        "bytes_per_check": round(sum(by_table.values()) / checks, 3),
        "row_bytes_per_check": round(rows_bytes / (checks - recorded), 1),
        "times_smaller": round(rows_bytes / (checks - recorded) / (sum(by_table.values()) / checks), 1),
        "bytes_per_check_by_table": {name: round(size / checks, 3) for name, size in by_table.items() if size},
        "cpu_us_per_check": spent.per_check("cpu_s", 1e6, checks - recorded, recorded),
        "wal_bytes_per_check": spent.per_check("wal_bytes", 1, checks - recorded, recorded),
    }


def _rows(count: int) -> tuple[list[tuple[int, str]], list[int]]:
    team = default_team()
    regions = Region.objects.bulk_create([Region(slug=f"r{place}", domain=f"d{place}") for place in range(REGIONS)])
    made = Monitor.objects.bulk_create(
        [Monitor(team=team, name=f"m{n}", kind="http", config={"url": f"https://h{n}.test"}) for n in range(count)]
    )
    return [(one.pk, one.public_id) for one in made], [region.pk for region in regions]


def _store_hour(
    generator: Generator, hour: int, monitors: list[tuple[int, str]], regions: list[int], spent: Spent
) -> None:
    """Store an hour of every series by encoder and packer, and as rows."""
    made: list[tuple[int, int, str, list[int]]] = []
    for monitor, public_id in monitors:
        outages = generator.outages(monitor, hour // 24)
        made += [(monitor, region, public_id, generator.hour(monitor, region, hour, outages)) for region in regions]

    def packed() -> Iterator[tuple[int, int, bytes, bytes | None]]:
        for monitor, region, public_id, entries in made:
            full = chunks.sampled(failures(hour, public_id, entries))
            kept = chunks.encode_failures([(monitor, result) for result in full])
            yield monitor, region, packing.pack(packing.in_order(entries)), kept

    with spent.on("pack"), transaction.atomic():
        packer.write_packed(hour, packed())
        count = len(made) * 60
        RecordedHour.objects.create(hour=hour, state=Progress.DONE, results=count, touched_at=Now())
        RecordedDay.objects.get_or_create(day=hour // 24)
    with connection.cursor() as cursor, cursor.copy("COPY row_per_check FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(_COPY_HEAD)
        for monitor, region, _, entries in made:
            copy.write(_as_rows(hour, monitor, region, entries))
        copy.write(b"\xff\xff")


def _as_rows(hour: int, monitor: int, region: int, entries: list[int]) -> bytes:
    """Entries of an hour in PostgreSQL's binary COPY format."""
    begin_us = (hour * HOUR_MS - _UNIX_TO_POSTGRES_MS) * 1000
    pack = _ROW.pack
    return b"".join(
        pack(
            7, 8, begin_us + (one >> 35) * 1000, 4, monitor, 4, (one >> 11 & 2047) * 997, 4, (one & 2047) * 997,
            2, region, 2, one >> 29 & 3, 2, one >> 22 & 127,
        )
        for one in entries
    )  # fmt: skip


def _roll_up() -> None:
    for day in list(RecordedDay.objects.filter(state=Progress.OPEN).values_list("day", flat=True)):
        while daily_rollup.close_some(day):
            pass


def _record_open_hour(
    generator: Generator, hour: int, monitors: list[tuple[int, str]], regions: list[int], spent: Spent
) -> int:
    """Record an open hour, from encoded stream entries to chunks, as the recorder does."""
    keys = {public_id: key for key, public_id in monitors}
    recorded: dict[int, str | None] = dict.fromkeys(regions)
    count = 0
    streams = {region: _stream(generator, hour, monitors, region) for region in regions}
    for until_ms in range(hour * HOUR_MS + WRITE_EVERY_MS, (hour + 1) * HOUR_MS + 1, WRITE_EVERY_MS):
        intake, reaches = Intake(keys), {}
        for region, entries in streams.items():
            due = [payload for at_ms, payload in entries if until_ms - WRITE_EVERY_MS <= at_ms < until_ms]
            with spent.on("take"):
                for place, payload in enumerate(due):
                    intake.take(region, f"{until_ms}-{place}", payload, until_ms)
            reaches[region] = ReadPosition(recorded[region], f"{until_ms}-{len(due)}")
            recorded[region] = reaches[region].read
        with spent.on("write"):
            write(intake, reaches)
        count += intake.results
    return count


def _stream(generator: Generator, hour: int, monitors: list[tuple[int, str]], region: int) -> list[tuple[int, bytes]]:
    """Stream entries of a region in an hour, with as many results each as under load."""
    results: list[Result] = []
    for monitor, public_id in monitors:
        entries = generator.hour(monitor, region, hour, generator.outages(monitor, hour // 24))
        results += [as_result(hour, public_id, entry) for entry in entries]
    results.sort(key=lambda result: result.at_ms)
    parts = (results[at : at + RESULTS_PER_ENTRY] for at in range(0, len(results), RESULTS_PER_ENTRY))
    return [(part[0].at_ms, encode(part)) for part in parts]


def _wal() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def _bytes(pattern: str) -> dict[str, int]:
    """Disk usage of tables with indexes, TOAST and maps; partitions count with their parents."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT regexp_replace(relname, '_[0-9]+$', ''), sum(pg_total_relation_size(oid))::bigint FROM pg_class "
            "WHERE relkind = 'r' AND relname LIKE %s GROUP BY 1 ORDER BY 1",
            [pattern],
        )
        return {name: int(size) for name, size in cursor.fetchall()}
