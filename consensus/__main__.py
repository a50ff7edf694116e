"""`python3 -m consensus`: one consensus process."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

import redis
from pydantic import ValidationError

from consensus.process.service import Consensus
from consensus.process.settings import ConsensusSettings
from probes.process import sentry
from probes.process.health import Health
from probes.process.logs import configure
from probes.process.watch.watchdog import Watchdog
from probes.text import without_credentials


def main() -> int:
    """Run until SIGTERM or SIGINT; 2 when the settings are wrong."""
    argparse.ArgumentParser(
        prog="python -m consensus",
        description="Turns the regions' results into verdicts. VIGIL_REDIS_URL says where Redis is.",
    ).parse_args()
    try:
        settings = ConsensusSettings()  # type: ignore[call-arg]  # pydantic reads it from the environment
    except ValidationError as error:
        for problem in error.errors():
            name = "".join(f"VIGIL_{part}".upper() + ": " for part in problem["loc"])
            print(f"vigil-consensus: {name}{problem['msg']}", file=sys.stderr)
        return 2
    name = settings.own_shard.named("consensus")
    configure(name)
    sentry.configure(settings.sentry_dsn.get_secret_value(), name)
    health = Health(name, stale_after_s=15)
    Watchdog(health).start()
    try:
        health.serve(settings.health_port)
    except OSError as error:
        port = settings.health_port
        print(
            f"vigil-consensus: port {port} cannot be served ({error.strerror}): set VIGIL_HEALTH_PORT", file=sys.stderr
        )
        return 2
    if refused := health.open_metrics(settings.metrics_address):
        print(f"vigil-consensus: {refused}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    decider = Consensus(settings, health)
    try:
        decider.await_redis(stop)
    except redis.RedisError as error:
        why = without_credentials(str(error))
        print(f"vigil-consensus: no Redis where VIGIL_REDIS_URL says: {why}; start it or correct it", file=sys.stderr)
        return 1
    decider.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
