"""Files of documents: one file or a folder to a tree, and the values of its references on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vigil.code.core.document import merged
from vigil.code.core.formats.json_text import read_json_text
from vigil.code.core.formats.toml_text import read_toml
from vigil.code.core.formats.yaml_text import read_yaml
from vigil.code.core.references import references_of
from vigil.code.core.tree import BYTES_MOST, DocumentError, DocumentProblem, Node, TextPlace, refuse
from vigil.strict_json import InputProblem, check_text

READERS = {".yaml": read_yaml, ".yml": read_yaml, ".json": read_json_text, ".toml": read_toml}
DEFAULT = "vigil.yaml"
FILES_MOST = 500
NAMES_MOST = 20_000
VALUE_BYTES_MOST = 65_536


@dataclass(frozen=True, slots=True)
class LoadedFiles:
    """A tree of files, and the folder below which `${file:...}` may read."""

    tree: Node
    folder: Path
    files: tuple[Path, ...]


def load(path: Path) -> LoadedFiles:
    """Read a file, or all files of a folder in the order of their names; raises `DocumentError`."""
    files = _files(path)
    folder = path if path.is_dir() else path.parent
    parts, left = [], BYTES_MOST
    for file in files:
        content = _content(file, left)
        left -= len(content)
        name = str(file.relative_to(folder)) if path.is_dir() else file.name
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise refuse(TextPlace(name), "it is not UTF-8") from None
        parts.append(READERS[file.suffix.lower()](text, name))
    return LoadedFiles(merged(parts), folder, tuple(files))


def values_of(source: LoadedFiles, environment: Mapping[str, str]) -> tuple[dict[str, str], list[DocumentProblem]]:
    """Values of all references on this machine, and a problem for each that has none. Values are never shown."""
    values: dict[str, str] = {}
    problems: list[DocumentProblem] = []
    for name, node in references_of(source.tree).items():
        scheme, _, rest = name.partition(":")
        if scheme == "env":
            found = environment.get(rest)
            words = f"the environment variable {rest} is {'not set' if found is None else 'empty'}"
        else:
            found, words = _value_of_file(source.folder, rest)
        if found and not _is_text(found):
            found, words = None, "its value holds a zero byte, or is no UTF-8"
        if found:
            values[name] = found
        else:
            problems.append(DocumentProblem(node.place, "", words))
    return values, problems


def _is_text(value: str) -> bool:
    try:
        check_text(value)
    except InputProblem:
        return False
    return True


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise refuse(TextPlace(str(path)), "there is no such file: `manage.py init` writes a first one")
    if not path.is_dir():
        if path.suffix.lower() not in READERS:
            raise refuse(TextPlace(str(path)), f"a document ends in {', '.join(READERS)}")
        if not path.is_file():
            # A pipe or a device could keep the command waiting without an end.
            raise refuse(TextPlace(str(path)), "it is no regular file")
        return [path]
    found = sorted(file for file in _shown_below(path) if file.suffix.lower() in READERS and file.is_file())
    if not found:
        raise refuse(TextPlace(str(path)), f"the folder has no file that ends in {', '.join(READERS)}")
    if len(found) > FILES_MOST:
        raise refuse(TextPlace(str(path)), f"the folder has more than {FILES_MOST} files")
    return found


def _shown_below(folder: Path) -> Iterator[Path]:
    """Names below a folder, without those that are hidden; raises `DocumentError` in a folder that holds too many."""
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        seen += len(folders) + len(files)
        if seen > NAMES_MOST:
            raise refuse(TextPlace(str(folder)), f"the folder holds more than {NAMES_MOST:,} files and folders")
        yield from (Path(place, name) for name in files if not name.startswith("."))


def _content(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as problem:
        raise refuse(TextPlace(str(file)), f"it cannot be read: {problem.strerror or problem}") from None
    if len(content) > most:
        raise refuse(TextPlace(str(file)), f"the document is larger than {BYTES_MOST // 1_048_576} MiB")
    return content


def _value_of_file(folder: Path, name: str) -> tuple[str | None, str]:
    """Content of a file below the folder, without its last line break; or why there is none."""
    shown = f"${{file:{name[:60]}}}"
    try:
        path = (folder / name).resolve(strict=True)
        if not path.is_relative_to(folder.resolve()):
            return None, f"{shown} is outside the folder of the document"
        if not path.is_file():
            return None, f"{shown} is no file"
        with path.open("rb") as opened:
            content = opened.read(VALUE_BYTES_MOST + 1)
    except (OSError, ValueError, RuntimeError) as problem:
        return None, f"{shown} cannot be read: {getattr(problem, 'strerror', None) or 'no such file'}"
    if len(content) > VALUE_BYTES_MOST:
        return None, f"{shown} is larger than {VALUE_BYTES_MOST // 1024} KiB"
    try:
        return content.decode().removesuffix("\n").removesuffix("\r") or None, f"{shown} is empty"
    except UnicodeDecodeError:
        return None, f"{shown} is not UTF-8"


__all__ = ["DEFAULT", "DocumentError", "LoadedFiles", "load", "values_of"]
