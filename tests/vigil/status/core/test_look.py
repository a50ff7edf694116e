"""Any colour of a team can be read in both themes, and a picture is what its bytes say, within limits."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.status.core.look.colours import (
    CONTRAST_LEAST,
    DARK_GROUNDS,
    LIGHT_GROUNDS,
    accent_of,
    checked_colour,
    contrast,
    style_of,
)
from vigil.status.core.look.pictures import PictureRole, checked_picture
from vigil.web.assets import bundle

_COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def png(width: int = 40, height: int = 20) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x7f" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp(kind: bytes, body: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    b"\xff\xc2\x00\x11\x08\x00\x14\x00\x28\x03\x01\x22\0\x02\x11\x01\x03\x11\x01" + b"\0" * 20 + b"\xff\xd9"
)
LOSSLESS = webp(b"VP8L", b"\x2f" + struct.pack("<I", 39 | 19 << 14) + b"\0" * 8)
EXTENDED = webp(b"VP8X", b"\0" * 4 + (39).to_bytes(3, "little") + (19).to_bytes(3, "little"))
LOSSY = webp(b"VP8 ", b"\0" * 3 + b"\x9d\x01\x2a" + struct.pack("<HH", 40, 20) + b"\0" * 4)


@settings(max_examples=400, deadline=None)
@given(_COLOURS)
def test_every_colour_becomes_one_that_can_be_read_in_both_themes(colour: str) -> None:
    made = accent_of(colour)
    for shown, grounds, text in (
        (made.light, LIGHT_GROUNDS, made.on_light),
        (made.dark, DARK_GROUNDS, made.on_dark),
    ):
        assert min(contrast(shown, ground) for ground in grounds) >= CONTRAST_LEAST
        assert contrast(shown, text) >= CONTRAST_LEAST
    # One that can be read stays as it is.
    if min(contrast(colour, ground) for ground in LIGHT_GROUNDS) >= CONTRAST_LEAST:
        assert made.light == colour


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == 21 and contrast("#777777", "#777777") == 1
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def test_the_grounds_are_those_of_the_style_sheet() -> None:
    style, dark_grounds = bundle("vigil.css").plain.decode(), (DARK_GROUNDS[1], DARK_GROUNDS[0], DARK_GROUNDS[2])
    for name, light, dark in zip(("surface", "bg", "raised"), LIGHT_GROUNDS, dark_grounds, strict=True):
        short = "#fff" if light == "#ffffff" else light
        assert f"--{name}: light-dark({short}, {dark});" in style


@pytest.mark.parametrize("text", ["red", "#12345", "#12345g", "#1234567", "#0b6784;}body{display:none", "url(x)"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as #0b6784"):
        checked_colour(text)
    assert checked_colour(" #0B6784 ") == "#0b6784" and checked_colour("") == ""
    assert style_of("#0b6784").startswith(":root{--accent:light-dark(#0b6784,")


@pytest.mark.parametrize(
    ("content", "ending"), [(png(), "png"), (JPEG, "jpg"), (LOSSLESS, "webp"), (EXTENDED, "webp"), (LOSSY, "webp")]
)
def test_a_picture_is_what_its_bytes_say(content: bytes, ending: str) -> None:
    found = checked_picture(content, PictureRole.LOGO)
    assert (found.ending, found.width, found.height, found.content) == (ending, 40, 20, content)
    for cut in range(0, len(content) - 1, 3):
        with pytest.raises(ValueError, match="A whole PNG"):
            checked_picture(content[:cut], PictureRole.LOGO)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG is not taken"),
        (b"GIF89a" + b"\0" * 30, "A whole PNG"),
        (b"<html>", "A whole PNG"),
        (b"", "A whole PNG"),
        (png() + b"<script>", "A whole PNG"),
        (png(2_001, 1), "At most 2000 x 2000 pixels"),
        (png(0, 1), "At most 2000 x 2000 pixels"),
        (png() + b"\0" * 100_000, "At most 100 kB"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        checked_picture(content, PictureRole.LOGO)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", png()[:30], LOSSY[:16], JPEG[:25]]))
def test_no_bytes_fail_the_check_but_as_it_says(rest: bytes, head: bytes) -> None:
    try:
        found = checked_picture(head + rest, PictureRole.FAVICON)
    except ValueError:
        return
    assert 0 < found.width <= 512 and 0 < found.height <= 512
