"""Run the process that reads providers' status feeds and pings the outside heartbeat, until it is told to stop.

  manage.py witness

It decides nothing and alerts nobody: what it reads stands beside incidents that the regions have found.
VIGIL_HEALTH_PORT serves GET /healthz.
"""

from __future__ import annotations

import argparse
import asyncio

from vigil.cli.processes.process import begin


def add(parser: argparse.ArgumentParser) -> None:
    """No options: everything comes from the environment."""


def run(args: argparse.Namespace) -> int:
    health = begin("witness", stale_after_s=60)

    from vigil.witness import witness

    asyncio.run(witness(health))
    return 0
