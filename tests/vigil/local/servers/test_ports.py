"""Ports are chosen free, and differ between programs that choose at the same time."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from vigil.local.errors import CannotStart
from vigil.local.servers import ports


def test_a_port_in_use_is_refused_when_it_was_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CannotStart, match=f"port {port} is in use: choose another with --port"):
            ports.take_web_port(port)


def test_a_port_in_use_is_passed_over_when_it_was_only_preferred() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ports.take_free_port(port) != port


def test_two_programs_that_choose_before_either_listens_get_different_ports() -> None:
    ours = ports.take_free_port()
    code = f"from vigil.local.servers import ports; print(ports.take_free_port({ours}))"
    theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert int(theirs.stdout) != ours
