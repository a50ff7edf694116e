"""Published pages: what is served, in memory, and on the disk for the next start."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog

from vigil.status.core.access import PagePlace
from vigil.status.core.document import PublishedPage

log = structlog.get_logger()

_SUFFIX, _PART = ".page", ".part"
#: A part that is older belongs to a process that has ended (s).
_PART_LASTS_S = 60
#: Largest file that is read at a start (bytes).
FILE_MOST = 40_000_000


class PublishedPages:
    """Pages by slug, for threads that serve and one that writes. Without a folder they are in memory alone."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._by_slug: dict[str, PublishedPage] = {}
        self._by_id: dict[str, PublishedPage] = {}
        self._by_domain: dict[str, PublishedPage] = {}

    def find(self, slug: str) -> PublishedPage | None:
        """The page of an address."""
        return self._by_slug.get(slug)

    def of_domain(self, domain: str) -> PublishedPage | None:
        """The page that has this domain of its own."""
        return self._by_domain.get(domain)

    def of_id(self, public_id: str) -> PublishedPage | None:
        """The page of a row."""
        return self._by_id.get(public_id)

    def load(self) -> int:
        """Read what the last process has left, so many pages; what cannot be read is made anew by the next turn."""
        found = [page for path in self._files() if path.suffix == _SUFFIX and (page := _read(path)) is not None]
        # Of two that claim one address, the newer one has it.
        for page in sorted(found, key=lambda one: one.heard_at):
            self._put(page)
        return len(found)

    def publish(self, page: PublishedPage) -> None:
        """Serve this page from now on, also where the disk does not take it."""
        self._put(page)
        if self._folder is None:
            return
        try:
            self._write(self._folder, page)
        except OSError as error:
            log.warning("status_page.not_kept", page=page.id, error=str(error))
            # What lies there is older, and a start must not serve it: its password may be another one.
            _remove(self._folder / f"{page.id}{_SUFFIX}")

    def keep_only(self, wanted: Mapping[str, PagePlace]) -> None:
        """Serve no other pages than these, by their ids; nor one at another place or for other readers.

        Such a page is gone until it is made anew: no reader sees what has been closed, whether or not that succeeds.
        """
        gone = {one.id for one in list(self._by_id.values()) if wanted.get(one.id) != one.place}
        with self._lock:
            for public_id in gone:
                self._take_out(public_id)
        for path in self._files():
            if path.suffix == _SUFFIX and (path.stem in gone or path.stem not in wanted):
                _remove(path)
            if path.suffix == _PART and _is_left(path):
                _remove(path)

    def _files(self) -> list[Path]:
        """What lies in the folder; nothing where it cannot be read."""
        try:
            return list(self._folder.iterdir()) if self._folder is not None and self._folder.is_dir() else []
        except OSError as error:
            log.warning("status_page.unreadable", file="", error=str(error))
            return []

    def _put(self, page: PublishedPage) -> None:
        with self._lock:
            self._take_out(page.id)
            self._by_id[page.id] = self._by_slug[page.slug] = page
            if page.domain:
                self._by_domain[page.domain] = page

    def _take_out(self, public_id: str) -> None:
        before = self._by_id.pop(public_id, None)
        if before is not None and self._by_slug.get(before.slug) is before:
            del self._by_slug[before.slug]
        if before is not None and self._by_domain.get(before.domain) is before:
            del self._by_domain[before.domain]

    def _write(self, folder: Path, page: PublishedPage) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Another process of this machine may write the same page: each has a file of its own until it is whole.
        part = folder / f"{page.id}.{secrets.token_hex(4)}{_PART}"
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.msgpack.encode(page))
            part.replace(folder / f"{page.id}{_SUFFIX}")
        finally:
            part.unlink(missing_ok=True)


def _read(path: Path) -> PublishedPage | None:
    try:
        if path.stat().st_size <= FILE_MOST:
            return msgspec.msgpack.decode(path.read_bytes(), type=PublishedPage)
    except (OSError, msgspec.DecodeError) as error:
        log.warning("status_page.unreadable", file=path.name, error=str(error))
    return None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("status_page.not_removed", file=path.name, error=str(error))


def _is_left(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _PART_LASTS_S
    except OSError:
        # Its writer has just made it whole.
        return False
