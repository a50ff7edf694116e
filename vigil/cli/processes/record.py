"""Run the process that records what the regions saw, until it is told to stop.

  manage.py record

Results go into packed history within 20 s, are packed once their hour is over, and rolled up once their day is; what
is past its retention is dropped by the partition. A second one waits and takes over within seconds. VIGIL_HEALTH_PORT
serves GET /healthz.
"""

from __future__ import annotations

import argparse

from vigil.cli.processes.process import begin, redis_client, stop_on_signals


def add(parser: argparse.ArgumentParser) -> None:
    """No options: everything comes from the environment."""


def run(args: argparse.Namespace) -> int:
    health = begin("record", stale_after_s=60)

    from vigil.alerts.outbox import enqueue
    from vigil.history.recording.service import Recorder

    Recorder(redis_client(), health, enqueue=enqueue).run(stop_on_signals())
    return 0
