"""Shown states: the seven states of a monitor on a page, their variants, and the word for each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ShownState(StrEnum):
    """State of a monitor as pages show it; each has a shape, a word and a height."""

    DOWN = "down"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    UP = "up"
    NEW = "new"
    MAINTENANCE = "maintenance"
    PAUSED = "paused"


class Variant(StrEnum):
    """What is special about a state; the shape stays that of the state."""

    PLAIN = ""
    #: Some regions contradict the quorum.
    REGIONAL = "regional"
    #: The key is at fault, not the target.
    ACCOUNT = "account"
    FLAPPING = "flapping"
    LATE = "late"
    FAILED = "failed"
    RUNNING = "running"


#: States that need attention, the worst first.
TROUBLE = (ShownState.DOWN, ShownState.DEGRADED, ShownState.UNKNOWN)

_WORDS: Mapping[ShownState, str] = {state: state.value.capitalize() for state in ShownState}
_VARIANT_WORDS: Mapping[Variant, str] = {
    Variant.ACCOUNT: "Key refused",
    Variant.LATE: "Late",
    Variant.FAILED: "Failed",
    Variant.RUNNING: "Running",
}


def word(state: ShownState, variant: Variant = Variant.PLAIN, differing: int = 0) -> str:
    """The word of a state: `Down`, `Key refused`, `Up, 1 differs`, `Up, flapping`."""
    if variant is Variant.REGIONAL:
        return f"{_WORDS[state]}, {differing} {'differs' if differing == 1 else 'differ'}"
    if variant is Variant.FLAPPING:
        return f"{_WORDS[state]}, flapping"
    return _VARIANT_WORDS.get(variant, _WORDS[state])
