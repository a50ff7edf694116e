"""Metrics benchmark: one scrape of `/metrics/monitors`, from the tables and Redis to the text.

  manage.py bench metrics --json
  manage.py bench metrics --monitors 5000 --regions 3

Monitors stand in a PostgreSQL of its own, the latest result of each in each region in a Redis of its own. A scrape goes
through the whole application in this process, with a token, compressed as Prometheus asks.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from typing import Any

from vigil.bench.database import own_database
from vigil.bench.report import print_report, say
from vigil.cli.errors import CommandError

BUDGETS = {"scrape_s": 1.0, "probe_ms": 50.0}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--monitors", type=int, default=2_000, help="monitors in every region (default 2000)")
    parser.add_argument("--regions", type=int, default=5, help="regions (default 5)")
    parser.add_argument("--scrapes", type=int, default=5, help="scrapes, of which the median counts (default 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not (1 <= args.monitors <= 5_000 and 1 <= args.regions <= 50 and 1 <= args.scrapes <= 100):
        raise CommandError("--monitors is 1 to 5000, --regions 1 to 50, --scrapes 1 to 100")
    with own_database():
        report = measure(args.monitors, args.regions, args.scrapes)
    print_report(report, args.json, BUDGETS)
    return 0


def measure(monitors: int, regions: int, scrapes: int) -> dict[str, Any]:
    """Run everything on the servers that the environment names, with Django set up."""
    from django.test import Client

    from vigil.accounts.teams import default_team
    from vigil.accounts.tokens import issue_token

    say(f"{monitors} monitors in {regions} regions")
    fill(monitors, regions)
    _, plain = issue_token(default_team(), "bench")
    client, headers = Client(), {"authorization": f"Bearer {plain}", "accept-encoding": "gzip"}

    def ask(path: str) -> tuple[float, float, bytes]:
        begun_s, cpu_s = time.perf_counter(), time.process_time()
        answer = client.get(path, headers=headers)
        took = time.perf_counter() - begun_s, time.process_time() - cpu_s
        if answer.status_code != 200:
            raise CommandError(f"{path}: {answer.status_code} {answer.content[:200].decode()}")
        return *took, answer.content

    say("scrapes")
    asked = [ask("/metrics/monitors") for _ in range(scrapes + 1)][1:]
    probes = [ask("/probe?target=bench%207&module=http_2xx")[0] for _ in range(scrapes + 1)][1:]
    text = gzip.decompress(asked[-1][2])
    return {
        "monitors": monitors,
        "regions": regions,
        "scrape_s": round(statistics.median(one[0] for one in asked), 3),
        "scrape_cpu_s": round(statistics.median(one[1] for one in asked), 3),
        "samples": text.count(b"\n") - text.count(b"\n#"),
        "text_mb": round(len(text) / 1e6, 1),
        "sent_mb": round(len(asked[-1][2]) / 1e6, 1),
        "probe_ms": round(statistics.median(probes) * 1000, 1),
    }


def fill(monitors: int, regions: int) -> None:
    """Monitors in every region, and a result of each of a moment ago."""
    from probes import keys, wire
    from probes.reasons import Reason, Status
    from vigil.bench.rows import write_monitors
    from vigil.monitors.live.results import redis_client
    from vigil.monitors.models import Monitor, Region

    for number in range(regions):
        Region.objects.create(slug=f"region-{number}", domain=f"domain-{number}")
    write_monitors(monitors, 0, 60, "https://api.example.com")
    named = list(Monitor.objects.values_list("public_id", flat=True))
    now_ms = time.time_ns() // 1_000_000
    phases = wire.Phases(12_000, 21_000, 34_000, 88_000, 161_000)
    facts: dict[str, Any] = {"address": "203.0.113.7", "body_bytes": 512, "tls": "TLSv1.3", "certificate_days": 61.5}
    for number in range(regions):
        pipe = redis_client().pipeline(transaction=False)
        for monitor in named:
            result = wire.Result(
                wire.WIRE_VERSION, monitor, now_ms, Status.UP, Reason.OK, now_ms, phases, code=200, facts=facts
            )
            pipe.hset(keys.latest(f"region-{number}"), monitor, wire.encode(result))  # type: ignore[arg-type]
        pipe.execute()
