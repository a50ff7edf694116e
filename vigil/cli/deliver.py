"""Run the process that delivers alerts to channels, until it is told to stop.

  manage.py deliver

More than one may run: each claims its own deliveries. VIGIL_HEALTH_PORT serves GET /healthz.
"""

from __future__ import annotations

import argparse
import asyncio

from vigil.cli.process import begin


def add(parser: argparse.ArgumentParser) -> None:
    """No options: everything comes from the environment."""


def run(args: argparse.Namespace) -> int:
    health = begin("deliver", stale_after_s=30)

    from vigil.alerts.deliver import deliver

    asyncio.run(deliver(health))
    return 0
