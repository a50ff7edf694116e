"""Log output of all processes: to the terminal, with the process's name before each line, or to one file each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from vigil.local.programs import Journal

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
_NAME_WIDTH = 14
_FILE_LIMIT = 10 * 1024 * 1024


def to_terminal(stream: TextIO | None = None) -> Journal:
    """Lines on a stream (standard output unless given), coloured by process when it is a terminal."""
    out = stream or sys.stdout
    coloured = out.isatty()
    colours: dict[str, int] = {}

    def write(name: str, line: str) -> None:
        prefix = f"{name:<{_NAME_WIDTH}} |"
        if coloured:
            colour = colours.setdefault(name, _COLOURS[len(colours) % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        out.write(f"{prefix} {_printable(line)}\n")
        out.flush()

    return write


def to_files(folder: Path) -> Journal:
    """One file a process below `folder`, kept across starts; past 10 MiB the present one becomes NAME.old.log."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened: dict[str, TextIO] = {}

    def write(name: str, line: str) -> None:
        path = folder / f"{name}.log"
        file = opened.get(name)
        if file is not None and file.tell() > _FILE_LIMIT:
            file.close()
            path.replace(folder / f"{name}.old.log")
            file = None
        if file is None:
            file = opened[name] = path.open("a", encoding="utf-8", errors="replace")
        file.write(line + "\n")
        file.flush()

    return write


def _printable(line: str) -> str:
    """A process must not be able to steer the terminal."""
    return "".join(char if char.isprintable() or char == "\t" else "?" for char in line)
