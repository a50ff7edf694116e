"""Room on a disk: when it is so small that the operator is told, and in which words. Pure.

A disk is low before it is full: PostgreSQL, Redis and deliver must still be able to write that it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

#: Low is less than this share of the disk, or than so many bytes, whichever is less; the same for files (inodes).
LOW_SHARE, LOW_BYTES = 0.1, 2_000_000_000
LOW_FILES_SHARE, LOW_FILES = 0.05, 50_000
#: Full is less than this: a server cannot start in it.
FULL_BYTES = 8_000_000
#: A disk is well again with this much more than low, so that it does not go to and fro.
WELL_AGAIN = 1.25

#: What the kernel says, in the logs of any server, when a disk takes nothing.
REFUSALS = ("No space left on device", "Disk quota exceeded", "Read-only file system")


class Shortage(StrEnum):
    """What a disk lacks."""

    NONE = "none"
    LOW_ROOM = "low room"
    LOW_FILES = "low files"
    FULL = "full"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk, by a folder on it. `files` are those (inodes) that it can hold; 0: it has no such limit."""

    folder: str
    bytes: int
    bytes_free: int
    files: int = 0
    files_free: int = 0
    read_only: bool = False


def shortage(disk: Disk, was_low: bool = False) -> Shortage:
    """What the disk lacks; one that `was_low` needs somewhat more to be well again."""
    more = WELL_AGAIN if was_low else 1.0
    if disk.read_only:
        return Shortage.READ_ONLY
    if disk.bytes_free < min(FULL_BYTES, disk.bytes * LOW_SHARE) or (disk.files and not disk.files_free):
        return Shortage.FULL
    if disk.bytes_free < min(LOW_BYTES, disk.bytes * LOW_SHARE) * more:
        return Shortage.LOW_ROOM
    if disk.files and disk.files_free < min(LOW_FILES, disk.files * LOW_FILES_SHARE) * more:
        return Shortage.LOW_FILES
    return Shortage.NONE


def short_disks(disks: Iterable[Disk], was_low: bool = False) -> list[Disk]:
    """The disks that lack something."""
    return [disk for disk in disks if shortage(disk, was_low) is not Shortage.NONE]


def in_words(disk: Disk) -> str:
    """How much room there is on a disk, in one sentence."""
    if disk.read_only:
        return f"The disk of {disk.folder} is read-only."
    if disk.files and disk.files_free < min(LOW_FILES, disk.files * LOW_FILES_SHARE) * WELL_AGAIN:
        return f"The disk of {disk.folder} has room for {disk.files_free:,} more files, of {disk.files:,}."
    lacks = shortage(disk, was_low=True)
    state = {Shortage.FULL: "full", Shortage.LOW_ROOM: "nearly full"}.get(lacks, "")
    free = f"{_size(disk.bytes_free)} of {_size(disk.bytes)} are free"
    return f"The disk of {disk.folder} is {state}: {free}." if state else f"{free} on the disk of {disk.folder}."


def refused_by_disk(lines: Iterable[str]) -> str:
    """The first of a server's lines that says that the disk takes nothing; empty when none does."""
    return next((line for line in lines if any(word in line for word in REFUSALS)), "")


def _size(count: float) -> str:
    for name, length in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= length:
            return f"{count / length:.1f} {name}"
    return f"{count / 1e3:.0f} kB"
