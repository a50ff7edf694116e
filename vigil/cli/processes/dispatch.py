"""Run the process that sends checks to the regions and opens rounds, until it is told to stop.

  manage.py dispatch

More than one may run: one leads, the others stand by and take over within 13 s. VIGIL_HEALTH_PORT serves
GET /healthz.
"""

from __future__ import annotations

import argparse

from vigil.cli.processes.process import begin, redis_client, stop_on_signals


def add(parser: argparse.ArgumentParser) -> None:
    """No options: everything comes from the environment."""


def run(args: argparse.Namespace) -> int:
    health = begin("dispatch", stale_after_s=15)

    from probes.queue.sender import RegionQueues
    from vigil.configuration import configuration
    from vigil.dispatch.bus import Bus
    from vigil.dispatch.service import Dispatcher
    from vigil.dispatch.watch import Watch

    queues = RegionQueues(configuration().redis_url.get_secret_value())
    Dispatcher(Bus(redis_client(), queues), Watch(), health).run(stop_on_signals())
    return 0
