"""Run the process that applies pings and notices jobs that stay silent, until it is told to stop.

  manage.py heartbeats

More than one may run: pings are applied once, in their order, and a job that is late has one sweeper.
VIGIL_HEALTH_PORT serves GET /healthz.
"""

from __future__ import annotations

import argparse

from vigil.cli.processes.process import begin, redis_client, stop_on_signals


def add(parser: argparse.ArgumentParser) -> None:
    """No options: everything comes from the environment."""


def run(args: argparse.Namespace) -> int:
    health = begin("heartbeats", stale_after_s=15)

    from vigil.alerts.outbox import enqueue
    from vigil.configuration import configuration
    from vigil.heartbeats.service import HeartbeatService

    HeartbeatService(redis_client(configuration().ping_log_url), health, enqueue).run(stop_on_signals())
    return 0
