"""Monitors-as-code benchmark: time of a plan and of its application, with many monitors.

  manage.py bench code --json
  manage.py bench code --monitors 5000

A document of monitors with secrets, tags, groups and assertions is read from its YAML, planned and applied against a
PostgreSQL of its own, which writes durably. Then the same is planned again without changes, and a tenth of it is
changed, planned and applied. Each plan includes reading the file. CPU is this process's own; that of the server is in
the wall times only.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from vigil.bench.database import own_database
from vigil.bench.report import print_report, say
from vigil.cli.errors import CommandError

BUDGETS = {"plan_s": 2.0, "apply_s": 5.0, "plan_unchanged_s": 2.0, "plan_tenth_s": 2.0, "apply_tenth_s": 5.0}
REGIONS = 5


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--monitors", type=int, default=2_000, help="monitors (default 2000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not 10 <= args.monitors <= 20_000:
        raise CommandError("--monitors is 10 to 20000")
    with own_database(with_redis=False):
        report = measure(args.monitors)
    print_report(report, args.json, BUDGETS)
    return 0


def document(monitors: int, changed: int = 0) -> str:
    """A document of so many monitors; the first `changed` have another interval."""
    lines = ["version: 1", "project: bench", "groups:", "  web: {priority: high, tags: [web]}", "monitors:"]
    for number in range(monitors):
        lines += [
            f"  service-{number}:",
            f"    name: Service {number}",
            "    group: web",
            f"    interval: {'2m' if number < changed else '30s'}",
            f"    http: {{url: https://s{number}.example/health, assertions: [{{type: latency, degraded: 1s}}]}}",
            '    secrets: {bearer: "${env:TOKEN}"}',
        ]
    return "\n".join(lines) + "\n"


def measure(monitors: int) -> dict[str, Any]:
    """Run everything on the database that the environment names, with Django set up."""
    from vigil.accounts.teams import default_team
    from vigil.code.apply import apply_plan
    from vigil.code.catalogue import catalogue
    from vigil.code.core.formats.yaml_text import read_yaml
    from vigil.code.plans import PlanOrder, make_plan
    from vigil.monitors.models import Monitor, Region

    for number in range(REGIONS):
        Region.objects.create(slug=f"region-{number}", domain=f"domain-{number}")
    team = default_team()
    catalogue()

    def plan(text: str) -> Any:
        return make_plan(team, PlanOrder(read_yaml(text), {"env:TOKEN": "obviously-fake-token"}))

    report: dict[str, Any] = {"monitors": monitors}
    for name, text in (("", document(monitors)), ("_tenth", document(monitors, monitors // 10))):
        say(f"planning and applying{name.replace('_', ' a ')}")
        made = _timed(report, f"plan{name}", partial(plan, text))
        _timed(report, f"apply{name}", partial(apply_plan, team, made.public_id, "bench"))
    unchanged = _timed(report, "plan_unchanged", lambda: plan(document(monitors, monitors // 10)))
    if unchanged.changes or Monitor.objects.filter(deleted_at=None).count() != monitors:
        raise CommandError("the plan after an application has changes")
    report["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return report


def _timed(report: dict[str, Any], name: str, work: Callable[[], Any]) -> Any:
    """Note what work takes (s), and the CPU of this process in it."""
    start_s, cpu_s = time.perf_counter(), time.process_time()
    found = work()
    report[f"{name}_cpu_s"] = round(time.process_time() - cpu_s, 3)
    report[f"{name}_s"] = round(time.perf_counter() - start_s, 3)
    return found
