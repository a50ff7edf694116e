"""Accent colours that can be read: a team's colour, made darker or lighter until it holds WCAG 2.2 level AA. Pure.

Contrast is that of WCAG 2.2, 1.4.3: (L1 + 0.05) / (L2 + 0.05) of relative luminance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Contrast of text to what it stands on.
CONTRAST_LEAST = 4.5
#: What links stand on, in the light and in the dark theme; the same as in the style sheet.
LIGHT_GROUNDS, DARK_GROUNDS = ("#ffffff", "#f5f7f8", "#eef1f4"), ("#0d1319", "#141c24", "#1c2630")
LIGHT_TEXT, DARK_TEXT = "#ffffff", "#0d1319"
#: Steps towards black or white; the last one is there.
_STEPS = 100
_COLOUR = re.compile(r"\A#[0-9a-f]{6}\Z")
_Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class AccentColours:
    """The colour of links and buttons, and of the text on such a button, in both themes."""

    light: str
    on_light: str
    dark: str
    on_dark: str


def checked_colour(text: str) -> str:
    """A colour as it is kept, such as `#0b6784`, or empty; raises ValueError in words."""
    found = text.strip().lower()
    if found and not _COLOUR.match(found):
        raise ValueError("A colour such as #0b6784.")
    return found


def accent_of(colour: str) -> AccentColours:
    """The nearest colours that can be read: the colour itself where it can."""
    light, dark = _readable(colour, LIGHT_GROUNDS, "#000000"), _readable(colour, DARK_GROUNDS, "#ffffff")
    return AccentColours(light, _text_on(light), dark, _text_on(dark))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def style_of(colour: str) -> str:
    """The style sheet of a page with this colour."""
    made = accent_of(colour)
    return (
        f":root{{--accent:light-dark({made.light},{made.dark});"
        f"--on-accent:light-dark({made.on_light},{made.on_dark})}}\n"
    )


def _readable(colour: str, grounds: tuple[str, ...], towards: str) -> str:
    start, end = _rgb(colour), _rgb(towards)
    for step in range(_STEPS + 1):
        mixed = _text(tuple(a + (b - a) * step // _STEPS for a, b in zip(start, end, strict=True)))
        if all(contrast(mixed, ground) >= CONTRAST_LEAST for ground in grounds):
            return mixed
    return towards


def _text_on(colour: str) -> str:
    """The one of the two that is read better; one of them always holds the limit."""
    return max((LIGHT_TEXT, DARK_TEXT), key=lambda text: contrast(text, colour))


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _rgb(colour: str) -> _Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _text(parts: tuple[int, ...]) -> str:
    return "#" + "".join(f"{part:02x}" for part in parts)
