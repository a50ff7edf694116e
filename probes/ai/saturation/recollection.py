"""Recollection of monitors in one worker: the memory of each, bounded in number, size and age. Pure."""

from __future__ import annotations

from collections import OrderedDict

from probes.ai.saturation.judge import EngineMemory

#: Monitors, and engines of all of them together, that one worker keeps state of.
MONITORS_MOST, ENGINES_MOST = 10_000, 40_000
#: What is older (s), two of the longest intervals, tells nothing of now: the monitor was paused or is gone, or another
#: worker looks at it.
KEPT_S = 172_800.0


class Recollection:
    """State of each monitor; the least recently checked is dropped first."""

    def __init__(self, monitors_most: int = MONITORS_MOST, engines_most: int = ENGINES_MOST) -> None:
        self._monitors_most, self._engines_most = monitors_most, engines_most
        self._engines = 0
        self._kept: OrderedDict[tuple[str, str], EngineMemory] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, monitor: str, url: str, now_s: float) -> EngineMemory | None:
        """What is remembered of a monitor at this address; None where that is nothing, or too old."""
        memory = self._kept.get((monitor, url))
        return memory if memory is not None and now_s - memory.at_s <= KEPT_S else None

    def keep(self, monitor: str, url: str, memory: EngineMemory) -> None:
        """Remember it, and forget what is too much or too old."""
        before = self._kept.pop((monitor, url), None)
        self._engines += len(memory.standings) - (len(before.standings) if before is not None else 0)
        self._kept[monitor, url] = memory
        while len(self._kept) > 1 and self._is_too_much(memory.at_s):
            _, dropped = self._kept.popitem(last=False)
            self._engines -= len(dropped.standings)

    def _is_too_much(self, now_s: float) -> bool:
        oldest = next(iter(self._kept.values()))
        return (
            len(self._kept) > self._monitors_most or self._engines > self._engines_most or now_s - oldest.at_s > KEPT_S
        )
