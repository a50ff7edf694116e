"""What each kind of nemesis does to a running installation, and how what has a length ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import redis.asyncio as redis

from vigil.bench.report import say
from vigil.bench.soak.far_region import FarRegion
from vigil.bench.soak.installation import HarmedInstallation
from vigil.bench.soak.memory import Watcher
from vigil.bench.soak.nemeses import CONTROL_PLANE, NemesisKind, PlannedNemesis
from vigil.bench.soak.poison import POISONS, Thief

#: The same poison is written again so often (s).
_AGAIN_S = 1.0


@dataclass(slots=True)
class NemesisActs:
    """Does what is planned. `doing` says what is done now; `poisoned_s` are the times, wall clock, of poison.

    `failed` says what could not be done, and why: such a run shows less than it says.
    """

    installation: HarmedInstallation
    regions: Mapping[str, FarRegion]
    thief: Thief | None = None
    done: Counter[str] = field(default_factory=Counter)
    poisoned_s: list[tuple[float, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    doing: str = "nothing is done yet"
    watcher: Watcher = field(init=False)

    def __post_init__(self) -> None:
        self.watcher = Watcher(self.pids, lambda: self.doing)

    def pids(self) -> dict[str, int]:
        """All processes that are watched, by name."""
        far = {f"worker-{name}": pid for name, region in self.regions.items() if (pid := region.pid)}
        return self.installation.pids() | far

    def kill(self, name: str) -> bool:
        """SIGKILL a process; False while it has none."""
        return self._send(name, signal.SIGKILL) is not None

    async def attempt(self, nemesis: PlannedNemesis) -> None:
        """Do it, and keep why where that fails: a bench at fault must not take the report of its hours along."""
        (fault,) = await asyncio.gather(self.do(nemesis), return_exceptions=True)
        if fault is not None:
            self.failed.append(f"{self.doing}: {fault!r}")

    async def do(self, nemesis: PlannedNemesis) -> None:
        """Do what a nemesis says, and undo what has a length."""
        amount = f" {nemesis.amount_s:+.1f} s" if nemesis.amount_s else ""
        self.doing = f"{nemesis.kind} {' '.join(nemesis.victims)}{amount} at {nemesis.at_s:.0f} s"
        say(f"{self.doing}, for {nemesis.length_s:.0f} s" if nemesis.length_s else self.doing)
        self.done[nemesis.kind] += 1
        match nemesis.kind:
            case NemesisKind.KILL:
                for name in nemesis.victims:
                    self.kill(name)
            case NemesisKind.PAUSE:
                await self._pause(nemesis)
            case NemesisKind.FLUSHALL:
                await asyncio.to_thread(self.installation.flush)
            case NemesisKind.KILL_ALL:
                self.watcher.harmed |= set(self.installation.pids().values())
                await asyncio.to_thread(self.installation.kill_all)
            case NemesisKind.RESTART_POSTGRES:
                # Its "fast shutdown": sessions are ended, and all is written.
                self._send("postgres", signal.SIGINT)
            case NemesisKind.FILL_DISK:
                await self._fill(nemesis.length_s)
            case NemesisKind.POISON:
                await self._poison(nemesis)
            case NemesisKind.CLOCK_STEP if CONTROL_PLANE in nemesis.victims:
                self.installation.step_clock(nemesis.amount_s)
                await asyncio.sleep(nemesis.length_s)
                self.installation.step_clock(0.0)
            case _:
                await self._harm_regions(nemesis)

    def _send(self, name: str, number: signal.Signals) -> int | None:
        pid = self.pids().get(name)
        if pid is not None:
            self.watcher.harmed.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pid

    async def _pause(self, nemesis: PlannedNemesis) -> None:
        pid = self._send(nemesis.victims[0], signal.SIGSTOP)
        await asyncio.sleep(nemesis.length_s)
        # Its supervisor may have ended it long ago.
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, signal.SIGCONT)

    async def _fill(self, length_s: float) -> None:
        # In a thread, or the targets of the run would hang meanwhile.
        await asyncio.to_thread(self.installation.fill_disk)
        try:
            await asyncio.sleep(length_s)
        finally:
            await asyncio.to_thread(self.installation.free_disk)

    async def _harm_regions(self, nemesis: PlannedNemesis) -> None:
        harmed = [self.regions[name] for name in nemesis.victims]
        for region in harmed:
            match nemesis.kind:
                case NemesisKind.PARTITION:
                    region.link.cut()
                case NemesisKind.DELAY:
                    region.link.delay_s = nemesis.amount_s
                case NemesisKind.CLOCK_STEP:
                    region.step_clock(nemesis.amount_s)
        await asyncio.sleep(nemesis.length_s)
        for region in harmed:
            region.link.mend()
            region.link.delay_s = 0.0
            region.step_clock(0.0)

    async def _poison(self, nemesis: PlannedNemesis) -> None:
        assert self.thief is not None, "planned for thieves only"
        began_s, write = time.time(), POISONS[nemesis.victims[0]]
        while time.time() < began_s + nemesis.length_s:
            # A Redis that is away now takes no poison.
            with contextlib.suppress(redis.RedisError):
                await write(self.thief)
            await asyncio.sleep(_AGAIN_S)
        self.poisoned_s.append((began_s, time.time()))
