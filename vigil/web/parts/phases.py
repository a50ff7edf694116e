"""Phases of one check as a stacked bar: dns, connect, tls, first byte, transfer, in steps of one colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vigil.read_models.core.figures import milliseconds

NAMES = ("dns", "connect", "tls", "first byte", "transfer")
#: Units of the whole bar.
WIDTH = 160


@dataclass(frozen=True, slots=True)
class DrawnPhase:
    """One part of a bar; its number is that of its step of the colour."""

    number: int
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class PhaseBar:
    """A bar: `label` names each phase with its time."""

    label: str
    phases: Sequence[DrawnPhase]


def spent(phases_ms: Mapping[str, float]) -> dict[str, float]:
    """Time of each phase in ms, in order; the transfer is what the others leave of the total."""
    known = {name: max(0.0, phases_ms.get(name, 0.0)) for name in NAMES[:-1]}
    return {**known, "transfer": max(0.0, phases_ms.get("total", 0.0) - sum(known.values()))}


def phase_bar(phases_ms: Mapping[str, float], longest_ms: float) -> PhaseBar:
    """The bar of a check beside others, of which the longest takes the whole width."""
    parts = spent(phases_ms)
    scale, x = WIDTH / max(1.0, longest_ms, sum(parts.values())), 0.0
    drawn = []
    for number, ms in enumerate(parts.values(), start=1):
        if ms > 0:
            drawn.append(DrawnPhase(number, f"{x:.1f}", f"{ms * scale:.1f}"))
            x += ms * scale
    words = ", ".join(f"{name} {milliseconds(ms)}" for name, ms in parts.items() if ms > 0)
    return PhaseBar(words or "no phase was measured", drawn)
