"""Deadlines that share timers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from probes.net.deadlines import GRAIN_S, within


def test_what_takes_too_long_is_ended_within_a_grain(on_loop: Any) -> None:
    async def story() -> float:
        begun = time.monotonic()
        with pytest.raises(TimeoutError), within(0.2):
            await asyncio.sleep(60)
        return time.monotonic() - begun

    assert 0.19 <= on_loop(story()) < 0.2 + GRAIN_S + 0.3


def test_what_is_quick_is_left_alone_and_so_is_what_comes_after(on_loop: Any) -> None:
    async def story() -> str:
        with within(0.05):
            await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        return "undisturbed"

    assert on_loop(story()) == "undisturbed"


def test_a_thousand_of_them_each_end_their_own_task(on_loop: Any) -> None:
    async def one(number: int) -> str:
        try:
            with within(0.1 if number % 2 else 30):
                await asyncio.sleep(0.3)
        except TimeoutError:
            return "ended"
        return "done"

    async def story() -> list[str]:
        return await asyncio.gather(*(one(number) for number in range(1000)))

    assert on_loop(story()) == ["done", "ended"] * 500


def test_one_inside_another_strikes_alone(on_loop: Any) -> None:
    async def story() -> str:
        with within(30):
            try:
                with within(0.05):
                    await asyncio.sleep(60)
            except TimeoutError:
                await asyncio.sleep(0.1)
                return "the outer one goes on"
        return ""

    assert on_loop(story()) == "the outer one goes on"


def test_a_cancellation_from_outside_is_not_mistaken_for_a_deadline(on_loop: Any) -> None:
    async def waiting() -> None:
        with within(30):
            await asyncio.sleep(60)

    async def story() -> bool:
        task = asyncio.ensure_future(waiting())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait((task,))
        return task.cancelled()

    assert on_loop(story())


def test_another_error_passes_through(on_loop: Any) -> None:
    async def story() -> None:
        with within(1):
            raise KeyError("x")

    with pytest.raises(KeyError):
        on_loop(story())
