"""Run charts: bars as SVG without style or script, valid under any CSP. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, TOP, LEFT = 720, 120, 8, 64
_WELL, _FAILED = "#2e7d32", "#c62828"


@dataclass(frozen=True, slots=True)
class Bar:
    """One run: its value, its tooltip, and whether it failed."""

    value: float
    note: str
    failed: bool = False


def chart(title: str, unit: str, bars: Sequence[Bar], limit: float | None = None) -> str:
    """Bars from left to right, oldest first, with the maximum labelled and a line at a limit."""
    highest = max([bar.value for bar in bars] + ([limit] if limit is not None else []), default=0.0) or 1.0
    slot = (WIDTH - LEFT) / max(len(bars), 1)
    drawn = "".join(_bar(bar, LEFT + place * slot, slot, highest) for place, bar in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT + TOP + 8}" role="img" '
        f'viewBox="0 0 {WIDTH} {HEIGHT + TOP + 8}" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f'<g font-family="sans-serif" font-size="11" fill="#777" text-anchor="end">'
        f'<text x="{LEFT - 6}" y="{TOP + 10}">{escape(_number(highest))}</text>'
        f'<text x="{LEFT - 6}" y="{TOP + 24}">{escape(unit)}</text><text x="{LEFT - 6}" y="{HEIGHT + TOP}">0</text></g>'
        f'<line x1="{LEFT}" x2="{WIDTH}" y1="{HEIGHT + TOP}" y2="{HEIGHT + TOP}" stroke="#999"/>'
        f"{drawn}{_limit(limit, highest)}</svg>"
    )


def _bar(bar: Bar, x: float, slot: float, highest: float) -> str:
    height = max(1.0, bar.value / highest * HEIGHT)
    colour = _FAILED if bar.failed else _WELL
    return (
        f'<rect x="{x + slot * 0.1:.1f}" y="{HEIGHT + TOP - height:.1f}" width="{max(1.0, slot * 0.8):.1f}" '
        f'height="{height:.1f}" fill="{colour}"><title>{escape(bar.note)}</title></rect>'
    )


def _limit(limit: float | None, highest: float) -> str:
    if limit is None:
        return ""
    y = HEIGHT + TOP - limit / highest * HEIGHT
    return (
        f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_FAILED}" stroke-dasharray="4 3">'
        f"<title>limit {escape(_number(limit))}</title></line>"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or float(value).is_integer() else f"{value:.3g}"
