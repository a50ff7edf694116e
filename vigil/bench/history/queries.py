"""Query benchmark: API latency over a year of history, through all of Django."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import F
from django.test import Client

from probes.reasons import Status
from vigil.accounts.models import Scope, Team
from vigil.accounts.tokens import issue_token
from vigil.bench.history.checks import Generator
from vigil.bench.measure import percentile
from vigil.history.core import packing, rollups
from vigil.history.core.chunks import SHARD, ChunkContent
from vigil.history.core.packing import HOUR_MS
from vigil.history.models import Chunk as ChunkRow
from vigil.history.models import Progress, RecordedDay
from vigil.history.storage import partitions
from vigil.history.storage.daily_rollup import DAY_MS
from vigil.history.storage.partitions import Partitioned
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident, MonitorState
from vigil.monitors.models import Monitor, Region

if TYPE_CHECKING:
    from vigil.bench.history.run import HistoryOptions

REGIONS = 5
POOL = 300
ASKED = 60
INCIDENTS_A_YEAR = 12
_CHUNKS_AN_HOUR = 180


def measure(wanted: HistoryOptions) -> dict[str, object]:
    """Fill a year, then query."""
    for table in partitions.ALL:
        for start in partitions.starts(table):
            partitions.drop(table, start)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS row_per_check")
    # A separate team, without the monitors of earlier parts.
    team = Team.objects.create(name="Queries", slug="queries")
    monitors, regions = _configuration(team, wanted.monitors)
    now = datetime.now(UTC)
    today = int(now.timestamp() * 1000) // DAY_MS
    _fill_rollups(monitors, regions, range(today - wanted.days, today))
    _fill_checks(monitors, regions, int(now.timestamp() * 1000) // HOUR_MS)
    _fill_incidents(team, monitors, now, wanted.days)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    asked = _ask(team, [monitor.public_id for monitor in monitors], wanted.days)
    return {
        "query_monitors": wanted.monitors,
        "query_days": wanted.days,
        "query_rows": {table.table: _estimate(table) for table in partitions.ALL},
        "query_gb": round(sum(partitions.bytes_by_table().values()) / 1e9, 2),
        **asked,
    }


def _configuration(team: Team, count: int) -> tuple[list[Monitor], list[int]]:
    regions = list(Region.objects.all())
    for place in range(len(regions), REGIONS):
        regions.append(Region.objects.create(slug=f"r{place}", domain=f"d{place}"))
    monitors = Monitor.objects.bulk_create(
        [
            Monitor(team=team, name=f"q{n}", kind="http", config={"url": f"https://q{n}.test"}, tags=[f"t{n % 100}"])
            for n in range(count)
        ],
        batch_size=5_000,
    )
    Monitor.objects.filter(team=team).update(created_at=F("created_at") - timedelta(days=1_000))
    MonitorState.objects.bulk_create(
        [MonitorState(monitor=monitor, status=Status.UP, since=datetime.now(UTC)) for monitor in monitors],
        batch_size=5_000,
    )
    return monitors, [region.pk for region in regions[:REGIONS]]


def _fill_rollups(monitors: Sequence[Monitor], regions: Sequence[int], days: range) -> None:
    """Every day of every series, by hour and day, from a pool of payloads, in SQL."""
    generator = Generator(2)
    hours, whole = [], []
    for number in range(POOL):
        by_region = {}
        for region in regions:
            each = {
                hour: rollups.of_hour(packing.unpack(packing.pack(generator.hour(number, region, hour, []))))
                for hour in range(24)
            }
            by_region[region] = rollups.merged(each.values())
        hours.append(rollups.pack_hours(each))
        whole.append(rollups.pack_regions(by_region))
    _pool("pool_hours", hours)
    _pool("pool_days", whole)
    for table, values, sql in (
        (partitions.ROLLED_HOURS, days, _INSERT_HOURS),
        (partitions.ROLLED_DAYS, days, _INSERT_DAYS),
    ):
        _insert(table, values, sql, [monitors[0].pk, monitors[-1].pk], regions)
    RecordedDay.objects.all().delete()
    RecordedDay.objects.bulk_create([RecordedDay(day=day, state=Progress.DONE) for day in days])


_INSERT_HOURS = """
INSERT INTO history_rolledhours (day, monitor, region, payload)
SELECT day, monitor, region, (SELECT payload FROM pool_hours WHERE n = (monitor * 7 + day * 13 + region) %% {pool})
FROM generate_series(%(first)s, %(last)s) day, generate_series(%(from)s, %(to)s) monitor, unnest(%(regions)s) region
"""
_INSERT_DAYS = """
INSERT INTO history_rolledday (day, monitor, payload)
SELECT day, monitor, (SELECT payload FROM pool_days WHERE n = (monitor * 7 + day * 13) %% {pool})
FROM generate_series(%(first)s, %(last)s) day, generate_series(%(from)s, %(to)s) monitor
"""
_INSERT_PACKED = """
INSERT INTO history_packedhour (hour, monitor, region, payload)
SELECT hour, monitor, region, (SELECT payload FROM pool_packed WHERE n = (monitor * 7 + hour * 13 + region) %% {pool})
FROM generate_series(%(first)s, %(last)s) hour, generate_series(%(from)s, %(to)s) monitor, unnest(%(regions)s) region
"""


def _fill_checks(monitors: Sequence[Monitor], regions: Sequence[int], hour: int) -> None:
    """Two days of packed hours, and an open hour as chunks."""
    generator = Generator(3)
    _pool("pool_packed", [packing.pack(generator.hour(number, 1, hour, [])) for number in range(POOL)])
    span = [monitors[0].pk, monitors[-1].pk]
    _insert(partitions.PACKED_HOURS, range(hour - 48, hour), _INSERT_PACKED, span, regions)
    with transaction.atomic():
        partitions.ensure(partitions.CHUNKS, hour)
    by_shard: dict[int, list[int]] = {}
    for monitor in monitors:
        by_shard.setdefault(monitor.pk // SHARD, []).append(monitor.pk)
    with transaction.atomic():
        for shard, keys in by_shard.items():
            for number in range(_CHUNKS_AN_HOUR):
                chunk = ChunkContent()
                for key in keys[number % 3 :: 3]:
                    entry = (number * 20_000 + key % 20_000) << 35 | (600 + key % 50) << 11 | 590 + key % 50
                    chunk.monitors.append(key)
                    chunk.entries.append(entry)
                payload = chunk.encoded()
                ChunkRow.objects.bulk_create(
                    ChunkRow(hour=hour, shard=shard, region=region, last_ms=number, last_seq=0, payload=payload)
                    for region in regions
                )


def _fill_incidents(team: Team, monitors: Sequence[Monitor], now: datetime, days: int) -> None:
    rnd = random.Random(4)
    rows = []
    for monitor in monitors:
        for _ in range(INCIDENTS_A_YEAR):
            started = now - timedelta(seconds=rnd.uniform(3_600, days * 86_400))
            rows.append(
                Incident(
                    team=team,
                    monitor=monitor,
                    kind=IncidentKind.OUTAGE if rnd.random() < 0.7 else IncidentKind.DEGRADED,
                    title="t",
                    started_at=started,
                    opened_at=started,
                    resolved_at=started + timedelta(seconds=rnd.uniform(60, 3_000)),
                )
            )
    Incident.objects.bulk_create(rows, batch_size=5_000)


def _ask(team: Team, monitors: Sequence[str], days: int) -> dict[str, object]:
    """Each query once for some monitors; milliseconds of the full response, the first apart."""
    rnd = random.Random(5)
    client = Client()
    headers = {"authorization": f"Bearer {issue_token(team, 'bench', [Scope.READ])[1]}"}
    questions = {
        f"states_{len(monitors)}": "states",
        "uptime_bar_90_days": "monitors/{}/uptime?days=90&tz=Europe/Berlin",
        "latency_24h_by_region": "monitors/{}/latency?hours=24",
        "latency_30_days_by_region": "monitors/{}/latency?hours=720",
        "percentiles_year_by_day": f"monitors/{{}}/percentiles?days={days}",
        "percentiles_year_by_month": f"monitors/{{}}/percentiles?days={days}&by=month",
        "percentiles_year_at_once": f"monitors/{{}}/percentiles?days={days}&by=all",
        "uptime_tag_30_days": "uptime?days=30&tag=t1",
        "checks_1h": "monitors/{}/checks?hours=1",
    }
    client.get("/api/v1/states", headers=headers)
    found: dict[str, object] = {}
    slowest = 0.0
    for name, path in questions.items():
        took = []
        for monitor in rnd.sample(monitors, min(ASKED, len(monitors))):
            begun = time.perf_counter()
            answer = client.get(f"/api/v1/{path.format(monitor)}", headers=headers)
            took.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code == 200, answer.content
            assert json.loads(answer.content)
        found[f"{name}_ms"] = {
            "p50": round(percentile(took, 0.5) or 0, 1),
            "p99": round(percentile(took, 0.99) or 0, 1),
            "bytes": len(answer.content),
        }
        slowest = max(slowest, percentile(took, 0.5) or 0)
    return {**found, "slowest_p50_ms": round(slowest, 1)}


def _pool(name: str, payloads: Sequence[bytes]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE {name} (n integer PRIMARY KEY, payload bytea)")
        cursor.executemany(f"INSERT INTO {name} VALUES (%s, %s)", list(enumerate(payloads)))


def _insert(table: Partitioned, values: range, sql: str, monitors: Sequence[int], regions: Sequence[int]) -> None:
    """Fill a table partition by partition, each in its own transaction."""
    for start in sorted({table.start(value) for value in values}):
        within = [value for value in values if table.start(value) == start]
        with transaction.atomic(), connection.cursor() as cursor:
            partitions.ensure(table, start)
            cursor.execute(
                sql.format(pool=POOL),
                {
                    "first": within[0],
                    "last": within[-1],
                    "from": monitors[0],
                    "to": monitors[1],
                    "regions": list(regions),
                },
            )


def _estimate(table: Partitioned) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(reltuples), 0)::bigint FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid "
            "WHERE i.inhparent = to_regclass(%s)",
            [table.table],
        )
        return int(cursor.fetchone()[0])
