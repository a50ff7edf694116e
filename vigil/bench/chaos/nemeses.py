"""Nemeses: what is done to a running installation, when, and to which part, by a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class NemesisKind(StrEnum):
    """What is done."""

    KILL = "kill"
    STOP = "stop"
    FLUSHALL = "flushall"
    KILL_ALL = "kill_all"
    FILL_DISK = "fill_disk"


@dataclass(frozen=True, slots=True)
class PlannedNemesis:
    """What is done at a time (s after the start), to these processes, for some seconds where it has a length."""

    at_s: float
    kind: NemesisKind
    victims: tuple[str, ...] = ()
    length_s: float = 0.0


#: How often each is drawn; two at once are kills.
_WEIGHTS = {
    NemesisKind.KILL: 62,
    NemesisKind.STOP: 20,
    NemesisKind.FLUSHALL: 8,
    NemesisKind.KILL_ALL: 5,
    NemesisKind.FILL_DISK: 5,
}
_TWO_AT_ONCE = 0.2
_STOP_S = (5.0, 20.0)
_FILLED_S = (5.0, 10.0)
#: Between two nemeses (s); after a kill of all, the installation has to start first.
_EVERY_S = (5.0, 15.0)
_START_S = 20.0


def plan(seed: int, seconds: float, victims: Sequence[str], can_fill: bool) -> list[PlannedNemesis]:
    """The nemeses of a run: the same for the same arguments, whatever the machine."""
    chance = random.Random(seed)
    weights = {kind: weight for kind, weight in _WEIGHTS.items() if can_fill or kind is not NemesisKind.FILL_DISK}
    found: list[PlannedNemesis] = []
    at_s = chance.uniform(*_EVERY_S)
    while at_s < seconds:
        kind = chance.choices(list(weights), list(weights.values()))[0]
        found.append(_nemesis(at_s, kind, victims, chance))
        at_s += chance.uniform(*_EVERY_S) + found[-1].length_s + (_START_S if kind is NemesisKind.KILL_ALL else 0)
    return found


def _nemesis(at_s: float, kind: NemesisKind, victims: Sequence[str], chance: random.Random) -> PlannedNemesis:
    if kind is NemesisKind.KILL:
        return PlannedNemesis(at_s, kind, tuple(chance.sample(victims, 2 if chance.random() < _TWO_AT_ONCE else 1)))
    if kind is NemesisKind.STOP:
        return PlannedNemesis(at_s, kind, (chance.choice(victims),), chance.uniform(*_STOP_S))
    return PlannedNemesis(at_s, kind, (), chance.uniform(*_FILLED_S) if kind is NemesisKind.FILL_DISK else 0.0)
