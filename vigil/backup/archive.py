"""File of a backup: a tar of the dump, the manifest and the keys, in this order, so that a cut one lacks its end.

It is written beside its name and renamed when it is whole and on the disk: what has the name is a whole backup.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from vigil.backup.core.contents import SMALL_BYTES_MOST, Manifest, Unusable, decoded_manifest

DUMP, MANIFEST, KEYS = "database.dump", "manifest.json", "keys.json"
CHUNK = 1 << 20
_BLOCK = tarfile.BLOCKSIZE


class BackupWriter:
    """The file while it is written. The dump is first: its size is known, and noted before it, when it has ended."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.dump_bytes = 0
        file.write(bytes(_BLOCK))

    def write_dump(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self.dump_bytes += len(chunk)

    @property
    def dump_sha256(self) -> str:
        return self._digest.hexdigest()

    def finish(self, manifest: bytes, keys: bytes) -> None:
        """Write what follows the dump, and the dump's own head."""
        self._pad(self.dump_bytes)
        for name, content in ((MANIFEST, manifest), (KEYS, keys)):
            self._file.write(_head(name, len(content)))
            self._file.write(content)
            self._pad(len(content))
        self._file.write(bytes(2 * _BLOCK))
        self._file.seek(0)
        self._file.write(_head(DUMP, self.dump_bytes))

    def _pad(self, size: int) -> None:
        self._file.write(bytes(-size % _BLOCK))


@contextlib.contextmanager
def written(path: Path) -> Iterator[BackupWriter]:
    """A file of mode 0600 that gets its name when the block ends well, and leaves nothing when it does not."""
    new = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    try:
        with open(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b", buffering=CHUNK) as file:
            yield BackupWriter(file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


class BackupFile:
    """A backup that was read whole once: its manifest, its keys as they are stored, and the dump."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _reading(path) as archive:
            names = [member.name for member in archive]
            if names != [DUMP, MANIFEST, KEYS]:
                raise Unusable("it is no whole backup: its end is missing, or something else is in it")
            self.encoded_manifest = _small(archive, MANIFEST)
            self.keys = _small(archive, KEYS)
        self.manifest: Manifest = decoded_manifest(self.encoded_manifest)
        self._hold_dump_to_manifest()

    def dump(self) -> Iterator[bytes]:
        """The dump, in chunks."""
        with _reading(self.path) as archive:
            content = archive.extractfile(DUMP)
            assert content is not None
            while chunk := content.read(CHUNK):
                yield chunk

    def _hold_dump_to_manifest(self) -> None:
        digest, size = hashlib.sha256(), 0
        for chunk in self.dump():
            digest.update(chunk)
            size += len(chunk)
        if (size, digest.hexdigest()) != (self.manifest.dump_bytes, self.manifest.dump_sha256):
            raise Unusable("the database in it is not the one that was written: the file was altered or damaged")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError):
        raise Unusable("it is no whole backup: its end is missing, or it is another kind of file") from None


def _small(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.getmember(name)
    content = archive.extractfile(member) if member.isreg() and member.size <= SMALL_BYTES_MOST else None
    if content is None:
        raise Unusable(f"{name} in it is larger than a backup writes")
    return content.read()


def _head(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    # One block, also for a dump above 8 GB: GNU's form has larger numbers.
    return member.tobuf(tarfile.GNU_FORMAT)


def _sync_folder(folder: Path) -> None:
    """The new name too is to survive a power cut; a file system that cannot promise it is no reason to fail."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
