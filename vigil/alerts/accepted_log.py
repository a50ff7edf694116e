"""Log of accepted messages: a file that each is noted in the moment that its receiver takes it, before the database.

A process that is killed between a receiver's answer and the commit leaves its notes; the next one on this machine reads
them before it takes over its claims, and sends none of these messages again. Writes go to the kernel at once, so they
outlive the process; after a loss of power the database alone counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog

from vigil.database.session_lock import living_owners

_SUFFIX = ".accepted"
#: A log whose owner is gone is deleted when nothing was added for longer (s).
KEPT_S = 3_600
#: Newest part of a log that is read (bytes).
LOG_MOST = 50_000_000

#: What was noted, each as it was given, and the owner who noted it. Records what that owner still holds; returns how
#: many. A note proves nothing about a message that is held by another claim.
Mark = Callable[[Sequence[list[Any]], int], int]

log = structlog.get_logger()


class AcceptedLog:
    """The log of this process; `owner` is the key of its session lock. Without a folder, or room, nothing is noted."""

    def __init__(self, folder: Path | None, owner: int, mark: Mark) -> None:
        self._folder, self._owner, self._mark = folder, owner, mark
        self._lock = threading.Lock()
        #: Sizes of logs of others when they were recorded: until one grows there is nothing new in it.
        self._recorded: dict[str, int] = {}
        self._file = _opened(folder, owner)

    def note(self, *values: int | str) -> None:
        """Note an accepted message by what names it; for any thread."""
        # A list is whole or unreadable: a line that a full disk cut names no other message.
        line = json.dumps(values, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._file is not None:
                try:
                    os.write(self._file, line)
                except OSError as error:
                    log.warning("accepted.not_noted", error=str(error))

    def clear(self) -> None:
        """Forget the notes: all of them are recorded, and nothing is under way."""
        with self._lock:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, 0)

    def remove(self) -> None:
        """End, where all notes are recorded and nothing is under way. Else it is left open, until the process ends."""
        with self._lock:
            if self._file is None or self._folder is None:
                return
            with contextlib.suppress(OSError):
                _path(self._folder, self._owner).unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def recover(self, *, own: bool = False) -> int:
        """Record what processes that are gone had noted, and this one with `own`; returns how many messages."""
        found = list(_others(self._folder, self._owner))
        living = living_owners() if found else set()
        recorded = sum(self._record_other(path, owner) for path, owner in found if owner not in living)
        if own and self._folder is not None and self._file is not None:
            recorded += self._record(_path(self._folder, self._owner), self._owner)
        return recorded

    def _record_other(self, path: Path, owner: int) -> int:
        try:
            facts = path.stat()
        except OSError:
            return 0
        recorded = 0
        if self._recorded.get(path.name) != facts.st_size:
            recorded = self._record(path, owner)
            self._recorded[path.name] = facts.st_size
        if time.time() - facts.st_mtime > KEPT_S:
            self._recorded.pop(path.name, None)
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        return recorded

    def _record(self, path: Path, owner: int) -> int:
        try:
            notes = _read(path)
        except OSError as error:
            log.warning("accepted.unreadable", file=path.name, error=str(error))
            return 0
        recorded = self._mark(notes, owner) if notes else 0
        if recorded:
            log.warning("accepted.recovered", folder=path.parent.name, messages=recorded)
        return recorded


def _path(folder: Path, owner: int) -> Path:
    return folder / f"{owner}{_SUFFIX}"


def _opened(folder: Path | None, owner: int) -> int | None:
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(_path(folder, owner), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        log.warning("accepted.not_noted", error=str(error))
        return None


def _others(folder: Path | None, own: int) -> Iterator[tuple[Path, int]]:
    try:
        paths = list(folder.glob(f"*{_SUFFIX}")) if folder is not None else []
    except OSError:
        paths = []
    for path in paths:
        if path.stem.isascii() and path.stem.isdigit() and int(path.stem) != own:
            yield path, int(path.stem)


def _read(path: Path) -> list[list[Any]]:
    """Notes of whole lines: the first one may be cut, and the last."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_MOST))
        lines = file.read(LOG_MOST).split(b"\n")[:-1]
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            note = json.loads(line)
            if isinstance(note, list):
                found.append(note)
    return found
