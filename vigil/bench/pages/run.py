"""Pages benchmark: the overview and the page of a monitor in a real browser, over many monitors with history.

  manage.py bench pages --json

A real `manage.py run web` serves from a PostgreSQL and a Redis of its own, with 500 and then 2,000 monitors in five
regions, ninety days of incidents, and the last hour's checks. Chromium opens each page as a new visitor does: nothing
is cached. `fcp` is the time to the first contentful paint, the median of five; `server_p95` is what the server says of
forty loads, `server_cpu` what the web process spends on one, `queries` the most that one needed; kilobytes are those on
the wire. axe reads every page in both themes. It needs Debian's package chromium.

`status_kb` is what a new reader of a public status page transfers, `status_product_queries` the queries of PostgreSQL
for one such request, `status_requests_per_s` the answers of one web process while a whole system of its own checks
beside it, the readers on the same machine; `status_up_without_postgres` whether a web process that starts with neither
PostgreSQL nor Redis serves the page that another has left on the disk.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from vigil.bench.database import own_database
from vigil.bench.measure import usages
from vigil.bench.pages import status_page
from vigil.bench.report import print_report, say, until
from vigil.cli.errors import CommandError
from vigil.local.servers import ports

BUDGETS = {
    "overview_500_fcp_ms": 1_000.0, "overview_2000_fcp_ms": 1_000.0, "overview_server_p95_ms": 120.0,
    "overview_queries": 12.0, "overview_kb": 60.0, "monitor_kb": 90.0, "axe_violations": 0.0, "status_kb": 20.0,
    "status_requests_per_s": 2_000.0, "status_product_queries": 0.0,
}  # fmt: skip
FEW, MANY = 500, 2_000
PAINTS, LOADS = 5, 40
READY_S = 240.0
NO_CHANGES: Mapping[str, str] = MappingProxyType({})
#: Pages beside the overview, a monitor and an incident.
OTHER_PAGES = (
    "incidents", "regions", "heartbeats", "on-call", "style", "on-call/routes/new", "on-call/policies/new",
    "on-call/silences/new", "composites/new",
)  # fmt: skip


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from vigil.bench.pages.browser import chromium

    with chromium():
        say("a browser is there")
    # First: it has settings of its own, which those of this process would hide.
    beside = status_page.beside_a_running_system()
    port = ports.take_free_port()
    with (
        tempfile.TemporaryDirectory(prefix="vigil-bench-pages-") as folder,
        own_database(VIGIL_BASE_URL=f"http://{ports.LOOPBACK}:{port}", VIGIL_DATA_DIR=folder),
    ):
        report = measure(port)
    report |= {"status_requests_per_s": beside["per_s"], "status_p99_ms": beside["p99_ms"]}
    print_report(report, args.json, BUDGETS)
    return 0


@dataclass(frozen=True, slots=True)
class _Overview:
    """Figures of the overview."""

    fcp_ms: float
    server_p95_ms: float
    server_cpu_ms: float
    queries: int
    kilobytes: float


def measure(port: int) -> dict[str, Any]:
    """Run everything on the servers that the environment names, with Django set up."""
    from vigil.accounts.login import create_login_link, ensure_first_admin
    from vigil.bench.pages.browser import chromium, new_context, sign_in
    from vigil.bench.pages.rows import write_scene

    address = f"http://{ports.LOOPBACK}:{port}"
    link = create_login_link(ensure_first_admin())
    say(f"{FEW} monitors")
    scene = write_scene(FEW)
    with served(port, f"{address}/healthz") as pid:
        with chromium() as browser:
            with new_context(browser) as context:
                sign_in(context, link)
                state = context.storage_state()
            few = _overview(browser, state, address, pid)
        # The browser's loop is this thread's while it runs, and Django's queries are refused beside it.
        say(f"{MANY} monitors")
        write_scene(MANY - FEW)
        with chromium() as browser:
            many = _overview(browser, state, address, pid)
            monitor = f"{address}/monitors/{scene.monitor}"
            kilobytes = _kilobytes(browser, state, monitor)
            say("accessibility of every page, in both themes")
            pages = [f"{address}/", monitor, f"{address}/incidents/{scene.incident}"]
            pages += [f"{address}/{name}" for name in OTHER_PAGES]
            violations = sum(_violations(browser, state, page) for page in pages)
        status = _status_page(port, address)
    # The web process that has made the page has ended. Nothing listens where this one seeks its servers.
    nowhere = {
        "VIGIL_DATABASE_URL": "postgresql://nobody:none@127.0.0.1:1/none",
        "VIGIL_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    with contextlib.suppress(CommandError), served(port, f"{address}{status_page.PATH}", nowhere):
        status["status_up_without_postgres"] = True
    return {
        **status,
        "overview_500_fcp_ms": few.fcp_ms,
        "overview_2000_fcp_ms": many.fcp_ms,
        "overview_server_p95_ms": many.server_p95_ms,
        "overview_server_cpu_ms": many.server_cpu_ms,
        "overview_queries": many.queries,
        "overview_kb": many.kilobytes,
        "monitor_kb": kilobytes,
        "axe_violations": violations,
    }


def _status_page(port: int, address: str) -> dict[str, Any]:
    from vigil.bench.pages.browser import chromium, new_context, visit
    from vigil.monitors.models import Monitor

    say("a status page")
    status_page.write_page(list(Monitor.objects.order_by("pk")[: status_page.COMPONENTS]))
    status_page.until_served(address)
    queries = status_page.queries_each(port)
    with chromium() as browser, new_context(browser) as context:
        kilobytes = round(visit(context, f"{address}{status_page.PATH}").kilobytes, 1)
    return {"status_kb": kilobytes, "status_product_queries": queries, "status_up_without_postgres": False}


@contextlib.contextmanager
def served(port: int, ready: str, environment: Mapping[str, str] = NO_CHANGES) -> Iterator[int]:
    """The web process on a port, once the address `ready` answers well; its process id."""
    import httpx

    process = subprocess.Popen(
        [sys.executable, "-m", "vigil.cli", "run", "web", "--host", ports.LOOPBACK, "--port", str(port)],
        env={**os.environ, "VIGIL_HEALTH_PORT": "0", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(ready, timeout=5).is_success
        return False

    try:
        until(answers, "the pages do not start", READY_S)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _overview(browser: Any, state: Any, address: str, pid: int) -> _Overview:
    from vigil.bench.pages.browser import new_context, visit

    paints, size = [], 0.0
    for _ in range(PAINTS):
        with new_context(browser, storage_state=state) as context:
            seen = visit(context, f"{address}/")
            paints.append(seen.first_contentful_paint_ms())
            size = seen.kilobytes
    with new_context(browser, storage_state=state) as context:
        seen = visit(context)
        costs, before = [], usages({"web": pid})["web"].cpu_s
        for _ in range(LOADS):
            seen.go(f"{address}/")
            costs.append(seen.cost)
        cpu_s = usages({"web": pid})["web"].cpu_s - before
    told = [cost for cost in costs if cost is not None]
    took = sorted(cost.total_ms for cost in told)
    return _Overview(
        round(statistics.median(paints), 1),
        round(took[int(len(took) * 0.95)], 1),
        round(cpu_s * 1000 / LOADS, 1),
        max(cost.queries for cost in told),
        round(size, 1),
    )


def _kilobytes(browser: Any, state: Any, address: str) -> float:
    from vigil.bench.pages.browser import new_context, visit

    with new_context(browser, storage_state=state) as context:
        return round(visit(context, address).kilobytes, 1)


def _violations(browser: Any, state: Any, address: str) -> int:
    from vigil.bench.pages.browser import new_context, visit

    found = 0
    for dark in (False, True):
        with new_context(browser, dark=dark, storage_state=state) as context:
            lines = visit(context, address).violations()
            for line in lines:
                say(f"  {address}: {line}")
            found += len(lines)
    return found
