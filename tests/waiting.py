"""Waiting for a condition in tests: polls until it holds, fails the test with what it waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

WITHIN_S = 20.0


def until(condition: Callable[[], object], what: str = "the condition", within_s: float = WITHIN_S) -> None:
    """Block until `condition` holds; fails after `within_s`."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        time.sleep(0.02)


async def until_async(condition: Callable[[], object], what: str = "the condition", within_s: float = WITHIN_S) -> None:
    """The same on an event loop, which goes on meanwhile."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        await asyncio.sleep(0.01)


async def until_awaited(condition: Callable[[], Awaitable[object]], what: str, within_s: float = WITHIN_S) -> None:
    """The same for a condition that is awaited, such as what a server says."""
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        await asyncio.sleep(0.25)
