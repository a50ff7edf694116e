"""What every long-lived process of the control plane does around its loop: logs, health, signals."""

from __future__ import annotations

import signal
import threading

import redis

from probes import logs, sentry
from probes.health import Health
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError


def begin(name: str, stale_after_s: float) -> Health:
    """Connect to the installation, and serve the process's health; returns its `Health`. Raises CommandError."""
    connect()

    from vigil.configuration import configuration

    logs.configure(name)
    dsn = configuration().sentry_dsn
    sentry.configure(dsn.get_secret_value() if dsn else "", name)
    health = Health(name, stale_after_s=stale_after_s)
    port = configuration().health_port
    try:
        health.serve(port)
    except OSError as problem:
        raise CommandError(f"port {port} (VIGIL_HEALTH_PORT) cannot be used: {problem.strerror}") from None
    return health


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    return stop


def redis_client() -> redis.Redis:
    """A client whose every wait has a deadline."""
    from vigil.configuration import configuration

    return redis.Redis.from_url(
        configuration().redis_url.get_secret_value(),
        socket_timeout=5,
        socket_connect_timeout=5,
        socket_keepalive=True,
        health_check_interval=15,
    )
