"""When a region stands in for dispatch, and when it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from probes.checks.admission import Bounds
from probes.checks.runner import Runner
from probes.results.local_store import LocalStore
from probes.wire import Batch, Check, Lane, Result
from probes.worker import autonomy
from probes.worker.autonomy import REFUSED_MOST_S, Autonomy
from tests.probes.loopback import way_out
from tests.waiting import until_async

REGION = "eu-west"
EVERY_MS = 200
Story = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence, a hundred times sooner."""
    monkeypatch.setattr(autonomy, "ALONE_AFTER_S", 0.3)
    monkeypatch.setattr(autonomy, "_TICK_S", 0.01)


class Place:
    """A region whose checks end at once, since no prober can run them, and the slots of their results."""

    def __init__(self, runner: Runner, results: list[Result], alone: Autonomy) -> None:
        self.runner, self.results, self.autonomy = runner, results, alone

    def order(self) -> None:
        now_ms = self.runner.now_ms()
        check = Check(1, "mon_a", "none", now_ms, now_ms + 100, 1_000, msgspec.Raw(b"\x80"), every_ms=EVERY_MS)
        self.autonomy.ordered(Batch(1, REGION, Lane.SCHEDULED, [check]))

    async def until(self, reached: Callable[[], object], within_s: float = 10.0) -> None:
        await until_async(reached, within_s=within_s)


@asynccontextmanager
async def region(store: LocalStore | None = None) -> AsyncIterator[Place]:
    results: list[Result] = []
    store = store or LocalStore(None)
    async with way_out() as dialer:
        runner = Runner(dialer, None, results.append, Bounds())
        alone = Autonomy(REGION, runner, store)
        await alone.recall()
        running = asyncio.ensure_future(alone.run())
        try:
            yield Place(runner, results, alone)
            assert not running.done()
        finally:
            running.cancel()


def test_silence_makes_it_go_on_and_an_order_makes_it_follow(on_loop: Story) -> None:
    async def story() -> None:
        async with region() as place:
            place.order()
            await place.until(lambda: place.autonomy.alone)
            await place.until(lambda: len(place.results) >= 3)
            slots = [result.at_ms for result in place.results]
            assert {later - earlier for earlier, later in pairwise(slots)} == {EVERY_MS}
            place.order()
            await place.until(lambda: not place.autonomy.alone)

    on_loop(story())


def test_a_sign_of_life_counts_when_it_changes(on_loop: Story) -> None:
    async def story() -> None:
        async with region() as place:
            place.autonomy.listen(b"1")
            place.order()
            deadline = time.monotonic() + 0.8
            mark = 1
            while time.monotonic() < deadline:
                mark += 1
                place.autonomy.listen(str(mark).encode())
                await asyncio.sleep(0.02)
                assert not place.autonomy.alone
            while not place.autonomy.alone:
                place.autonomy.listen(str(mark).encode())
                await asyncio.sleep(0.02)

    on_loop(story())


def test_no_sign_of_life_is_silence_and_no_dismissal(on_loop: Story) -> None:
    async def story() -> None:
        async with region() as place:
            place.autonomy.listen(b"1")
            place.order()
            place.autonomy.listen(None)
            await place.until(lambda: place.autonomy.alone)
            place.autonomy.listen(None)
            await place.until(lambda: len(place.results) >= 2)

    on_loop(story())


def refused_for_minutes(place: Autonomy) -> None:
    place.refused()
    place._refused_s = time.monotonic() - REFUSED_MOST_S
    place.refused()


ENDS = {"dismissed": lambda place: place.listen(b"1", dismissed=True), "refused": refused_for_minutes}


def test_a_refusal_that_passes_ends_nothing(on_loop: Story) -> None:
    async def story() -> None:
        async with region() as place:
            place.order()
            await place.until(lambda: place.autonomy.alone)
            for _ in range(3):
                refused_before_it_reported(place.autonomy)
                assert place.autonomy.alone
            checks = len(place.results)
            await place.until(lambda: len(place.results) >= checks + 2)

    on_loop(story())


def refused_before_it_reported(place: Autonomy) -> None:
    place.refused()
    place._refused_s = time.monotonic() - REFUSED_MOST_S
    place.reported(beside=False)
    place.refused()


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_a_region_that_is_sent_away_or_refused_stops(on_loop: Story, end: Callable[[Autonomy], None]) -> None:
    async def story() -> None:
        async with region() as place:
            place.order()
            await place.until(lambda: place.autonomy.alone)
            end(place.autonomy)
            assert not place.autonomy.alone
            checks = len(place.results)
            deadline = time.monotonic() + 4 * EVERY_MS / 1000
            while time.monotonic() < deadline:
                await asyncio.sleep(0.02)
                assert not place.autonomy.alone
            # What was about to start when it stopped.
            assert len(place.results) <= checks + 3
            place.order()
            await place.until(lambda: place.autonomy.alone)

    on_loop(story())


def test_a_worker_that_is_stopped_while_it_is_alone_starts_no_slot_more_and_ends(on_loop: Story) -> None:
    async def story() -> None:
        async with region() as place, asyncio.timeout(20):
            place.order()
            await place.until(lambda: place.autonomy.alone and place.results)
            place.autonomy.stop()
            await place.runner.drain(3)
            looked, turns = len(place.results), []
            place.autonomy.turned = lambda: turns.append(1)
            await place.until(lambda: len(turns) * 0.01 > 2 * EVERY_MS / 1000)
            assert len(place.results) == looked
            assert "the worker is stopping" not in {result.detail for result in place.results}

    on_loop(story())


def test_a_worker_after_it_goes_on_at_once_when_it_finds_nobody(on_loop: Story, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    async def first() -> None:
        store = LocalStore(path)
        async with region(store) as place:
            place.order()
            await place.until(lambda: place.autonomy.alone)
            await place.autonomy.remember()
        store.close()

    async def second() -> None:
        store = LocalStore(path)
        async with region(store) as place:
            place.autonomy.begin_alone()
            await place.until(lambda: len(place.results) >= 2)
        store.close()

    on_loop(first())
    on_loop(second())


def test_a_worker_after_one_that_was_dismissed_has_nothing_to_go_on_with(on_loop: Story, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    async def story() -> None:
        store = LocalStore(path)
        async with region(store) as place:
            place.order()
            await place.autonomy.remember()
            place.autonomy.listen(None, dismissed=True)
            await place.autonomy.remember()
        store.close()
        assert LocalStore(path).remembered().orders == []

    on_loop(story())


def test_after_seven_days_it_stops(on_loop: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autonomy, "STANDING_MOST_MS", 1_000)

    async def story() -> None:
        async with region() as place:
            place.order()
            await place.until(lambda: place.autonomy.alone)
            await place.until(lambda: not place.autonomy.alone)
            assert place.results

    on_loop(story())


def test_a_step_of_the_clock_moves_no_slot(on_loop: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with region() as place:
            place.order()
            await place.until(lambda: len(place.results) >= 2)
            real = time.time
            monkeypatch.setattr(time, "time", lambda: real() - 3_600)
            seen = len(place.results)
            await place.until(lambda: len(place.results) >= seen + 3, within_s=3)
            monkeypatch.undo()
            slots = [result.at_ms for result in place.results]
            assert all((later - slots[0]) % EVERY_MS == 0 for later in slots)

    on_loop(story())


def test_a_disk_that_does_not_answer_holds_up_no_slot(on_loop: Story, tmp_path: Path) -> None:
    async def story() -> None:
        store = LocalStore(tmp_path / "store.sqlite")
        async with region(store) as place:
            place.order()
            await place.until(lambda: place.autonomy.alone)
            with store._lock:
                memory = asyncio.ensure_future(place.autonomy.remember())
                seen = len(place.results)
                await place.until(lambda: len(place.results) >= seen + 4, within_s=3)
                assert not memory.done()
            await memory

    on_loop(story())


def test_without_orders_there_is_nothing_to_go_on_with(on_loop: Story) -> None:
    async def story() -> None:
        async with region() as place:
            place.autonomy.begin_alone()
            await asyncio.sleep(0.1)
            assert not place.autonomy.alone

    on_loop(story())


def test_what_another_worker_of_the_region_was_ordered_last_is_left_to_it_while_that_is_there(
    on_loop: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.worker.standing_orders._ORDERED_MS", 0)
    monkeypatch.setattr(autonomy, "_BESIDE_S", 0.5)

    async def story() -> None:
        async with region() as place:
            place.order()
            place.autonomy.reported(beside=True)
            # Its next slot went to the other: a mark of dispatch came after it, and no order.
            await asyncio.sleep(EVERY_MS / 1000 + 0.05)
            place.autonomy.listen(b"1")
            place.autonomy.listen(b"2")
            await place.until(lambda: place.autonomy.alone)
            assert [result for result in place.results if result.at_ms > place.runner.now_ms() - EVERY_MS] == []
            await asyncio.sleep(0.6)
            place.autonomy.reported(beside=False)
            await place.until(lambda: place.results)

    on_loop(story())
