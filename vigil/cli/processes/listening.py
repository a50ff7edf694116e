"""What processes that listen share: a free address, enough files, and fewer lines about strangers' requests."""

from __future__ import annotations

import logging
import resource
import socket

from vigil.cli.errors import CommandError

#: Django's loggers that would tell of each 4xx, which a stranger may cause: a line for each would fill the disk.
QUIET_LOGS = {"django.request": logging.ERROR, "django.security": logging.CRITICAL}


def name_route(record: logging.LogRecord) -> bool:
    """Let a line of Django about a failed request name its route: a path may hold a team's key, or that of a link."""
    match = getattr(getattr(record, "request", None), "resolver_match", None)
    route = f"/{match.route}" if match is not None else "/..."
    if isinstance(record.args, tuple):
        record.args = tuple(route if isinstance(one, str) and one.startswith("/") else one for one in record.args)
    return True


def allow_files(connections: int) -> None:
    """Raise the soft limit of open files, as far as the hard one lets, so that all these connections have one each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 1_024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as problem:
            raise cannot_listen(host, port, problem, ": choose another --port") from None


def cannot_listen(host: str, port: int, problem: OSError, advice: str = "") -> CommandError:
    return CommandError(f"cannot listen on {host}:{port} ({problem.strerror or problem}){advice}")
