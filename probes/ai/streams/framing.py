"""Framing of a stream: server-sent events (WHATWG HTML, 9.2.6) and lines of JSON, fed in pieces of any size. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple, Protocol

#: Longest line, and most bytes of one event.
EVENT_BYTES_MOST = 262_144
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class Framing(StrEnum):
    """How a stream is cut into events."""

    EVENTS = "events"
    LINES = "lines"


class StreamTooLarge(ValueError):
    """An event, or a stream, that is larger than any answer to a short prompt."""


class Frame(NamedTuple):
    """One event: its name, empty without one, and its content."""

    name: str
    content: bytes


class Framer(Protocol):
    """Cuts bytes into frames; raises StreamTooLarge."""

    def feed(self, came: bytes) -> list[Frame]: ...

    def close(self) -> list[Frame]: ...


class Lines:
    """Lines, ended by CRLF, LF or CR, also where a piece ends between the two bytes of a CRLF."""

    __slots__ = ("_after_cr", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._after_cr = False

    def feed(self, came: bytes) -> list[bytes]:
        if self._after_cr and came:
            came, self._after_cr = came.removeprefix(b"\n"), False
        found, place = [], 0
        for end in _LINE_END.finditer(came):
            found.append(bytes(self._rest) + came[place : end.start()])
            self._rest.clear()
            place = end.end()
        self._after_cr = self._after_cr or came.endswith(b"\r")
        self._rest += came[place:]
        if len(self._rest) > EVENT_BYTES_MOST or any(len(line) > EVENT_BYTES_MOST for line in found):
            raise StreamTooLarge(f"a line of more than {EVENT_BYTES_MOST // 1024} KiB")
        return found

    def close(self) -> list[bytes]:
        rest = bytes(self._rest)
        self._rest.clear()
        return [rest] if rest else []


class JsonLines:
    """One JSON document a line; blank lines are keep-alives."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, came: bytes) -> list[Frame]:
        return [Frame("", line) for line in self._lines.feed(came) if line.strip()]

    def close(self) -> list[Frame]:
        return [Frame("", line) for line in self._lines.close() if line.strip()]


class ServerSentEvents:
    """Events of `data:` lines. Comments are keep-alives and no event.

    Three liberties, since servers take them: a line that is a JSON object counts as an event, and so does what the end
    of the stream leaves without a blank line; and llama.cpp has written its errors as a field of their own.
    """

    __slots__ = ("_content", "_has_content", "_is_first", "_lines", "_name")

    def __init__(self) -> None:
        self._lines = Lines()
        self._name = ""
        self._content = bytearray()
        self._has_content = False
        self._is_first = True

    def feed(self, came: bytes) -> list[Frame]:
        return [frame for line in self._lines.feed(came) for frame in self._take(line)]

    def close(self) -> list[Frame]:
        frames = [frame for line in self._lines.close() for frame in self._take(line)]
        return frames + self._dispatched()

    def _take(self, line: bytes) -> list[Frame]:
        if self._is_first:
            line, self._is_first = line.removeprefix(_BOM), False
        if not line:
            return self._dispatched()
        if line.startswith(b"{"):
            return [*self._dispatched(), Frame("", line)]
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            if self._has_content:
                self._content += b"\n"
            self._content += value
            self._has_content = True
            if len(self._content) > EVENT_BYTES_MOST:
                raise StreamTooLarge(f"an event of more than {EVENT_BYTES_MOST // 1024} KiB")
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"error" and value.startswith(b"{"):
            return [*self._dispatched(), Frame("error", value)]
        return []

    def _dispatched(self) -> list[Frame]:
        name, content, had = self._name, bytes(self._content), self._has_content
        self._name, self._has_content = "", False
        self._content.clear()
        return [Frame(name, content)] if had else []


def framer(framing: Framing) -> Framer:
    """The framer of a form."""
    return ServerSentEvents() if framing is Framing.EVENTS else JsonLines()
