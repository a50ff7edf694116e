"""Notices to systemd (sd_notify): the process is ready, and its loops turn."""

from __future__ import annotations

import contextlib
import os
import socket

READY, TURNS = "READY=1", "WATCHDOG=1"


def notify(notice: str) -> None:
    """Send a notice where a service manager listens (NOTIFY_SOCKET); that it does not take it is no reason to end."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
    ):
        channel.setblocking(False)
        channel.sendto(notice.encode(), address.replace("@", "\0", 1))
