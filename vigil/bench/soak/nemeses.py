"""Nemeses: what is done to a running installation, when, and to which part, by a seed. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class NemesisKind(StrEnum):
    """What is done."""

    KILL = "kill"
    PAUSE = "pause"
    FLUSHALL = "flushall"
    KILL_ALL = "kill_all"
    RESTART_POSTGRES = "restart_postgres"
    FILL_DISK = "fill_disk"
    PARTITION = "partition"
    DELAY = "delay"
    CLOCK_STEP = "clock_step"
    POISON = "poison"


@dataclass(frozen=True, slots=True)
class PlannedNemesis:
    """What is done at a time (s after the start), to these victims, for some seconds where it has a length.

    `amount_s` is what a delay adds each way, and what a clock is stepped by.
    """

    at_s: float
    kind: NemesisKind
    victims: tuple[str, ...] = ()
    length_s: float = 0.0
    amount_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Victims:
    """What can be harmed: processes of `up`, far regions, kinds of poison, and a disk that may be filled."""

    processes: Sequence[str]
    regions: Sequence[str] = ()
    poisons: Sequence[str] = ()
    can_fill: bool = False


#: The victim of a clock step that is all processes of `up`, without PostgreSQL and Redis.
CONTROL_PLANE = "control-plane"
#: How often each is drawn; two at once are kills.
_WEIGHTS: Mapping[NemesisKind, int] = {
    NemesisKind.KILL: 50,
    NemesisKind.PAUSE: 20,
    NemesisKind.FLUSHALL: 8,
    NemesisKind.KILL_ALL: 5,
    NemesisKind.RESTART_POSTGRES: 5,
    NemesisKind.FILL_DISK: 5,
    NemesisKind.PARTITION: 8,
    NemesisKind.DELAY: 6,
    NemesisKind.CLOCK_STEP: 8,
    NemesisKind.POISON: 10,
}
_TWO_AT_ONCE = 0.2
_LENGTH_S = {
    NemesisKind.PAUSE: (5.0, 20.0),
    NemesisKind.FILL_DISK: (5.0, 10.0),
    NemesisKind.PARTITION: (10.0, 40.0),
    NemesisKind.DELAY: (15.0, 40.0),
    NemesisKind.CLOCK_STEP: (20.0, 60.0),
    NemesisKind.POISON: (8.0, 16.0),
}
_DELAY_S, _STEP_S = (0.1, 0.6), (1.0, 900.0)
#: Between two nemeses (s); after a kill of all, the installation has to start first.
_EVERY_S, _EVERY_LONG_S = (5.0, 15.0), (15.0, 40.0)
_START_S = 20.0
#: The sender is killed at every fourth receipt, but not sooner than this after the last (s): what lives for two seconds
#: is started again at once.
KILL_AT_EVERY, KILLS_APART_S = 4, 5.0
#: A Redis that could not write takes its time to write again, so a disk is not filled again before (s).
_REFILL_S = 120.0
#: From this length on, a run has shifts of about this length (s). In each, half of the processes are spared, so that
#: they live for long enough to show how their memory grows; all of them are killed where one shift follows another.
LONG_S, _SHIFT_S = 1_800.0, 3_000.0


@dataclass(slots=True)
class KillAtReceipt:
    """Which receipts the sender is killed at, before it knows that they were accepted.

    A kill leaves the messages in flight to be sent again, and their receipts count too. Without the pause they alone
    bring the next kill, for ever: each life ends before it notes anything, and the supervisor waits longer and longer.
    """

    last_s: float = -math.inf

    def is_due(self, number: int, at_s: float) -> bool:
        """Whether to kill at this receipt, of so many until now."""
        if number % KILL_AT_EVERY or at_s - self.last_s < KILLS_APART_S:
            return False
        self.last_s = at_s
        return True


def plan(seed: int, seconds: float, victims: Victims) -> list[PlannedNemesis]:
    """The nemeses of a run: the same for the same arguments, whatever the machine."""
    chance = random.Random(seed)
    shifts = _shifts(seconds, victims, chance)
    shift_s = seconds / len(shifts)
    kinds = _possible(victims)
    every_s = _EVERY_LONG_S if seconds >= LONG_S else _EVERY_S
    if seconds >= LONG_S:
        del kinds[NemesisKind.KILL_ALL]
    found: list[PlannedNemesis] = []
    at_s, shift = chance.uniform(*every_s), 0
    while at_s < seconds:
        if int(at_s // shift_s) > shift:
            shift, kind = shift + 1, NemesisKind.KILL_ALL
        else:
            kind = chance.choices(list(kinds), list(kinds.values()))[0]
        filled = any(one.kind is NemesisKind.FILL_DISK for one in found if one.at_s > at_s - _REFILL_S)
        if (kind is NemesisKind.RESTART_POSTGRES and "postgres" not in shifts[shift]) or (
            kind is NemesisKind.FILL_DISK and filled
        ):
            continue
        found.append(_nemesis(at_s, kind, shifts[shift], victims, chance))
        at_s += chance.uniform(*every_s) + found[-1].length_s + (_START_S if kind is NemesisKind.KILL_ALL else 0)
    return found


def harmed_at(seed: int, seconds: float, victims: Victims, at_s: float) -> Sequence[str]:
    """The processes that may be killed or paused at a time."""
    shifts = _shifts(seconds, victims, random.Random(seed))
    return shifts[min(len(shifts) - 1, int(at_s // (seconds / len(shifts))))]


def _shifts(seconds: float, victims: Victims, chance: random.Random) -> list[Sequence[str]]:
    if seconds < LONG_S:
        return [victims.processes]
    mixed = chance.sample(list(victims.processes), len(victims.processes))
    return [mixed[number % 2 :: 2] for number in range(max(2, round(seconds / _SHIFT_S)))]


def _possible(victims: Victims) -> dict[NemesisKind, int]:
    needs = {
        NemesisKind.FILL_DISK: victims.can_fill,
        NemesisKind.PARTITION: bool(victims.regions),
        NemesisKind.DELAY: bool(victims.regions),
        NemesisKind.POISON: bool(victims.poisons),
        NemesisKind.RESTART_POSTGRES: "postgres" in victims.processes,
    }
    return {kind: weight for kind, weight in _WEIGHTS.items() if needs.get(kind, True)}


def _nemesis(
    at_s: float, kind: NemesisKind, processes: Sequence[str], victims: Victims, chance: random.Random
) -> PlannedNemesis:
    length_s = chance.uniform(*_LENGTH_S[kind]) if kind in _LENGTH_S else 0.0
    match kind:
        case NemesisKind.KILL:
            chosen = chance.sample(processes, min(len(processes), 2 if chance.random() < _TWO_AT_ONCE else 1))
            return PlannedNemesis(at_s, kind, tuple(chosen))
        case NemesisKind.PAUSE:
            return PlannedNemesis(at_s, kind, (chance.choice(processes),), length_s)
        case NemesisKind.PARTITION:
            # Sometimes all at once: those of `up` are left, and are enough.
            count = chance.choice((1, 1, 1, len(victims.regions)))
            return PlannedNemesis(at_s, kind, tuple(chance.sample(victims.regions, count)), length_s)
        case NemesisKind.DELAY:
            amount_s = chance.uniform(*_DELAY_S)
            return PlannedNemesis(at_s, kind, (chance.choice(victims.regions),), length_s, amount_s)
        case NemesisKind.CLOCK_STEP:
            amount_s = chance.uniform(*_STEP_S) * chance.choice((-1, 1))
            stepped = chance.choice([CONTROL_PLANE, *victims.regions])
            return PlannedNemesis(at_s, kind, (stepped,), length_s, amount_s)
        case NemesisKind.POISON:
            return PlannedNemesis(at_s, kind, (chance.choice(victims.poisons),), length_s)
        case _:
            return PlannedNemesis(at_s, kind, (), length_s)
