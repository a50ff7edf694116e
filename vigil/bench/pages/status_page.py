"""Status page of the pages benchmark: size and queries, speed beside a running system, and life without servers.

`python -m vigil.bench.pages.status_page SECONDS` measures the speed in an installation of its own, and prints one JSON
object.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from vigil.bench.report import say, until
from vigil.cli.errors import CommandError

SLUG, PATH = "bench", "/status/bench"
COMPONENTS = 12
#: Length of the window in which readers ask as fast as they can, of the one that counts queries, and patience (s).
SECONDS, COUNTED_S, PATIENCE_S = 10.0, 5.0, 240.0


def write_page(monitors: Sequence[Any]) -> None:
    """A page with these monitors as components in two groups, and an open incident. Django is set up."""
    from vigil.accounts.teams import default_team
    from vigil.status.changes import save_status_page
    from vigil.status.models import PublicIncident, StatusPage
    from vigil.status.public_incidents.changes import save_public_incident

    components = [
        {"name": f"Service {place}", "group": ("API", "Web")[place % 2], "description": "What it does.", "monitor": one}
        for place, one in enumerate(monitors)
    ]
    wanted = {"slug": SLUG, "title": "Acme AI", "header": "We tell you here how we are.", "components": components}
    page = save_status_page(StatusPage(team=default_team()), wanted)
    told = {
        "page": page,
        "title": "Some calls fail",
        "text": "We look into it.",
        "components": list(page.components.all())[:1],
    }
    save_public_incident(PublicIncident(team=page.team), told)


def until_served(address: str) -> None:
    """Wait until the page is there."""
    import httpx

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{address}{PATH}", timeout=5).is_success
        return False

    until(answers, "the status page is not served", PATIENCE_S)


def queries_each(port: int) -> float:
    """Queries of PostgreSQL for one request: those while many ask, less those of as long a time in which none does."""
    began = _transactions()
    time.sleep(COUNTED_S)
    before = _transactions()
    idle = before - began
    told = read_in_own_process(port, COUNTED_S)
    return round(max(0, _transactions() - before - idle) / max(1.0, told["per_s"] * COUNTED_S), 1)


def _transactions() -> int:
    """Transactions that PostgreSQL has ended; each query outside of a transaction is one."""
    from django.db import connection

    # Backends tell their figures at most once a second.
    time.sleep(1.5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")
        row: tuple[int] = cursor.fetchone()
    return row[0]


def read_in_own_process(port: int, seconds: float) -> dict[str, Any]:
    """What readers in a process of their own have seen."""
    argv = [sys.executable, "-m", "vigil.bench.pages.readers", str(port), PATH, str(seconds)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if done.returncode:
        raise CommandError(f"the readers of the status page failed: {done.stderr[-500:]}")
    return dict(json.loads(done.stdout))


def beside_a_running_system() -> dict[str, Any]:
    """The speed of the page while everything else runs and checks; in a process of its own, with its own settings."""
    argv = [sys.executable, "-m", "vigil.bench.pages.status_page", str(SECONDS)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S + SECONDS, check=False)
    if done.returncode:
        raise CommandError("the installation whose status page is read failed: see above")
    return dict(json.loads(done.stdout))


def main(seconds: float) -> None:
    from vigil.local.installation import InstallationOptions
    from vigil.local.temporary import Throwaway

    throwaway = Throwaway("bench-status", InstallationOptions())
    try:
        print(json.dumps(asyncio.run(_measure(throwaway, seconds))), flush=True)
    finally:
        throwaway.discard()


async def _measure(throwaway: Any, seconds: float) -> dict[str, Any]:
    installation = throwaway.installation
    say("a whole system, and its status page")
    await installation.start()
    try:
        port = installation.addresses.web_port
        await asyncio.to_thread(_write_checked, f"{installation.addresses.base_url}/livez")
        await asyncio.to_thread(until_served, installation.addresses.base_url)
        say(f"readers, {seconds:g} s")
        return await asyncio.to_thread(read_in_own_process, port, seconds)
    finally:
        await installation.stop()


def _write_checked(url: str) -> None:
    """Monitors that are checked while the page is read, each every ten seconds from each region."""
    import django

    django.setup()
    from vigil.accounts.teams import default_team
    from vigil.monitors.changes import create_monitor

    wanted = {"kind": "http", "config": {"url": url}, "interval_s": 10, "timeout_ms": 2_000}
    team = default_team()
    write_page([create_monitor(team, {**wanted, "name": f"Service {place}"}) for place in range(COMPONENTS)])


if __name__ == "__main__":
    main(float(sys.argv[1]))
