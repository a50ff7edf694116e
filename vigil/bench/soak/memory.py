"""Memory sampler: resident memory of each process every 30 s, and the ends of processes that nobody ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from vigil.bench.soak.slopes import MemorySample

EVERY_S, _LOOK_S = 30.0, 2.0
_PROC = Path("/proc")
#: Steps end by themselves.
_STEPS = ("prepare",)


class Watcher:
    """Looks at the processes that `pids` names; `harmed` holds each pid that a nemesis killed or paused."""

    def __init__(self, pids: Callable[[], dict[str, int]], doing: Callable[[], str]) -> None:
        self._pids, self._doing = pids, doing
        self.samples: list[MemorySample] = []
        self.harmed: set[int] = set()
        #: A line for each end that nobody asked for, with what was being done at the time.
        self.ended: list[str] = []
        self._seen: dict[str, int] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        next_s = 0.0
        while True:
            pids = {name: pid for name, pid in self._pids().items() if name not in _STEPS}
            self._note_ends(pids)
            if time.monotonic() >= next_s:
                next_s = time.monotonic() + EVERY_S
                self._sample(pids)
            await asyncio.sleep(_LOOK_S)

    def _note_ends(self, pids: dict[str, int]) -> None:
        for name, pid in self._seen.items():
            if pids.get(name) != pid and pid not in self.harmed:
                self.harmed.add(pid)
                self.ended.append(f"{name} ended by itself: {self._doing()}")
        self._seen |= pids

    def _sample(self, pids: dict[str, int]) -> None:
        now_s = time.monotonic()
        for name, pid in pids.items():
            kib = resident_kib(pid)
            if kib:
                self.samples.append(MemorySample(name, str(pid), now_s, kib))


def resident_kib(pid: int) -> int:
    """Resident memory of a process; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
