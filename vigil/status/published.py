"""Published pages: what is served, in memory, and on the disk for the next start."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec
import structlog

from vigil.status.core.document import PublishedPage

log = structlog.get_logger()

_SUFFIX = ".page"
#: Largest file that is read at a start (bytes).
FILE_MOST = 20_000_000


class PublishedPages:
    """Pages by slug, for threads that serve and one that writes. Without a folder they are in memory alone."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._by_slug: dict[str, PublishedPage] = {}
        self._by_id: dict[str, PublishedPage] = {}

    def find(self, slug: str) -> PublishedPage | None:
        """The page of an address."""
        return self._by_slug.get(slug)

    def of_id(self, public_id: str) -> PublishedPage | None:
        """The page of a row."""
        return self._by_id.get(public_id)

    def load(self) -> None:
        """Read what the last process has left; what cannot be read is made anew by the next turn."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                if path.stat().st_size <= FILE_MOST:
                    page = msgspec.msgpack.decode(path.read_bytes(), type=PublishedPage)
                    self._put(page)
            except (OSError, msgspec.DecodeError) as error:
                log.warning("status_page.unreadable", file=path.name, error=str(error))

    def publish(self, page: PublishedPage) -> None:
        """Serve this page from now on; raises `OSError` where the disk takes it not, after it is served."""
        self._put(page)
        if self._folder is not None:
            self._write(self._folder, page)

    def keep_only(self, ids: Iterable[str]) -> None:
        """Serve no other pages than these."""
        gone = self._by_id.keys() - set(ids)
        with self._lock:
            for public_id in gone:
                self._take_out(public_id)
        for public_id in gone:
            if self._folder is not None:
                with contextlib.suppress(FileNotFoundError):
                    (self._folder / f"{public_id}{_SUFFIX}").unlink()

    def _put(self, page: PublishedPage) -> None:
        with self._lock:
            self._take_out(page.id)
            self._by_id[page.id] = self._by_slug[page.slug] = page

    def _take_out(self, public_id: str) -> None:
        before = self._by_id.pop(public_id, None)
        if before is not None and self._by_slug.get(before.slug) is before:
            del self._by_slug[before.slug]

    def _write(self, folder: Path, page: PublishedPage) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Another process of this machine may write the same page: each has a file of its own until it is whole.
        part = folder / f"{page.id}.{secrets.token_hex(4)}.part"
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.msgpack.encode(page))
            part.replace(folder / f"{page.id}{_SUFFIX}")
        finally:
            part.unlink(missing_ok=True)
