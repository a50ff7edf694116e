"""Retirement table of this installation: what is shipped, and the file that VIGIL_RETIREMENTS names, if any."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vigil.configuration import configuration
from vigil.model_watch.core.table import FILE_MOST, RetirementTable, TableFile, TableUnusable, joined, read_table

_SHIPPED = Path(__file__).parent / "retirements.json"


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """The table in use. `problem` says why the file of the installation is not; empty where it is, or none is set."""

    table: RetirementTable
    file: str = ""
    problem: str = ""


def load_table() -> LoadedTable:
    """The table in use, read anew where the file has changed."""
    path = configuration().retirements
    if path is None:
        return _joined(None, 0, 0)
    try:
        stat = path.stat()
    except OSError as problem:
        return LoadedTable(joined(None, shipped()), str(path), f"cannot read {path}: {problem.strerror}")
    return _joined(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1)
def shipped() -> TableFile:
    """What is shipped with this release."""
    return read_table(_SHIPPED.read_bytes(), _SHIPPED.name)


@lru_cache(maxsize=4)
def _joined(path: Path | None, changed_ns: int, size: int) -> LoadedTable:
    if path is None:
        return LoadedTable(joined(None, shipped()))
    try:
        if not path.is_file():
            raise TableUnusable(f"{path} is not a file")
        with path.open("rb") as file:
            own = read_table(file.read(FILE_MOST + 1), path.name)
    except TableUnusable as unusable:
        return LoadedTable(joined(None, shipped()), str(path), str(unusable))
    except OSError as problem:
        return LoadedTable(joined(None, shipped()), str(path), f"cannot read {path}: {problem.strerror or problem}")
    return LoadedTable(joined(own, shipped()), str(path))
