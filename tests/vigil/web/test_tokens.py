"""Colours of the pages, recomputed from the style sheet: contrast, and distances under colour blindness."""

from __future__ import annotations

import math
import re
from itertools import combinations

import pytest

from vigil.web.assets import FOLDER

Rgb = tuple[float, float, float]
STATES = ("up", "degraded", "down", "unknown", "paused", "maintenance")
THEMES = ("light", "dark")

#: Machado, Oliveira and Fernandes 2009, severity 1: what a person without red or without green cones sees.
BLINDNESS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
}


def tokens() -> dict[str, tuple[Rgb, Rgb]]:
    """Linear light and dark colour of each token."""
    sheet = (FOLDER / "tokens.css").read_text()
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\)", sheet)
    return {name: (linear(light), linear(dark)) for name, light, dark in found}


def linear(code: str) -> Rgb:
    digits = code[1:] if len(code) == 7 else "".join(digit * 2 for digit in code[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def contrast(one: Rgb, other: Rgb) -> float:
    """WCAG 2.2."""
    weights = (0.2126, 0.7152, 0.0722)
    high, low = sorted((sum(w * c for w, c in zip(weights, rgb, strict=True)) for rgb in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(rgb: Rgb, blindness: str) -> Rgb:
    """CIELAB (D65) of a colour as it is seen."""
    seen = [sum(w * c for w, c in zip(row, rgb, strict=True)) for row in BLINDNESS[blindness]]
    red, green, blue = (min(1.0, max(0.0, part)) for part in seen)
    xyz = (
        (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047,
        0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
        (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883,
    )
    x, y, z = (part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: Rgb, other: Rgb) -> float:
    """CIEDE2000."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    stretch = 1 + (1 - math.sqrt(mean_chroma**7 / (mean_chroma**7 + 25**7))) / 2
    c1, c2 = math.hypot(a1 * stretch, b1), math.hypot(a2 * stretch, b2)
    h1, h2 = (math.degrees(math.atan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = h2 - h1
    turn += 360 if turn < -180 else -360 if turn > 180 else 0
    hue = (h1 + h2) / 2 + (180 if abs(h1 - h2) > 180 else 0)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    d_light, d_chroma = l2 - l1, c2 - c1
    d_hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    t = (
        1 - 0.17 * math.cos(math.radians(hue - 30)) + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6)) - 0.20 * math.cos(math.radians(4 * hue - 63))
    )  # fmt: skip
    s_light = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    around = 30 * math.exp(-(((hue - 275) / 25) ** 2))
    rotation = -2 * math.sqrt(chroma**7 / (chroma**7 + 25**7)) * math.sin(math.radians(2 * around))
    parts = (d_light / s_light, d_chroma / s_chroma, d_hue / s_hue)
    return math.sqrt(sum(part * part for part in parts) + rotation * parts[1] * parts[2])


def test_the_measure_of_distance_gives_the_published_values() -> None:
    # Sharma, Wu and Dalal 2005, pairs 1, 7 and 25.
    assert distance((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert distance((50, 0, 0), (50, -1, 2)) == pytest.approx(2.3669, abs=1e-4)
    assert distance((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387)) == pytest.approx(1.2644, abs=1e-4)


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_shapes_stand_out_from_what_they_lie_on(theme: str) -> None:
    colours = {name: pair[THEMES.index(theme)] for name, pair in tokens().items()}
    texts = [(text, ground) for text in ("ink", "muted", "accent") for ground in ("bg", "surface")]
    texts += [("ink", "raised"), ("muted", "raised"), ("on-accent", "accent"), ("accent", "accent-wash")]
    texts += [("on-down", "down"), *((f"{state}-ink", f"{state}-wash") for state in STATES)]
    texts += [(f"{state}-ink", ground) for state in STATES for ground in ("bg", "surface")]
    shapes = [(shape, ground) for shape in (*STATES, "control") for ground in ("bg", "surface")]
    shapes += [("up-bar", "surface")]
    weak = [
        (one, ground, round(contrast(colours[one], colours[ground]), 2))
        for least, pairs in ((4.5, texts), (3.0, shapes))
        for one, ground in pairs
        if contrast(colours[one], colours[ground]) < least
    ]
    assert weak == []


@pytest.mark.parametrize("theme", THEMES)
def test_states_are_told_apart_under_every_colour_blindness(theme: str) -> None:
    colours = {name: pair[THEMES.index(theme)] for name, pair in tokens().items()}
    pairs = [*combinations(STATES, 2), ("up-bar", "down"), ("up-bar", "degraded")]
    close = [
        (one, other, blindness, round(apart, 1))
        for blindness in BLINDNESS
        for one, other in pairs
        if (apart := distance(lab(colours[one], blindness), lab(colours[other], blindness))) < 10
    ]
    assert close == []
