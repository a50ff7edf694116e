"""How long the control plane has been silent, counted by the one who listens, and what to say of it. Pure.

A mark that has changed is a sign of life; what it says is of no interest, since clocks differ. Marks and times may be
remembered across a restart, so that silence goes on counting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

#: Nobody is called silent before we have listened for this long ourselves.
LISTEN_S = 5.0
#: A longer pause between two looks is our own, and nobody else's silence.
OWN_PAUSE_S = 30.0


class AlarmEvent(Enum):
    """What a region has to tell its operator."""

    SILENT = "silent"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Where a region tells that the control plane is silent. `plain` sends text, as ntfy wants it, instead of JSON."""

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
    """Listens to parts; all times are seconds on one clock of the caller's."""

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
        """What is to be said now: once that it is silent, and once that all of it has been heard again."""
        silent = self.silent(now_s)
        if self.raised_s is None:
            return AlarmEvent.SILENT if silent else None
        return AlarmEvent.BACK if not silent and self._heard_now == self._heard_s.keys() else None

    def said(self, what: AlarmEvent, now_s: float) -> None:
        """It was told, and somebody accepted it."""
        self.raised_s = min(self._heard_s.values()) if what is AlarmEvent.SILENT else None
        self._heard_now.clear()

    def longest_s(self, now_s: float) -> float:
        return now_s - min(self._heard_s.values())

    def memory(self) -> SilenceMemory:
        return SilenceMemory(dict(self._marks), dict(self._heard_s), self.raised_s)
