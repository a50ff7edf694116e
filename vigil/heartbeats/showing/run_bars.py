"""Run bars: geometry of past runs on their schedule, for an SVG of fixed height. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vigil.heartbeats.core.run_history import PastRun, RunOutcome, RunSlot
from vigil.heartbeats.core.schedule import length_in_words

#: Slots drawn, the newest ones; of a narrow screen the first are cut off.
SLOTS_MOST = 40
WIDTH, HEIGHT, TOP = 720, 120, 20
_BASE, _SLOT = HEIGHT - 2, WIDTH // SLOTS_MOST
#: A call without a start has no length: its bar is a stub.
_STUB, _LEAST = 24.0, 4.0
_SHAPE = 12
_WORDS = {
    RunOutcome.WELL: "on time",
    RunOutcome.LATE: "late",
    RunOutcome.FAILED: "failed",
    RunOutcome.RUNNING: "running",
    RunOutcome.MISSED: "missed",
}
_STATES = {RunOutcome.LATE: "degraded", RunOutcome.FAILED: "down", RunOutcome.MISSED: "down"}


@dataclass(frozen=True, slots=True)
class RunBar:
    """One run as a rectangle; `outcome` is its class, `note` its words."""

    x: float
    y: float
    width: float
    height: float
    outcome: str
    note: str


@dataclass(frozen=True, slots=True)
class RunShape:
    """A state's shape above a bar, or at the foot of a gap."""

    x: float
    y: float
    state: str


@dataclass(frozen=True, slots=True)
class RunBars:
    """A drawing of runs: `label` sums it up, `longest` is the height of the highest bar in words."""

    label: str
    bars: Sequence[RunBar]
    shapes: Sequence[RunShape]
    longest: str
    begins: datetime | None
    overlapping: int

    @property
    def frame(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"


def run_bars(slots: Sequence[RunSlot]) -> RunBars:
    """Draw the newest slots, oldest first; the newest stands at the end."""
    shown = slots[-SLOTS_MOST:]
    took = [run.took for slot in shown for run in slot.runs if run.took is not None]
    longest = max(took, default=timedelta())
    bars: list[RunBar] = []
    shapes: list[RunShape] = []
    left = WIDTH - len(shown) * _SLOT
    for place, slot in enumerate(shown):
        x = left + place * _SLOT
        bars += _bars(slot, x, longest)
        state = _STATES.get(slot.outcome)
        if state is not None:
            y = _BASE - _SHAPE if slot.outcome is RunOutcome.MISSED else 2
            shapes.append(RunShape(x + (_SLOT - _SHAPE) / 2, y, state))
    begins = shown[0].expected or shown[0].runs[0].arrived if shown else None
    overlapping = sum(run.overlaps for slot in shown for run in slot.runs)
    words = length_in_words(longest) if took else ""
    return RunBars(_label(shown, overlapping), bars, shapes, words, begins, overlapping)


def slot_letters(slots: Sequence[RunSlot], most: int) -> str:
    """The newest slots as runs of a strip: `20u1d3u`."""
    letters = {RunOutcome.LATE: "g", RunOutcome.FAILED: "d", RunOutcome.MISSED: "d"}
    found: list[tuple[str, int]] = []
    for slot in slots[-most:]:
        letter = letters.get(slot.outcome, "u")
        if found and found[-1][0] == letter:
            found[-1] = (letter, found[-1][1] + 1)
        else:
            found.append((letter, 1))
    return "".join(f"{count}{letter}" for letter, count in found)


def summary(slots: Sequence[RunSlot]) -> str:
    """Outcomes in words: `21 on time, 2 late, 1 failed`."""
    counts = Counter(slot.outcome for slot in slots)
    return ", ".join(f"{counts[outcome]} {_WORDS[outcome]}" for outcome in RunOutcome if counts[outcome])


def _label(slots: Sequence[RunSlot], overlapping: int) -> str:
    if not slots:
        return "No run yet"
    also = f"; {overlapping} overlapped the run before" if overlapping else ""
    span = "The last time" if len(slots) == 1 else f"Last {len(slots)} times"
    return f"{span}: {summary(slots)}{also}"


def _bars(slot: RunSlot, x: float, longest: timedelta) -> list[RunBar]:
    count = max(1, len(slot.runs))
    width = (_SLOT - 4) / count
    found = []
    for place, run in enumerate(slot.runs):
        height = _height(run, longest)
        left = x + 2 + place * width
        found.append(
            RunBar(round(left, 1), round(_BASE - height, 1), round(width - (count > 1), 1), round(height, 1),
                   _outcome(slot, run), _note(slot, run))
        )  # fmt: skip
    return found


def _outcome(slot: RunSlot, run: PastRun) -> str:
    if run.failed:
        return RunOutcome.FAILED.value
    if run.running:
        return RunOutcome.RUNNING.value
    return RunOutcome.LATE.value if slot.lateness and run is slot.runs[0] else RunOutcome.WELL.value


def _height(run: PastRun, longest: timedelta) -> float:
    if run.took is None or not longest:
        return _STUB
    return max(_LEAST, (_BASE - TOP) * (run.took / longest))


def _note(slot: RunSlot, run: PastRun) -> str:
    parts = [f"{run.at:%d %b %H:%M:%S} UTC", _WORDS[RunOutcome(_outcome(slot, run))]]
    if run.took is not None:
        parts.append(f"{'runs for' if run.running else 'took'} {length_in_words(run.took)}")
    if slot.lateness and run is slot.runs[0]:
        parts.append(f"{length_in_words(slot.lateness)} after its time")
    if run.overlaps:
        parts.append("overlapped the run before")
    return ", ".join(parts)
