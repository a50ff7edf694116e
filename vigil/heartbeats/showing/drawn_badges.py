"""Drawing of a badge, a label and a message side by side: SVG, or the object of which shields.io draws one. Pure.

A badge has its own ground and an outline, so that it stands on light and dark pages alike.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from html import escape

MAX_TEXT = 60
#: Grounds of messages by what they mean; white text has a contrast of 4.5 at least on each (WCAG 1.4.3).
GOOD, SLOW, BAD, PLANNED, SILENT = "#2e7d32", "#8f5400", "#c62828", "#235bb0", "#5c6670"
LABEL = "#3b4650"
_HEIGHT, _PAD, _SIZE = 20, 6, 11
_NARROW, _WIDE = frozenset("ijlI.,:;'|!()[]{}/ ft-"), frozenset("mwMW@%\u2014\u2026")


@dataclass(frozen=True, slots=True)
class DrawnBadge:
    """What is drawn: texts, the ground of the message, and whether it tells of trouble."""

    label: str
    message: str
    colour: str
    is_trouble: bool = False


def badge_object(badge: DrawnBadge) -> dict[str, object]:
    """The endpoint schema of shields.io, version 1; a badge of trouble keeps its colour."""
    told: dict[str, object] = {"schemaVersion": 1, "label": badge.label, "message": badge.message}
    return {**told, "color": badge.colour, "isError": badge.is_trouble}


def badge_svg(badge: DrawnBadge) -> str:
    """The badge as SVG. Its texts are given their width: they fit whichever font draws them."""
    label, message = _cut(badge.label), _cut(badge.message)
    left, right = _width(label) + 2 * _PAD, _width(message) + 2 * _PAD
    whole, named = left + right, escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{_HEIGHT}" role="img" aria-label="{named}">'
        f'<title>{named}</title><rect width="{whole}" height="{_HEIGHT}" rx="3" fill="{LABEL}"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" rx="3" fill="{badge.colour}"/>'
        f'<rect x="{left}" width="4" height="{_HEIGHT}" fill="{badge.colour}"/>'
        f'<rect x=".5" y=".5" width="{whole - 1}" height="{_HEIGHT - 1}" rx="2.5" fill="none" stroke="#8a949e"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="{_SIZE}">'
        f"{_text(label, _PAD)}{_text(message, left + _PAD)}</g></svg>"
    )


def _text(text: str, start: int) -> str:
    return f'<text x="{start}" y="14" textLength="{_width(text)}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'


def _cut(text: str) -> str:
    """Text as XML 1.0 can hold it, in one line."""
    plain = "".join(one if unicodedata.category(one)[0] != "C" else " " for one in text)
    return plain if len(plain) <= MAX_TEXT else f"{plain[: MAX_TEXT - 1]}\u2026"


def _width(text: str) -> int:
    """Pixels that a text takes, about as Verdana draws it."""
    return max(1, round(sum(_advance(one) for one in text)))


def _advance(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return float(_SIZE)
    if character in _NARROW:
        return 4.2
    if character in _WIDE:
        return 10.4
    return 7.6 if character.isupper() else 6.6
