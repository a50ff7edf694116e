"""`python -m probes`: one region worker, configured by the file of its identity or by its environment."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from probes.process import logs, sentry
from probes.process.health import Health

_ABOUT = """Runs the checks of one region: takes batches from its queue, writes results to its stream.

  python -m probes enrol https://vigil.example.com CODE --run    enrol it with the code of `region add`, and run it
  python -m probes --identity FILE                               run it from the file that `enrol` wrote

Environment:
  VIGIL_REGION        name of the region, unless --region gives it
  VIGIL_REDIS_URL     where Redis is, like rediss://host:6380/0; redis:// without TLS on this machine
  VIGIL_REGION_KEY    the region's private key, as `region add` printed it
  VIGIL_CONTROL_KEYS  the control plane's public keys: orders by any other are refused
  VIGIL_EGRESS        where it may dial: public (default), private (its own network too), or
                      networks and ports like 10.0.0.0/8:443,8000-8100;[fd12::/16]:443;public
  VIGIL_PROBE_SOURCE  the address of this host to dial from
  VIGIL_SENTRY_DSN    where errors of the worker itself are reported (default: nowhere)
  VIGIL_HEALTH_PORT   port of GET /healthz and /metrics on 127.0.0.1 (default: none)
  VIGIL_METRICS_ADDRESS  where else GET /metrics is answered, like 0.0.0.0:9464 (default: nowhere)
"""
_STALE_AFTER_S = 35


def main(arguments: list[str] | None = None) -> int:
    """Run a worker until it is stopped, or enrol one; returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["enrol"]:
        from probes.enrolment.command import enrol

        return enrol(words[1:], lambda path: main(["--identity", str(path)]))
    parser = argparse.ArgumentParser(
        prog="python -m probes", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--region", help="name of the region, like eu-west")
    parser.add_argument("--identity", type=Path, help="file that `enrol` wrote, with its region, Redis and keys")
    given = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Only now, so that --help and a mistyped option answer at once.
    from probes.worker.settings import SettingsError, read

    try:
        settings = read(
            _identity(given.identity) if given.identity else {"region": given.region} if given.region else {}
        )
    except SettingsError as error:
        return _refuse(str(error), 2)
    named = os.environ.get("VIGIL_REGION")
    if given.region and named and given.region != named:
        return _refuse(f"--region {given.region} and VIGIL_REGION={named} name two regions: give one", 2)
    process = f"probe-{settings.region}"
    logs.configure(process)
    sentry.configure(settings.sentry_dsn.get_secret_value(), process)
    health = Health(process, _STALE_AFTER_S)
    try:
        health.serve(settings.health_port)
    except OSError as error:
        return _refuse(f"port {settings.health_port} cannot be served ({error.strerror}): set VIGIL_HEALTH_PORT", 2)
    if refused := health.open_metrics(settings.metrics_address):
        return _refuse(refused, 2)
    from probes.process.redis_client import RedisUnreachable
    from probes.process.watch.watchdog import Watchdog
    from probes.worker.service import LOOPS, RegionWorker

    Watchdog(health, LOOPS).start()
    try:
        return RegionWorker(settings, health).run()
    except RedisUnreachable as error:
        return _refuse(str(error), 1)


def _identity(path: Path) -> dict[str, str]:
    """The settings in the file of an enrolled worker; raises SettingsError."""
    from probes.enrolment.kept import FileUnusable, read_kept
    from probes.worker.settings import SettingsError

    try:
        kept = read_kept(path)
    except FileUnusable as error:
        raise SettingsError(str(error)) from None
    if kept is None or not kept.region:
        raise SettingsError(f"{path} holds no identity yet: run the line of `region add` first")
    found = {"region": kept.region, "redis_url": kept.redis_url, "redis_ca": kept.redis_ca, "region_key": kept.key}
    # Those of the environment too: while the control plane's key is changed, both are taken.
    known = (kept.control_keys, os.environ.get("VIGIL_CONTROL_KEYS", ""))
    return {**found, "control_keys": ",".join(one for one in known if one)}


def _refuse(problem: str, status: int) -> int:
    print(f"vigil-probe: {problem}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
