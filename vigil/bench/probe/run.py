"""Probe benchmark: cost of a check, memory of many at once, start of confirming checks.

  manage.py bench probe --json
  manage.py bench probe --rounds 10

CPU is that of the worker's whole process, from the Celery message to the result on the stream, in batches of 200
against a fast server on loopback (nginx where it is installed). In the same run and against the same server, a stock
`httpx.AsyncClient` (one client, one TLS context, a fresh connection each time, asyncio's loop, 50 at once, which is
where it costs least) and Debian's prometheus-blackbox-exporter, where it is installed, make the same checks.
They take turns for some rounds, and the least of each counts: what else the machine does only ever adds.
HTTPS is a full handshake of TLS 1.3 with an ECDSA certificate that is verified.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from probes.reasons import Reason
from probes.signing.private_keys import control_keys_of
from probes.wire import Lane
from vigil.bench.measure import percentile, rss_mb
from vigil.bench.probe.blackbox import Blackbox, blackbox
from vigil.bench.probe.rig import (
    BATCH,
    REGION,
    SEAL_KEY,
    Certificates,
    ProbeTargets,
    WorkerUnderTest,
    make_certificates,
    program,
    targets,
)
from vigil.bench.region_keys import simulated_secret
from vigil.bench.report import print_report
from vigil.cli.errors import CommandError
from vigil.local.servers.redis import running

BUDGETS = {
    "http_vs_httpx": 0.28,
    "https_vs_httpx": 0.52,
    "tcp_vs_httpx": 0.12,
    "http_vs_blackbox": 0.5,
    "https_vs_blackbox": 1.0,
    "rss_mb_1000_in_flight": 150.0,
    "confirm_start_p99_ms": 250.0,
}
#: Figures by name; None without the baseline.
Report = dict[str, float | str | None]
_BATCHES = 2
_IN_FLIGHT = 1000
_HANGING = 2000
_CONFIRMING = 200
_SOFT_MS = 5_000


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=6, help="turns of 400 checks of each kind (default 6)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.rounds <= 100:
        raise CommandError("--rounds is between 1 and 100")
    with tempfile.TemporaryDirectory(prefix="vigil-bench-", ignore_cleanup_errors=True) as folder:
        report = measure(Path(folder), args.rounds)
    print_report(report, args.json, BUDGETS)
    return 0


def measure(home: Path, rounds: int) -> Report:
    """All figures, in one run."""
    certificates = make_certificates(home)
    environment = {
        "VIGIL_EGRESS": "private",
        "SSL_CERT_FILE": str(certificates.authority),
        "VIGIL_REGION_KEY": simulated_secret(REGION),
        "VIGIL_CONTROL_KEYS": control_keys_of(SEAL_KEY),
    }
    with (
        running(home, secrets.token_urlsafe(16), home / "redis.log") as broker,
        targets(home, certificates) as there,
        blackbox(home, certificates.authority) as exporter,
        program(
            [sys.executable, "-m", "probes", "--region", REGION],
            home / "worker.log",
            VIGIL_REDIS_URL=broker.url,
            **environment,
        ) as pid,
        contextlib.closing(WorkerUnderTest(broker.url, pid)) as worker,
    ):
        turns = [_turn(worker, there, exporter, certificates) for _ in range(rounds)]
        costs = {name: min(turn[name] for turn in turns) for name in turns[0]}
        return {**report_of(costs), **_bounds(worker, there), "server": there.server}


def _turn(
    worker: WorkerUnderTest, there: ProbeTargets, exporter: Blackbox | None, certificates: Certificates
) -> dict[str, float]:
    """Cost of a check for each (us), one turn."""
    checks = _BATCHES * BATCH
    costs = {
        "http": worker.cost_us("http", {"url": there.http}, _BATCHES),
        "httpx_http": _stock_us(there.http, checks, certificates),
        "https": worker.cost_us("http", {"url": there.https}, _BATCHES),
        "httpx_https": _stock_us(there.https, checks, certificates),
        "tcp": worker.cost_us("tcp", {"host": "127.0.0.1", "port": there.port}, _BATCHES),
    }
    if exporter is not None:
        costs["blackbox_http"] = exporter.cost_us(there.http, checks)
        costs["blackbox_https"] = exporter.cost_us(there.https, checks)
    return costs


def report_of(costs: Mapping[str, float]) -> dict[str, float | None]:
    """Costs of all (us), and ours relative to the others'."""

    def part(ours: str, theirs: str) -> float | None:
        return round(costs[ours] / costs[theirs], 3) if theirs in costs else None

    return {
        "http_us": round(costs["http"], 1),
        "http_vs_httpx": part("http", "httpx_http"),
        "http_vs_blackbox": part("http", "blackbox_http"),
        "https_us": round(costs["https"], 1),
        "https_vs_httpx": part("https", "httpx_https"),
        "https_vs_blackbox": part("https", "blackbox_https"),
        "tcp_us": round(costs["tcp"], 1),
        "tcp_vs_httpx": part("tcp", "httpx_http"),
    } | {f"{name}_us": round(cost, 1) for name, cost in costs.items() if "_" in name}


def _stock_us(url: str, checks: int, certificates: Certificates) -> float:
    argv = [sys.executable, "-m", "vigil.bench.probe.stock_httpx", url, "--checks", str(checks)]
    done = subprocess.run(
        argv, env={"SSL_CERT_FILE": str(certificates.authority)}, capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise CommandError(f"the checks with httpx failed: {done.stderr.strip().splitlines()[-1]}")
    return float(json.loads(done.stdout))


def _bounds(worker: WorkerUnderTest, there: ProbeTargets) -> Report:
    """Memory of 1,000 waiting TLS connections, and start of confirming checks behind 2,000."""
    for _ in range(_HANGING // BATCH):
        hanging: dict[str, object] = {"url": there.hanging}
        worker.send_patient("http", hanging, BATCH, Lane.SCHEDULED, timeout_ms=60_000, soft_ms=_SOFT_MS)
    # Each reports overdue once: by then all are connected and waiting.
    worker.gather(lambda result: result.reason is Reason.OVERDUE, _IN_FLIGHT)
    memory_mb = rss_mb(worker.pid)
    lags: list[float] = []
    while len(lags) < _CONFIRMING:
        worker.send("http", {"url": there.http}, 10, Lane.CONFIRM)
        confirmed = worker.gather(lambda result: bool(result.round), 10)
        lags.extend(float(result.started_ms - result.at_ms) for result in confirmed)
        time.sleep(0.05)
    return {"rss_mb_1000_in_flight": round(memory_mb, 1), "confirm_start_p99_ms": percentile(lags, 0.99)}
