"""Chart of response times for readers: ninety days below a component's strip, without regions or targets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from vigil.read_models.core.figures import milliseconds
from vigil.status.core.languages.words import PageWords

#: Width of a day and height, in units of the drawing; a day is as wide as in the strip above.
_DAY, _HEIGHT = 8, 40


def latency_chart(days: Sequence[float | None], words: PageWords) -> str:
    """The chart with its figures in words; empty where nothing was measured. `days`: p95 in ms, the oldest first."""
    measured = [one for one in days if one is not None]
    if not measured:
        return ""
    said = words.response_time.format(
        last=_written(measured[-1], words), least=_written(min(measured), words), most=_written(max(measured), words)
    )
    top = max(measured) or 1.0
    lines = "".join(f'<polyline points="{points}"/>' for points in _lines(days, top))
    return (
        f'<svg class="spark latency" aria-hidden="true" viewBox="0 0 {len(days) * _DAY} {_HEIGHT}"'
        f' preserveAspectRatio="none">{lines}</svg><p class="muted small">{escape(said)}</p>'
    )


def _lines(days: Sequence[float | None], top: float) -> list[str]:
    """Points of each stretch without a gap; a day alone is a short line."""
    lines = []
    for is_measured, stretch in groupby(enumerate(days), key=lambda one: one[1] is not None):
        if not is_measured:
            continue
        points = [
            (place * _DAY + _DAY // 2, round(_HEIGHT - 2 - (value or 0.0) / top * (_HEIGHT - 4), 1))
            for place, value in stretch
        ]
        if len(points) == 1:
            points = [(points[0][0] - 2, points[0][1]), (points[0][0] + 2, points[0][1])]
        lines.append(" ".join(f"{x},{y:g}" for x, y in points))
    return lines


def _written(ms: float, words: PageWords) -> str:
    return milliseconds(ms).replace(".", words.decimal)
