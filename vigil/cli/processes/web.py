"""Run the process that serves pages and the API, until it is told to stop.

  manage.py web --port 8000

It listens on this machine only, unless --host says otherwise; put a proxy that speaks TLS in front of it.
"""

from __future__ import annotations

import argparse
import os
import socket

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError

THREADS = 8
BACKLOG = 256


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.port <= 65535:
        raise CommandError(f"{args.port} is no port: use 1 to 65535")
    connect()
    _check_free(args.host, args.port)
    # The server starts its worker as a new process, which reads this at import.
    os.environ["VIGIL_WEB_PARENT"] = str(os.getpid())

    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from probes.process import logs

    logs.configure("web")
    Granian(
        "vigil.wsgi:application",
        address=args.host,
        port=args.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        backlog=BACKLOG,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
        websockets=False,
    ).serve()
    return 0


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as problem:
            raise CommandError(f"cannot listen on {host}:{port} ({problem.strerror}): choose another --port") from None
