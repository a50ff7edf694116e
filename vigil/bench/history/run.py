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
import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import django
from cryptography.fernet import Fernet

from vigil.cli.errors import CommandError
from vigil.local import postgres

REGIONS = 5
INTERVAL_S = 60
PER_MONITOR_DAY = REGIONS * 86_400 // INTERVAL_S


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
    print(json.dumps(report) if args.json else "\n".join(f"{name:<28} {value}" for name, value in report.items()))
    return 0


@contextlib.contextmanager
def _database() -> Iterator[None]:
    """A migrated PostgreSQL as `up` would start it, with Django set up. Redis is not needed."""
    password = secrets.token_urlsafe(24)
    for name in [name for name in os.environ if name.startswith("VIGIL_") and name != "VIGIL_VENV"]:
        del os.environ[name]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="vigil-bench-", dir="/var/tmp", ignore_cleanup_errors=True)
        )
        home = Path(folder)
        home.chmod(0o711)
        server = stack.enter_context(postgres.running(home, password, home / "postgres.log", durable=False))
        os.environ |= {
            "VIGIL_DATABASE_URL": server.url,
            "VIGIL_REDIS_URL": "redis://127.0.0.1:1/0",
            "VIGIL_SECRET_KEY": secrets.token_urlsafe(50),
            "VIGIL_SEAL_KEYS": Fernet.generate_key().decode(),
            "VIGIL_ALLOWED_HOSTS": "*",
            "DJANGO_SETTINGS_MODULE": "vigil.settings",
        }
        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", interactive=False, verbosity=0)
        with connection.cursor() as cursor:
            # Production settings do not suit a bulk load.
            cursor.execute("SET statement_timeout = 0; SET maintenance_work_mem = '512MB'")
            cursor.execute("ALTER SYSTEM SET autovacuum = off")
            # As in production: whole pages after a checkpoint.
            cursor.execute("ALTER SYSTEM SET full_page_writes = on")
            cursor.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            connection.close()
