"""Run the process that turns verdicts into incidents and deliveries, until it is told to stop.

  manage.py ingest

More than one may run: rows are locked, and a verdict is applied once. VIGIL_HEALTH_PORT serves GET /healthz.
"""

from __future__ import annotations

import argparse

from vigil.cli.processes.process import begin, redis_client, stop_on_signals


def add(parser: argparse.ArgumentParser) -> None:
    """No options: everything comes from the environment."""


def run(args: argparse.Namespace) -> int:
    health = begin("ingest", stale_after_s=15)

    from vigil.ingest import Ingest

    Ingest(redis_client(), health).run(stop_on_signals())
    return 0
