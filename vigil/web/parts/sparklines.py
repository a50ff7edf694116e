"""Sparklines: a short series as one line; gaps break it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEAST_POINTS = 96, 24, 3
_MARGIN = 3


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Polylines, the last point and a label; without lines there are too few points to draw."""

    label: str
    lines: Sequence[str]
    last: tuple[float, float]


def sparkline(what: str, unit: str, values: Sequence[float | None]) -> Sparkline:
    """A series from oldest to newest; None is a gap. `what` begins the label: "p95 of the last hour"."""
    known = [value for value in values if value is not None]
    if len(known) < LEAST_POINTS:
        return Sparkline(f"{what}: no data", [], (0, 0))
    lowest, highest = min(known), max(known)
    span = (highest - lowest) or 1
    lines: list[list[str]] = [[]]
    last = (0.0, 0.0)
    for index, value in enumerate(values):
        if value is None:
            lines.append([])
            continue
        x = _MARGIN + index * (WIDTH - 2 * _MARGIN) / max(1, len(values) - 1)
        y = HEIGHT - _MARGIN - (value - lowest) / span * (HEIGHT - 2 * _MARGIN)
        last = (round(x, 1), round(y, 1))
        lines[-1].append(f"{last[0]:g},{last[1]:g}")
    label = f"{what}: {known[-1]:g}{unit}, lowest {lowest:g}{unit}, highest {highest:g}{unit}"
    return Sparkline(label, [" ".join(line) for line in lines if len(line) > 1], last)
