"""State marks: shape, word and colour of a state, and region dots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vigil.read_models.core.shown_states import ShownState, word

WORDS = {state: word(state) for state in ShownState}
#: Regions drawn one by one; more are counted, and only those that differ are drawn.
MOST_DOTS = 12


@dataclass(frozen=True, slots=True)
class StateMark:
    """A state as shape, word and colour. Variants change the word or the shape, never the colour."""

    state: ShownState
    word: str
    shape: str
    pill: bool = False


@dataclass(frozen=True, slots=True)
class RegionDot:
    """One region's state."""

    region: str
    state: ShownState


@dataclass(frozen=True, slots=True)
class RegionDots:
    """Regions as shapes: `label` says in words what they show, `count` counts them where they are too many."""

    label: str
    shown: tuple[RegionDot, ...]
    count: str = ""


def mark(state: ShownState, word: str = "", shape: str = "", pill: bool = False) -> StateMark:
    """A mark; the word and the shape are those of the state where none is given."""
    return StateMark(state, word or WORDS[state], shape or state.value, pill)


def dots(regions: Sequence[RegionDot]) -> RegionDots:
    """Dots of regions; the label names those that are not well, by state."""
    label = _label(regions)
    if len(regions) <= MOST_DOTS:
        return RegionDots(label, tuple(regions))
    unlike = [dot for dot in regions if dot.state is not ShownState.UP]
    well = len(regions) - len(unlike)
    return RegionDots(label, tuple(unlike[:MOST_DOTS]), f"{well} of {len(regions)}")


def _label(regions: Sequence[RegionDot]) -> str:
    if not regions:
        return "No region has looked yet"
    first = regions[0].state
    if all(dot.state is first for dot in regions):
        every = "the one region" if len(regions) == 1 else f"all {len(regions)} regions"
        return f"{WORDS[first]} in {every}"
    by_state: dict[ShownState, list[str]] = {}
    for dot in regions:
        by_state.setdefault(dot.state, []).append(dot.region)
    parts = [f"{WORDS[state].lower()} in {_names(by_state[state])}" for state in ShownState if state in by_state]
    return "; ".join(part for part in parts if not part.startswith("up in")).capitalize()


def _names(regions: Sequence[str]) -> str:
    shown = ", ".join(regions[:MOST_DOTS])
    return f"{shown} and {len(regions) - MOST_DOTS} more" if len(regions) > MOST_DOTS else shown
