"""Demo director: runs the script step by step, waits for each effect, and records its time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import django
import httpx

from probes.reasons import Status
from vigil.demo.provider import Mode, ProviderState
from vigil.demo.reports import Reports
from vigil.demo.stage import INTERVAL_S, SEATS, Stage, source_address
from vigil.demo.story import AlertKind, Chapter, Mark, Seat, SeenAlert, Story
from vigil.dispatch.core.schedule import slots_ms

T = TypeVar("T")

START_DEADLINE_S = 60.0
HEALTHY_DEADLINE_S = 30.0
NOTE_DEADLINE_S = 30.0
ALERT_DEADLINE_S = 30.0
RESOLVE_DEADLINE_S = 90.0
#: Nothing more may arrive for this long after the resolve; half of the regions check again by then.
QUIET_S = 2.5
_POLL_S = 0.05
#: After the note, no page may arrive for this long.
CALM_S = 0.5
#: Time for the provider to be told before the next check.
_BLINDING_MS = 150


class CutShort(Exception):
    """An expected effect did not happen in time."""


class Director:
    """One run; `tell` is called for each event."""

    def __init__(self, stage: Stage, tell: Callable[[Mark], None], started_ms: int) -> None:
        self._stage = stage
        self._tell = tell
        self._started_ms = started_ms
        self._marks: list[Mark] = []
        self._alerts: list[SeenAlert] = []
        self._first_failure_ms = 0
        self._verdict_ms = 0
        self._monitor = ""
        self._reports = Reports(stage.installation.addresses.redis_url)

    def story(self) -> Story:
        """All events so far."""
        return Story(self._started_ms, SEATS, self._marks, self._alerts, self._first_failure_ms, self._verdict_ms)

    async def play(self) -> None:
        """Run the whole story, as far as it gets."""
        opening = asyncio.create_task(self._stage.open())
        try:
            await self._open(opening)
            await self._blind_one_region()
            await self._fail_and_alert()
            await self._recover_and_resolve()
            await opening
        except CutShort:
            with contextlib.suppress(httpx.TransportError):
                self._alerts = await self._stage.alerts()
        finally:
            opening.cancel()
            self._reports.close()

    async def _open(self, opening: asyncio.Task[None]) -> None:
        """Continue once the needed programs are ready; others start in the background."""
        await asyncio.to_thread(django.setup)
        await _while_opening(opening, self._stage.prepared())
        self._monitor = await asyncio.to_thread(self._write_scene)
        await _while_opening(opening, self._stage.playable())
        self._mark(Chapter.STARTED, f"{len(SEATS)} regions in {len({s.domain for s in SEATS})} domains are running")
        await self._until(HEALTHY_DEADLINE_S, self._everyone_passes)
        self._mark(Chapter.HEALTHY, "every region sees the provider healthy")

    def _write_scene(self) -> str:
        from vigil.demo.ledger import set_the_stage

        regions = [seat.region for seat in SEATS]
        return set_the_stage(self._stage.provider_url, self._stage.hook_url, self._stage.secret, regions)

    async def furnish(self) -> None:
        """Add monitors for who looks around after the story; nothing of it is judged."""
        from vigil.demo.ledger import set_more_on_the_stage

        regions = [seat.region for seat in SEATS]
        await asyncio.to_thread(set_more_on_the_stage, self._stage.provider_url, regions)

    async def _blind_one_region(self) -> None:
        from vigil.demo.ledger import regional_incident_ms

        blinded = next_to_look(self._monitor, _now_ms() + _BLINDING_MS)
        await self._stage.direct_provider(ProviderState(blind=[source_address(blinded)]))
        self._mark(Chapter.BLINDED, f"{blinded.region} loses its sight: every connection it makes is reset")
        await self._until(NOTE_DEADLINE_S, lambda: asyncio.to_thread(regional_incident_ms, self._monitor))
        self._mark(Chapter.NOTED, f"{blinded.region} alone fails, again and again: noted as a regional incident")
        await asyncio.sleep(CALM_S)
        self._alerts = await self._stage.alerts()
        self._mark(None, "an alert was sent, and should not have been" if self._alerts else "no one is alerted")

    async def _fail_and_alert(self) -> None:
        from vigil.demo.ledger import outage_verdict_ms

        fault_ms = _now_ms()
        await self._stage.direct_provider(ProviderState(mode=Mode.REFUSE))
        self._mark(Chapter.FAULT, "the provider refuses every connection, from everywhere", fault_ms)
        alert = await self._until(ALERT_DEADLINE_S, lambda: self._delivered(AlertKind.TRIGGER, fault_ms))
        self._first_failure_ms = await asyncio.to_thread(self._reports.first_failure_ms, self._monitor, fault_ms)
        self._verdict_ms = await asyncio.to_thread(outage_verdict_ms, self._monitor)
        if self._first_failure_ms:
            self._mark(None, "the first region sees it", self._first_failure_ms)
        if self._verdict_ms:
            self._mark(None, "the regions agree: DOWN", self._verdict_ms)
        self._mark(Chapter.ALERTED, "one alert is delivered, with the votes", alert.at_ms)

    async def _recover_and_resolve(self) -> None:
        recovery_ms = _now_ms()
        await self._stage.direct_provider(ProviderState())
        self._mark(Chapter.RECOVERY, "the provider answers again", recovery_ms)
        resolve = await self._until(RESOLVE_DEADLINE_S, lambda: self._delivered(AlertKind.RESOLVE, recovery_ms))
        self._mark(
            Chapter.RESOLVED,
            "two rounds passed, a minute after it was confirmed: one resolve is delivered",
            resolve.at_ms,
        )
        await asyncio.sleep(QUIET_S)
        self._alerts = await self._stage.alerts()
        self._mark(Chapter.QUIET, "nothing further was sent")

    async def _everyone_passes(self) -> bool:
        """Whether every region has passed a check, and the monitor is up."""
        from vigil.demo.ledger import status_of

        if not await asyncio.to_thread(self._reports.all_have_passed, self._monitor, self._started_ms):
            return False
        return await asyncio.to_thread(status_of, self._monitor) == Status.UP

    async def _delivered(self, kind: AlertKind, since_ms: int) -> SeenAlert | None:
        self._alerts = await self._stage.alerts()
        return next((alert for alert in self._alerts if alert.kind is kind and alert.at_ms >= since_ms), None)

    async def _until(self, deadline_s: float, look: Callable[[], Awaitable[T | None]]) -> T:
        """Poll for a value; raises CutShort at the deadline."""
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    found = await look()
                    if found:
                        return found
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise CutShort from None

    def _mark(self, chapter: Chapter | None, what: str, at_ms: int = 0) -> None:
        mark = Mark(at_ms or _now_ms(), what, chapter)
        self._marks.append(mark)
        self._tell(mark)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def next_to_look(monitor: str, at_ms: int) -> Seat:
    """The region whose turn comes next: blinding it keeps the story short."""
    seats = sorted(SEATS, key=lambda seat: seat.region)
    interval_ms = INTERVAL_S * 1000
    window = range(at_ms, at_ms + interval_ms)
    turns = [slots_ms(monitor, interval_ms, index, len(seats), window)[0] for index in range(len(seats))]
    return seats[turns.index(min(turns))]


async def _while_opening(opening: asyncio.Task[None], step: Coroutine[Any, Any, None]) -> None:
    """Wait for a step of the start; raises its error at once, CutShort at the deadline."""
    waiting = asyncio.create_task(step)
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            await asyncio.wait({waiting, opening}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                await opening
            await waiting
    except TimeoutError:
        raise CutShort from None
    finally:
        waiting.cancel()
