"""Frames of an HTTP/2 connection, with the goodbye (GOAWAY) taken out: calls that it covers go on after it. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

FRAME_HEAD = 9
SETTINGS, GOAWAY = 4, 7
#: Names of error codes (RFC 9113, section 7).
ERROR_NAMES = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
)  # fmt: skip


def error_name(code: int) -> str:
    return ERROR_NAMES[code] if 0 <= code < len(ERROR_NAMES) else f"error {code}"


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The server takes no more calls; those up to `last_stream` are answered still, unless `code` is an error."""

    last_stream: int
    code: int


class FrameSplitter:
    """Gives the bytes of whole frames on, without GOAWAY, which is kept in `goodbye`."""

    def __init__(self) -> None:
        self.goodbye: Goodbye | None = None
        self._waiting = bytearray()

    def feed(self, came: bytes) -> bytes:
        """The bytes of the frames that are whole by now."""
        self._waiting += came
        whole = bytearray()
        while len(self._waiting) >= FRAME_HEAD:
            size = FRAME_HEAD + int.from_bytes(self._waiting[:3])
            if self._waiting[3] != GOAWAY and size > FRAME_HEAD + 16_384:
                # Larger than we allow: the protocol's own code refuses it by its head alone.
                whole += self._waiting
                self._waiting.clear()
                break
            if len(self._waiting) < size:
                break
            frame = bytes(self._waiting[:size])
            del self._waiting[:size]
            if frame[3] == GOAWAY and size >= FRAME_HEAD + 8:
                last, code = struct.unpack_from(">II", frame, FRAME_HEAD)
                self.goodbye = Goodbye(last & 0x7FFF_FFFF, code)
            else:
                whole += frame
        return bytes(whole)
