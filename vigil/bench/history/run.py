"""History benchmark: bytes per check beside a row per check, and API latency over a year of rollups.

  manage.py bench history --json
  manage.py bench history --only bytes --checks 5000000
  manage.py bench history --only queries --monitors 1000

bytes: generated checks (outages, blips and missed slots among them) go through the recorder's own path for the open
hour, and through its encoder and packer for all others; days are rolled up; then everything history has is measured,
indexes and all. The same checks are stored as a row per check in the same database: no id, one index, built last.
CPU is that of the recorder's own code, without PostgreSQL's; the write-ahead log is counted as well.

queries: a year of rollups by the hour and by the day, two days of packed checks, an open hour and a year of incidents;
then the API is asked about monitors drawn at random, every answer complete and through all of Django.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from vigil.bench.database import own_database
from vigil.bench.report import print_report
from vigil.cli.errors import CommandError

REGIONS = 5
INTERVAL_S = 60


@dataclass(frozen=True)
class HistoryOptions:
    """Amount of data: checks of the first part, monitors and days of the second."""

    checks: int
    monitors: int
    days: int


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--checks", type=int, default=50_000_000, help="how many checks are stored for the bytes")
    parser.add_argument("--monitors", type=int, default=10_000, help="monitors of the queries")
    parser.add_argument("--days", type=int, default=365, help="days of rollups of the queries")
    parser.add_argument("--only", choices=["bytes", "queries"], help="one of the two parts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if args.checks < 1_000_000 or not 100 <= args.monitors <= 200_000 or not 90 <= args.days <= 3660:
        raise CommandError("ask for at least 1,000,000 checks, 100 to 200,000 monitors and 90 to 3660 days")
    wanted = HistoryOptions(args.checks, args.monitors, args.days)
    report: dict[str, object] = {}
    # On SIGTERM, remove the database of twenty gigabytes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with _database():
        from vigil.bench.history import packed_bytes, queries

        parts = {"bytes": packed_bytes.measure, "queries": queries.measure}
        for name, measure in parts.items():
            if args.only in (None, name):
                begun = time.monotonic()
                report |= measure(wanted)
                report[f"{name}_took_s"] = round(time.monotonic() - begun, 1)
    print_report(report, args.json)
    return 0


@contextlib.contextmanager
def _database() -> Iterator[None]:
    """A migrated PostgreSQL, set for the measurement. Redis is not needed."""
    with own_database(durable=False, with_redis=False):
        from django.db import connection

        with connection.cursor() as cursor:
            # Production settings do not suit a bulk load.
            cursor.execute("SET statement_timeout = 0; SET maintenance_work_mem = '512MB'")
            cursor.execute("ALTER SYSTEM SET autovacuum = off")
            # As in production: whole pages after a checkpoint.
            cursor.execute("ALTER SYSTEM SET full_page_writes = on")
            cursor.execute("SELECT pg_reload_conf()")
        yield
