"""Detection of a silent control plane, from the marks that its parts write. Pure.

A mark that has changed is a sign of life; its value means nothing, since clocks differ. Marks and times may be kept
across a restart, so that the silence goes on counting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

#: No part counts as silent before this listener has listened for this long.
LISTEN_S = 5.0
#: A longer pause between two looks is this process's own pause, and no silence of the control plane.
OWN_PAUSE_S = 30.0


class AlarmEvent(Enum):
    """What a region reports to its operator."""

    SILENT = "silent"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Where a region reports a silent control plane. `plain` sends text, as ntfy wants it, instead of JSON."""

    region: str
    url: str
    after_s: float
    memory: Path
    plain: bool = False


@dataclass(frozen=True, slots=True)
class SilenceMemory:
    """What is kept across a restart: the last mark of each part and when it was heard (s), and an alarm that is out."""

    marks: Mapping[str, str]
    heard_s: Mapping[str, float]
    raised_s: float | None = None


NOTHING = SilenceMemory({}, {})


class ControlPlaneSilence:
    """Listens to parts; all times are seconds on one clock of the caller."""

    def __init__(self, parts: Sequence[str], after_s: float, memory: SilenceMemory, now_s: float) -> None:
        self._after_s = after_s
        self._marks = dict(memory.marks)
        self._heard_s = {part: min(now_s, memory.heard_s.get(part, now_s)) for part in parts}
        self._heard_now: set[str] = set()
        self._begun_s = self._looked_s = now_s
        self.raised_s = memory.raised_s

    def hear(self, marks: Mapping[str, str], now_s: float) -> None:
        """Take what is there now; empty when nothing can be read."""
        if now_s - self._looked_s > OWN_PAUSE_S:
            self._heard_s = dict.fromkeys(self._heard_s, now_s)
            self._begun_s = now_s
        self._looked_s = now_s
        for part in self._heard_s:
            mark = marks.get(part)
            if mark is None:
                continue
            if part in self._marks and self._marks[part] != mark:
                self._heard_s[part] = now_s
                self._heard_now.add(part)
            self._marks[part] = mark

    def silent(self, now_s: float) -> tuple[str, ...]:
        """The parts that were not heard for too long."""
        if now_s - self._begun_s < LISTEN_S and now_s - self._begun_s < self._after_s:
            return ()
        return tuple(part for part, heard_s in self._heard_s.items() if now_s - heard_s >= self._after_s)

    def due(self, now_s: float) -> AlarmEvent | None:
        """What to report now: once that a part is silent, and once that all parts are heard again."""
        silent = self.silent(now_s)
        if self.raised_s is None:
            return AlarmEvent.SILENT if silent else None
        return AlarmEvent.BACK if not silent and self._heard_now == self._heard_s.keys() else None

    def said(self, what: AlarmEvent, now_s: float) -> None:
        """The report was accepted."""
        self.raised_s = min(self._heard_s.values()) if what is AlarmEvent.SILENT else None
        self._heard_now.clear()

    def longest_s(self, now_s: float) -> float:
        return now_s - min(self._heard_s.values())

    def memory(self) -> SilenceMemory:
        return SilenceMemory(dict(self._marks), dict(self._heard_s), self.raised_s)
