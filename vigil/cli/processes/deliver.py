"""Run the process that delivers alerts to channels, until it is told to stop.

  manage.py deliver

More than one may run: each claims its own deliveries. VIGIL_HEALTH_PORT serves GET /healthz.
"""

from __future__ import annotations

import argparse

import uvloop

from probes.process.health import Health
from probes.process.liveness import LivenessReporter
from vigil.cli.processes.process import begin, redis_client


def add(parser: argparse.ArgumentParser) -> None:
    """No options: everything comes from the environment."""


def run(args: argparse.Namespace) -> int:
    health = begin("deliver", stale_after_s=30)

    from vigil.alerts.crashpoints import arm_from_environment
    from vigil.alerts.delivery.service import deliver

    arm_from_environment()
    LivenessReporter(redis_client(), "deliver", lambda: _is_well(health)).start()
    uvloop.run(deliver(health))
    return 0


def _is_well(health: Health) -> bool:
    """Whether the loop turns and reaches its outbox."""
    healthy, report = health.report()
    facts = report["facts"]
    return healthy and not (isinstance(facts, dict) and facts.get("database") is False)
