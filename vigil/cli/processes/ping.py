"""Run the process that receives pings from jobs, until it is told to stop.

  manage.py ping --port 8001

It answers GET, HEAD and POST to /ping/<code> and /ping/<team key>/<slug>, each with /start, /fail, /log or an exit code
behind it, once a ping is written where the crash of one process cannot lose it. It starts, and goes on, while
PostgreSQL or Redis is away. More than one may run. VIGIL_HEALTH_PORT serves GET /healthz, and so does its own port.
"""

from __future__ import annotations

import argparse
import asyncio

from vigil.cli.errors import CommandError


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8001, help="port to listen on (default: 8001)")


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.port <= 65535:
        raise CommandError(f"{args.port} is no port: use 1 to 65535")

    from vigil.cli.processes.process import begin_alone

    health = begin_alone("ping", stale_after_s=15)

    import uvloop

    from vigil.configuration import configuration
    from vigil.heartbeats.receiving.service import serve

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(configuration(), args.host, args.port, health))
    except OSError as problem:
        raise CommandError(
            f"cannot listen on {args.host}:{args.port} ({problem.strerror or problem}): choose another --port"
        ) from None
    return 0
