"""Delivery benchmark: deliveries a second on one core, delay to acceptance, messages in a storm.

  manage.py bench deliver --json
  manage.py bench deliver --deliveries 20000 --storm 10000

A real `manage.py run deliver`, bound to one core, on a PostgreSQL of its own that commits durably, sends signed
webhooks (for throughput, each incident on its own) and then a storm to a webhook, to Slack and to PagerDuty, all
played by a local receiver. Nothing leaves the machine.

deliveries_per_s           accepted by the receiver, from the commit that made them all due until the last one
trigger_to_accepted_p99_s  of 100 incidents that open in the same moment, each on a host of its own, on every channel
storm_messages             the most messages that any channel got for the beginnings of the storm
storm_incidents_named      how many of the storm's incidents every channel has named
others_delayed_s           how much longer than without it a good channel's message took beside one that hangs
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

from vigil.bench.database import own_database
from vigil.bench.report import print_report
from vigil.cli.errors import CommandError

#: Budgets: minimum for the first and the named, maximum for the others.
BUDGETS = {
    "deliveries_per_s": 1_000,
    "trigger_to_accepted_p99_s": 1.0,
    "storm_messages": 20,
    "others_delayed_s": 1.0,
}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--deliveries", type=int, default=20_000, help="for the throughput (default 20000)")
    parser.add_argument("--storm", type=int, default=10_000, help="incidents of the storm (default 10000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not (100 <= args.deliveries <= 500_000 and 100 <= args.storm <= 50_000):
        raise CommandError("--deliveries is 100 to 500000, --storm 100 to 50000")
    with own_database(VIGIL_ALERT_EGRESS="private"):
        from vigil.bench.deliver.rig import measure

        report = measure(args.deliveries, args.storm, sender)
    print_report(report, args.json, BUDGETS)
    return 0


@contextlib.contextmanager
def sender() -> Iterator[int]:
    """Start a real `deliver` on one core; returns its process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vigil.cli", "run", "deliver"],
        env={**os.environ, "VIGIL_HEALTH_PORT": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process.pid, {cores[-1]})
    try:
        yield process.pid
        if process.poll() is not None:
            raise CommandError(f"the sender ended with {process.returncode}")
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait(5)
