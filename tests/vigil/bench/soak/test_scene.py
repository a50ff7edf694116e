"""The scene of a soak test."""

from __future__ import annotations

import asyncio
import socket

import pytest

from vigil.bench.soak.scene import FailingTarget
from vigil.local.servers.ports import LOOPBACK


def test_a_target_that_refuses_keeps_its_port_and_answers_there_again() -> None:
    async def refuse_and_answer() -> None:
        target = FailingTarget("t1")
        await target.open()
        try:
            await target.set("refuse")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, target.port), timeout=5)
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind((LOOPBACK, target.port))
            await target.set("")
            socket.create_connection((LOOPBACK, target.port), timeout=5).close()
        finally:
            await target.close()

    asyncio.run(refuse_and_answer())
