"""Disks of this machine: the room on those that hold Vigil's data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from vigil.incidents.core.disks import Disk

_LOOPBACK = ("", "localhost", "127.0.0.1", "::1")


def disk_of(folder: Path) -> Disk | None:
    """The disk of a folder, or of the nearest one above it that exists; None when it cannot be asked."""
    for place in (folder, *folder.parents):
        try:
            found = os.statvfs(place)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return Disk(
            folder=str(folder),
            bytes=found.f_blocks * found.f_frsize,
            bytes_free=found.f_bavail * found.f_frsize,
            files=found.f_files,
            files_free=found.f_favail,
            read_only=bool(found.f_flag & os.ST_RDONLY),
        )
    return None


def disks_of(folders: Iterable[Path]) -> list[Disk]:
    """The disks of these folders, each once: the first folder on it names it."""
    found: dict[int, Disk] = {}
    for folder in folders:
        disk = disk_of(folder)
        if disk is not None and disk.bytes:
            found.setdefault(_device(folder), disk)
    return list(found.values())


def writable(disk: Disk) -> Disk:
    """The disk as those see it who write to it elsewhere: a container's own root may be read-only for it alone."""
    return Disk(disk.folder, disk.bytes, disk.bytes_free, disk.files, disk.files_free)


def postgres_folder() -> Path | None:
    """PostgreSQL's data folder, where it is on this machine and may be known. Raises the database's errors."""
    from django.db import ProgrammingError, connection

    if connection.settings_dict["HOST"] not in _LOOPBACK:
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW data_directory")
            folder = Path(cursor.fetchone()[0])
    except ProgrammingError:
        return None
    # Behind a forwarded port it is the path in another file system.
    return folder if folder.parent.exists() else None


def watched(folders: Sequence[Path]) -> list[Disk]:
    """The disks of these folders; without any, the disk that this machine shows as its root."""
    if folders:
        return disks_of(folders)
    # In a container this is the disk of its engine, and that of the volumes beside it.
    root = disk_of(Path("/"))
    return [writable(root)] if root is not None and root.bytes_free else []


def _device(folder: Path) -> int:
    for place in (folder, *folder.parents):
        try:
            return place.stat().st_dev
        except OSError:
            continue
    return 0
