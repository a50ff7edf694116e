"""Log of accepted letters: a file that a letter is noted in the moment that its receiver takes it, before the database.

A process that is killed between a receiver's answer and the commit leaves its notes; the next one on this machine reads
them before it takes over its claims, and sends none of these letters again. Writes go to the kernel at once, so they
outlive the process; after a loss of power the database alone counts.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import structlog
from django.db import transaction
from django.db.models.functions import Now

from vigil.database.session_lock import living_owners, owner_of
from vigil.status.letters.counts import add_letters
from vigil.status.subscriber_models import OutboxState, SubscriberLetter

FOLDER, _SUFFIX = "letters", ".accepted"
#: A log whose owner is gone is deleted when nothing was added for longer (s).
KEPT_S = 3_600
#: Largest log that is read (bytes).
LOG_MOST = 50_000_000

log = structlog.get_logger()


class AcceptedLog:
    """The log of this process; `owner` is the key of its session lock. Without a folder, or room, nothing is noted."""

    def __init__(self, folder: Path | None, owner: int) -> None:
        self._folder, self._owner = folder, owner
        self._lock = threading.Lock()
        self._file = _opened(folder, owner)

    def note(self, letter: int) -> None:
        """Note an accepted letter by its key; for any thread."""
        with self._lock:
            if self._file is not None:
                try:
                    os.write(self._file, f"{letter}\n".encode())
                except OSError as error:
                    log.warning("letters.not_noted", error=str(error))

    def clear(self) -> None:
        """Forget the notes: all of them are recorded, and nothing is under way."""
        with self._lock:
            if self._file is not None:
                os.ftruncate(self._file, 0)

    def remove(self) -> None:
        """End, where all notes are recorded and nothing is under way. Else it is left open, until the process ends."""
        with self._lock:
            if self._file is None or self._folder is None:
                return
            (self._folder / f"{self._owner}{_SUFFIX}").unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    def recover(self) -> int:
        """Record what processes that are gone had noted; returns how many letters."""
        found = list(_others(self._folder, self._owner))
        living = living_owners() if found else set()
        return sum(_record(path, owner) for path, owner in found if owner not in living)


def _opened(folder: Path | None, owner: int) -> int | None:
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(folder / f"{owner}{_SUFFIX}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        log.warning("letters.not_noted", error=str(error))
        return None


def _others(folder: Path | None, own: int) -> Iterator[tuple[Path, int]]:
    try:
        paths = list(folder.glob(f"*{_SUFFIX}")) if folder is not None else []
    except OSError:
        paths = []
    for path in paths:
        if path.stem.isascii() and path.stem.isdigit() and int(path.stem) != own:
            yield path, int(path.stem)


def _record(path: Path, owner: int) -> int:
    try:
        letters, old = _read(path), time.time() - path.stat().st_mtime > KEPT_S
    except OSError as error:
        log.warning("letters.unreadable", file=path.name, error=str(error))
        return 0
    recorded = _mark_sent(letters, owner)
    if old:
        path.unlink(missing_ok=True)
    if recorded:
        log.warning("letters.recovered", letters=recorded)
    return recorded


def _read(path: Path) -> list[int]:
    """Keys of whole lines: the last one may be cut."""
    lines = path.read_bytes()[:LOG_MOST].split(b"\n")[:-1]
    return [int(line) for line in lines if line.isdigit() and len(line) < 19]


def _mark_sent(letters: Collection[int], owner: int) -> int:
    """Only what that process had claimed: a number alone proves nothing."""
    with transaction.atomic():
        claimed = SubscriberLetter.objects.select_for_update().filter(pk__in=letters, state=OutboxState.SENDING)
        rows = claimed.order_by("pk").values_list("pk", "kind", "lease_token")
        kinds = {key: kind for key, kind, token in rows if owner_of(token) == owner}
        if kinds:
            marked = SubscriberLetter.objects.filter(pk__in=kinds)
            marked.update(state=OutboxState.SENT, sent_at=Now(), lease_until=None, lease_token=None, last_error="")
            add_letters(Counter((kind, OutboxState.SENT.value) for kind in kinds.values()))
    return len(kinds)
