"""Admission of checks: a limit of concurrent checks for each lane, and one for each target. Pure.

A target that hangs, or that very many monitors share, can take only its own part of a lane. Its checks wait for each
other and delay no other target's.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from probes.wire import Check


@dataclass(frozen=True)
class Bounds:
    """How many checks run at once in each lane, how many may wait, and how many scheduled ones run at one target."""

    scheduled: int = 1000
    confirm: int = 500
    waiting: int = 20_000
    at_target: int = 50


class Admission(StrEnum):
    """What becomes of a check that is due."""

    STARTS = "starts"
    WAITS = "waits"
    TOO_MANY_WAIT = "too_many_wait"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A check that waits; `for_target` when others at its own target stood before it."""

    check: Check
    for_target: bool = False


class Slots:
    """The slots of one lane: those taken, and the checks that wait for one.

    At most `most` run at once and `waiting` wait; of those that name the same target, `at_target` run at once. A check
    that names none is bound by the lane alone.
    """

    def __init__(self, most: int, waiting: int, at_target: int) -> None:
        self._most = most
        self._waiting_most = waiting
        self._at_target = at_target
        self._taken = 0
        self._taken_at: Counter[str] = Counter()
        self._queue: deque[Waiting] = deque()
        self._crowds: dict[str, deque[Waiting]] = {}
        self._crowded = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._queue) + self._crowded

    def admit(self, check: Check) -> Admission:
        """Take a slot for a check that is due, or let the check wait for one."""
        if self._taken < self._most and self._has_room(check.target):
            self._take(check)
            return Admission.STARTS
        if len(self) >= self._waiting_most:
            return Admission.TOO_MANY_WAIT
        self._wait(Waiting(check))
        return Admission.WAITS

    def leave(self, check: Check) -> None:
        """Free the slot of a check that has ended, or was not run after all."""
        self._taken -= 1
        if not check.target:
            return
        self._taken_at[check.target] -= 1
        if not self._taken_at[check.target]:
            del self._taken_at[check.target]
        crowd = self._crowds.get(check.target)
        if crowd:
            # It has waited already: it goes before those that came to the lane after it.
            self._queue.appendleft(crowd.popleft())
            self._crowded -= 1
            if not crowd:
                del self._crowds[check.target]

    def next(self) -> Waiting | None:
        """The check that may start now, its slot taken; None when none may."""
        while self._queue and self._taken < self._most:
            first = self._queue.popleft()
            if self._has_room(first.check.target):
                self._take(first.check)
                return first
            self._wait(first)
        return None

    def oldest_ms(self) -> int | None:
        """When the check that has waited longest for the lane was due; waits for a target do not count."""
        return self._queue[0].check.at_ms if self._queue else None

    def empty(self) -> Iterator[Check]:
        """Drop all waiting checks and yield them."""
        for crowd in (self._queue, *self._crowds.values()):
            for one in crowd:
                yield one.check
        self._queue.clear()
        self._crowds.clear()
        self._crowded = 0

    def _has_room(self, target: str) -> bool:
        return not target or self._taken_at[target] < self._at_target

    def _take(self, check: Check) -> None:
        self._taken += 1
        if check.target:
            self._taken_at[check.target] += 1

    def _wait(self, one: Waiting) -> None:
        if self._has_room(one.check.target):
            self._queue.append(one)
        else:
            self._crowds.setdefault(one.check.target, deque()).append(Waiting(one.check, for_target=True))
            self._crowded += 1
