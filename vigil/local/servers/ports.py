"""Loopback ports: free ones, reserved against every other Vigil on this machine."""

from __future__ import annotations

import errno
import secrets
import socket

from vigil.local.errors import CannotStart

LOOPBACK = "127.0.0.1"
#: Below the range from which the system takes source ports, so that no outgoing connection ever takes one of ours.
_RANGE = range(20_000, 32_000)
_PREFERRED_WEB_PORT = 8000
_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def take_free_port(preferred: int = 0) -> int:
    """A free port, `preferred` when that is one; no other Vigil takes it while this process lives."""
    if preferred and is_free(preferred) and _mark(preferred):
        return preferred
    for _ in range(_TRIES):
        port = secrets.choice(_RANGE)
        if is_free(port) and _mark(port):
            return port
    raise CannotStart(f"no free port on {LOOPBACK} between {_RANGE.start} and {_RANGE.stop}: stop something and retry")


def take_web_port(asked: int, remembered: int = 0) -> int:
    """The port for people: exactly `asked` when that is not 0, else the one of last time, else 8000 or above."""
    if asked:
        if not is_free(asked):
            raise CannotStart(f"port {asked} is in use: choose another with --port, or leave it out for a free one")
        return asked
    wishes: list[int] = [remembered, *range(_PREFERRED_WEB_PORT, _PREFERRED_WEB_PORT + 100)]
    for port in wishes:
        if port and is_free(port) and _mark(port):
            return port
    return take_free_port()


def _mark(port: int) -> bool:
    """Keep a UDP socket of the same number until this process ends: a port is taken before its server listens."""
    mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        mark.bind((LOOPBACK, port))
    except OSError:
        mark.close()
        return False
    mark.detach()
    return True
