"""Pictures of a status page: PNG, JPEG or WebP, by their bytes and not by what a sender says of them. Pure.

A picture is not decoded here. Its kind and size are read from its head, it is bounded, and it is served as that kind
alone, so that a browser takes it for nothing else. SVG may hold scripts and is refused.
PNG: RFC 2083, 11.2.2 · JPEG: ITU T.81, B.2.2 · WebP: RFC 9649, 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec


class PictureRole(StrEnum):
    """What a picture is on a page."""

    LOGO = "logo"
    FAVICON = "favicon"


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Largest size of a picture: its bytes, and the pixels of a side."""

    size: int
    side: int


LIMITS = {PictureRole.LOGO: PictureLimits(100_000, 2_000), PictureRole.FAVICON: PictureLimits(50_000, 512)}
#: Media types by the ending of a picture's file.
PICTURE_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
#: Start of frame of a JPEG, without those of tables (C4, C8, CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class CheckedPicture(msgspec.Struct, frozen=True):
    """A picture that was checked: its bytes, the ending of its kind, and its size in pixels."""

    content: bytes
    ending: str
    width: int
    height: int


def checked_picture(content: bytes, role: PictureRole) -> CheckedPicture:
    """The picture of these bytes; raises ValueError in words."""
    limits = LIMITS[role]
    if len(content) > limits.size:
        raise ValueError(f"At most {limits.size // 1_000} kB.")
    found = _png(content) or _webp(content) or _jpeg(content)
    if found is None:
        raise ValueError("A whole PNG, JPEG or WebP. SVG is not taken, since it may hold scripts.")
    ending, width, height = found
    if not (0 < width <= limits.side and 0 < height <= limits.side):
        raise ValueError(f"At most {limits.side} x {limits.side} pixels.")
    return CheckedPicture(content, ending, width, height)


def _png(content: bytes) -> tuple[str, int, int] | None:
    if not content.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") or not content.endswith(b"IEND\xaeB`\x82"):
        return None
    return "png", int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _webp(content: bytes) -> tuple[str, int, int] | None:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        return None
    if int.from_bytes(content[4:8], "little") + 8 != len(content):
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        return "webp", int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    if kind == b"VP8L" and content[20] == 0x2F:
        bits = int.from_bytes(content[21:25], "little")
        return "webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return "webp", _low14(content[26:28]), _low14(content[28:30])
    return None


def _low14(two: bytes) -> int:
    return int.from_bytes(two, "little") & 0x3FFF


def _jpeg(content: bytes) -> tuple[str, int, int] | None:
    if not content.startswith(b"\xff\xd8\xff") or not content.endswith(b"\xff\xd9"):
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker in _FRAMES:
            return "jpg", int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        if length < 2:
            return None
        at += 2 + length
    return None
