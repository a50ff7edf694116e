"""Log output of all processes: to the terminal, with the process's name before each line, or to one file each.

A log never stops what it tells of. A line that cannot be written (a full disk, a closed pipe, a reader that does not
read) is dropped and counted, and the first line that can be written again is preceded by the count.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import sys
import time
from pathlib import Path
from typing import TextIO

from vigil.local.programs import Journal

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
_NAME_WIDTH = 14
_FILE_LIMIT = 10 * 1024 * 1024
#: How often a file is looked for at its place, where a person or a log rotation may have moved it (s).
_LOOK_EVERY_S = 1.0
#: A pipe or a terminal takes so many bytes at once when it is writable, and is waited for this long (ms).
_PIECE, _PATIENCE_MS = 4096, 100


class _Dropped:
    """Lines that could not be written, and why."""

    def __init__(self) -> None:
        self._count = 0
        self._why = ""

    def add(self, error: OSError | ValueError) -> None:
        self._count += 1
        self._why = (isinstance(error, OSError) and error.strerror) or type(error).__name__

    def take(self) -> str:
        """The line that tells of them; empty when there are none."""
        count, self._count = self._count, 0
        return f"{count} log lines were dropped: {self._why}" if count else ""

    def put_back(self, told: str) -> None:
        """The line that told of them could not be written either."""
        self._count += int(told.split(" ", 1)[0]) if told else 0


class _Stream:
    """A descriptor that is never waited for long: without room for a line, `write` raises OSError."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        mode = os.fstat(descriptor).st_mode
        self._may_block = not stat.S_ISREG(mode)
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)
        self._patience_ms = _PATIENCE_MS
        #: Whether the last line is there in part only.
        self.torn = False

    def write(self, line: bytes) -> None:
        # What follows half a line must not become a part of it.
        rest = b"\n" + line if self.torn else line
        while rest:
            if self._may_block and not self._has_room():
                raise TimeoutError(errno.ETIMEDOUT, "nothing reads them")
            written = os.write(self._descriptor, rest[:_PIECE])
            self.torn = written < len(rest)
            rest = rest[written:]

    def _has_room(self) -> bool:
        """Once a reader has kept us waiting, it is not waited for again until it reads."""
        ready = bool(self._room.poll(self._patience_ms))
        self._patience_ms = _PATIENCE_MS if ready else 0
        return ready


class _File:
    """One log file of bounded size, and the one before it. Raises OSError when a line cannot be written."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._stream: _Stream | None = None
        self._descriptor = -1
        self._looked_s = 0.0
        self._torn = False

    def write(self, line: bytes) -> None:
        try:
            self._open_where_it_belongs()
            assert self._stream is not None
            self._stream.write(line)
        except OSError:
            self._torn = self._stream is not None and self._stream.torn
            self._close()
            raise

    def _open_where_it_belongs(self) -> None:
        now_s = time.monotonic()
        if self._stream is not None and now_s - self._looked_s > _LOOK_EVERY_S and not self._is_in_place():
            self._close()
        if self._stream is not None and os.fstat(self._descriptor).st_size > self._limit:
            self._close()
            self._path.replace(self._path.with_suffix(".old.log"))
        if self._stream is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._stream = _Stream(self._descriptor)
            self._stream.torn, self._torn = self._torn, False
            self._looked_s = now_s
        elif now_s - self._looked_s > _LOOK_EVERY_S:
            self._looked_s = now_s

    def _is_in_place(self) -> bool:
        try:
            there, here = self._path.stat(), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def _close(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
        self._stream = None


def to_terminal(stream: TextIO | None = None) -> Journal:
    """Lines on a stream (standard output unless given), coloured by process when it is a terminal."""
    out = stream or sys.stdout
    coloured = out.isatty()
    colours: dict[str, int] = {}
    dropped = _Dropped()
    sink = _sink_of(out)

    def write(name: str, line: str) -> None:
        prefix = f"{name:<{_NAME_WIDTH}} |"
        if coloured:
            colour = colours.setdefault(name, _COLOURS[len(colours) % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        _write_or_count(sink, f"{prefix} ", _printable(line), dropped)

    return write


def to_files(folder: Path, limit: int = _FILE_LIMIT) -> Journal:
    """One file a process below `folder`, kept across starts; past `limit` bytes it becomes NAME.old.log."""
    opened: dict[str, _File] = {}
    dropped: dict[str, _Dropped] = {}

    def write(name: str, line: str) -> None:
        file = opened.setdefault(name, _File(folder / f"{name}.log", limit))
        _write_or_count(file, "", line, dropped.setdefault(name, _Dropped()))

    return write


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line of `up` itself. A missing reader or a full disk is no reason to end."""
    _write_or_count(_sink_of(stream or sys.stdout), "", text, _Dropped())


class _Text:
    """A stream without a descriptor, such as one in memory."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, line: bytes) -> None:
        self._out.write(line.decode())


def _sink_of(out: TextIO) -> _Stream | _Text:
    try:
        out.flush()
        return _Stream(out.fileno())
    except (OSError, ValueError):
        return _Text(out)


def _write_or_count(sink: _Stream | _Text | _File, prefix: str, line: str, dropped: _Dropped) -> None:
    told = dropped.take()
    try:
        if told:
            sink.write(f"{prefix}{told}\n".encode())
            told = ""
        sink.write(f"{prefix}{line}\n".encode(errors="replace"))
    except (OSError, ValueError) as error:
        dropped.put_back(told)
        dropped.add(error)


def _printable(line: str) -> str:
    """A process must not be able to steer the terminal."""
    return "".join(char if char.isprintable() or char == "\t" else "?" for char in line)
