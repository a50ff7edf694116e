"""Rig of the scale benchmark: its load, the installation that bears it, and its simulated regions."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import redis

from vigil.bench.report import say, until
from vigil.bench.scale.regions import REPORT
from vigil.local.installation import Installation
from vigil.local.supervisor import Supervisor

SERIES = (1_000, 10_000, 100_000, 300_000)
_DEADLINE_S = 120


@dataclass(frozen=True)
class ScaleLoad:
    """Load; `interval_s` and `seconds` in seconds."""

    monitors: int
    regions: int
    interval_s: int
    seconds: int
    series: bool
    shards: int = 1
    replay: bool = False

    @property
    def steps(self) -> list[int]:
        """Numbers of monitors to measure, the requested one last."""
        smaller = SERIES if self.series and not self.replay else ()
        return [*(step for step in smaller if step < self.monitors), self.monitors]

    @property
    def region_names(self) -> list[str]:
        return [f"sim-{place}" for place in range(1, self.regions + 1)]


@dataclass
class Rig:
    """The running installation, its simulated regions, and a Redis client; `recording` is the folder of a replay."""

    installation: Installation
    regions: Supervisor
    redis: redis.Redis
    load: ScaleLoad
    recording: Path
    idle_cores: float = 0.0
    steps: list[dict[str, object]] = field(default_factory=list)

    def report(self) -> dict[str, object]:
        """What the simulated regions measured."""
        found: dict[str, object] = json.loads(self.redis.get(REPORT) or b"{}")  # type: ignore[arg-type]  # redis-py's types
        return found

    async def restart_dispatch(self) -> float:
        """Restart the dispatcher; returns the time of that (s since the epoch)."""
        supervisor = self.installation.supervisor
        old = supervisor.pid("dispatch")
        os.kill(old, signal.SIGTERM)
        await asyncio.to_thread(
            until, lambda: supervisor.pid("dispatch") not in (0, old), "no new dispatcher starts", _DEADLINE_S
        )
        return time.time()

    async def cold_dispatch(self, monitors: int) -> float:
        """Restart the dispatcher; seconds until the first second is dispatched in full."""
        began_ms = time.time() * 1000
        started_s = await self.restart_dispatch()
        expected = monitors * self.load.regions / self.load.interval_s
        found: list[int] = []

        def dispatched() -> bool:
            taken = cast(dict[str, int], self.report().get("taken", {}))
            found[:] = sorted(
                int(second)
                for second, count in taken.items()
                if int(second) * 1000 > began_ms and int(second) >= started_s and count >= 0.8 * expected
            )
            return bool(found)

        await asyncio.to_thread(until, dispatched, "no second is dispatched in full", _DEADLINE_S)
        return max(0.0, found[0] - started_s)

    async def drained_dispatch(self) -> None:
        """Restart the dispatcher for a replay, where nobody reads what it sends; wait until it sends."""
        batches = self.report().get("batches", 0)
        await self.restart_dispatch()
        await asyncio.to_thread(
            until, lambda: self.report().get("batches", 0) != batches, "nothing is dispatched", _DEADLINE_S
        )


async def wait(what: str, seconds: float) -> None:
    say(f"{what} ({seconds:.0f} s)")
    await asyncio.sleep(max(0.0, seconds))
