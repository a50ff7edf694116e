"""Documents of commands: the file that is asked for, its problems as lines, and what its references stand for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from vigil.cli.errors import CommandError
from vigil.code.core.tree import DocumentError, DocumentProblem
from vigil.code.load import DEFAULT, LoadedFiles, load

#: Of the addresses of schemas in files: an editor asks the installation that the file is for.
SCHEMA_PATH = "/api/v1/schema.json"


def add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, nargs="?", default=Path(DEFAULT), metavar="FILE",
        help=f"a .yaml, .json or .toml file, or a folder of them (default: {DEFAULT})",
    )  # fmt: skip


def load_or_refuse(path: Path) -> LoadedFiles:
    """The files as one tree; raises CommandError with every problem."""
    try:
        return load(path)
    except DocumentError as refused:
        raise as_error(refused.problems) from None


def as_error(problems: Iterable[DocumentProblem]) -> CommandError:
    """All problems on standard error, and the error that says how many."""
    found = list(problems)
    for problem in found[1:]:
        print(f"vigil: {problem}", file=sys.stderr)
    return CommandError(str(found[0]))
