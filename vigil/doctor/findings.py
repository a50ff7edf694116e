"""Finding values: level, text, remedy, and the context of a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import redis


class Level(StrEnum):
    """Severity: fine, worth knowing, soon a problem, or alerts may be late or lost now."""

    WELL = "well"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding in one line, and the remedy."""

    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ExaminationContext:
    """Inputs of a check, besides the database. `database_time` is None while PostgreSQL is away, `disk_free_bytes` if
    unknown; `folders` hold data on this machine."""

    redis: redis.Redis
    database_time: datetime | None
    disk_free_bytes: int | None = None
    folders: tuple[Path, ...] = ()

    @property
    def now(self) -> datetime:
        """The time of PostgreSQL; only checks that need it ask for it."""
        assert self.database_time is not None, "PostgreSQL is away"
        return self.database_time

    @property
    def now_ms(self) -> int:
        return round(self.now.timestamp() * 1000)


Check = Callable[[ExaminationContext], Iterable[Finding]]


def well(text: str) -> Finding:
    return Finding(Level.WELL, text)


def note(text: str, advice: str = "") -> Finding:
    return Finding(Level.NOTE, text, advice)


def warning(text: str, advice: str) -> Finding:
    return Finding(Level.WARNING, text, advice)


def problem(text: str, advice: str) -> Finding:
    return Finding(Level.PROBLEM, text, advice)


def ago(seconds: float) -> str:
    """A duration for people."""
    for name, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"


def size(count: float) -> str:
    """A number of bytes for people."""
    for name, length in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if abs(count) >= length:
            return f"{count / length:.1f} {name}"
    return f"{count / 1e3:.0f} kB"
