"""The frame of every process of the control plane: logs, health, servers awaited, signals."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping
from functools import partial

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from consensus.shards import Shard
from probes.process import logs, sentry
from probes.process.connections.clients import open_both
from probes.process.health import Health
from probes.process.watch.standstill import LoopKind
from probes.process.watch.watchdog import ONE_LOOP, Watchdog
from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.local.errors import CannotStart
from vigil.local.servers import postgres
from vigil.local.servers import redis as local_redis

#: How long the servers may take to come up beside us (s).
PATIENCE_S = 10.0
RETRY_S = 0.25


def begin(name: str, stale_after_s: float, loops: Mapping[str, LoopKind] = ONE_LOOP) -> Health:
    """Connect to the installation, wait for its servers, serve the process's health. Raises CommandError."""
    health = begin_alone(name, stale_after_s, loops)
    await_servers()
    return health


def own_shard() -> Shard:
    """The shard that this process is of, by VIGIL_SHARDS and VIGIL_SHARD."""
    connect()

    from vigil.configuration import configuration

    return configuration().own_shard


def begin_alone(name: str, stale_after_s: float, loops: Mapping[str, LoopKind] = ONE_LOOP) -> Health:
    """The same for a process that must start while its servers are away. Raises CommandError.

    A process of which one of the `loops` stands still ends.
    """
    connect()

    from vigil.configuration import configuration

    begin_reports(name)
    health = Health(name, stale_after_s=stale_after_s)
    port = configuration().health_port
    try:
        health.serve(port)
    except OSError as problem:
        raise CommandError(f"port {port} (VIGIL_HEALTH_PORT) cannot be used: {problem.strerror}") from None
    if refused := health.open_metrics(configuration().metrics_address):
        raise CommandError(refused)
    Watchdog(health, loops).start()
    return health


def begin_reports(name: str) -> None:
    """Logs of this process, and its errors to Sentry if that is configured."""
    from vigil.configuration import configuration

    logs.configure(name)
    dsn = configuration().sentry_dsn
    sentry.configure(dsn.get_secret_value() if dsn else "", name)


def await_servers(patience_s: float = PATIENCE_S) -> None:
    """Wait until PostgreSQL and Redis answer; raises CannotStart, with one line, when one of them does not.

    At the start only: a process that has been up once waits for them as long as it takes.
    """
    from vigil.configuration import configuration

    settings = configuration()
    deadline_s = time.monotonic() + patience_s
    checks = [
        partial(postgres.check_url, settings.database_url.get_secret_value()),
        partial(local_redis.check_url, settings.redis_url.get_secret_value()),
    ]
    if settings.control_redis_url is not None:
        control = settings.control_redis_url.get_secret_value()
        checks.append(partial(local_redis.check_url, control, "VIGIL_CONTROL_REDIS_URL"))
    for check in checks:
        while True:
            try:
                check()
                break
            except CannotStart:
                if time.monotonic() >= deadline_s:
                    raise
                time.sleep(RETRY_S)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    return stop


def redis_client(url: str = "") -> redis.Redis:
    """A client whose every wait has a deadline; of the Redis of all messages, unless another is named."""
    from vigil.configuration import configuration

    settings = configuration()
    return open_both(
        url or settings.redis_url.get_secret_value(),
        "" if url else settings.control_url,
        socket_timeout=5,
        socket_connect_timeout=5,
        socket_keepalive=True,
        health_check_interval=15,
        # Once more, for a connection that was closed while it was idle; ten times would take minutes.
        retry=Retry(ConstantBackoff(0.1), 1),
    )
