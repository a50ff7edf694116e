"""Folder of static files that is replaced while it is read: each file at once, what refers to others last.

What an export has written stands in a list there. It removes what it wrote before and no longer writes, nothing else.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LIST, LISTED_MOST = ".vigil-files.json", 10_000_000
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")


class SiteFolderError(Exception):
    """What is wrong with the folder, in one line."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """Numbers of files: in the folder now, of them changed, and removed."""

    files: int
    changed: int
    removed: int


class SiteFolder:
    """A folder that one export at a time writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def replace(self, files: Mapping[str, bytes]) -> Replaced:
        """Make the folder hold these files, by paths with `/`; raises SiteFolderError."""
        for name in files:
            _check(name)
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with self._alone():
                return self._replace(files)
        except OSError as error:
            raise SiteFolderError(f"cannot write {error.filename or self._path}: {error.strerror or error}") from error

    def _replace(self, files: Mapping[str, bytes]) -> Replaced:
        before = self._listed()
        # Of both, so that one that is cut short leaves nothing that the next does not know.
        self._write(LIST, json.dumps(sorted(before | files.keys())).encode())
        changed = sum(self._write(name, files[name]) for name in sorted(files, key=_refers))
        gone = sorted(before - files.keys(), reverse=True)
        for name in gone:
            self._remove(name)
        self._write(LIST, json.dumps(sorted(files)).encode())
        return Replaced(len(files), changed, len(gone))

    def _listed(self) -> set[str]:
        path = self._path / LIST
        if not path.exists():
            if any(one.name != LIST for one in self._path.iterdir()):
                raise SiteFolderError(f"{self._path} holds files of others: name a folder that is empty, or a new one")
            return set()
        text = path.read_bytes() if path.stat().st_size <= LISTED_MOST and not path.is_symlink() else b""
        try:
            names = json.loads(text)
            for name in names:
                _check(name)
        except (ValueError, TypeError, SiteFolderError):
            raise SiteFolderError(f"{path} is no list of an export: name another folder") from None
        return set(names)

    def _write(self, name: str, body: bytes) -> bool:
        path = self._inside(name)
        if not path.is_symlink() and path.is_file() and path.read_bytes() == body:
            return False
        part = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
                file.write(body)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return True

    def _inside(self, name: str) -> Path:
        """The path of a file, its folders made; none of them is a link that leads elsewhere."""
        folder = self._path
        for part in name.split("/")[:-1]:
            folder /= part
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                raise SiteFolderError(f"{folder} is no folder of its own: remove it, or name another folder")
            folder.mkdir(exist_ok=True)
        return folder / name.rpartition("/")[2]

    def _remove(self, name: str) -> None:
        path = self._inside(name)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self._path or any(folder.iterdir()):
                return
            folder.rmdir()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        held = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise SiteFolderError(f"another export writes {self._path} now") from None
        finally:
            os.close(held)


def _check(name: object) -> None:
    if not isinstance(name, str) or not all(_PART.fullmatch(part) for part in name.split("/")):
        raise SiteFolderError(f"{str(name)[:100]!r} is no name for a file here")


def _refers(name: str) -> tuple[bool, bool, str]:
    """Order of writing: assets, then what needs them, then the pages that lead to the rest."""
    return name.endswith("index.html"), "assets/" not in name, name
