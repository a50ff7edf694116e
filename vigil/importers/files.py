"""Bounded reading of files and folders: YAML and JSON as plain data, without tags or links that lead out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from vigil.importers.core.report import SourceError
from vigil.importers.core.values import DEPTH_MOST, plain

SIZE_MOST = 32 * 1_048_576
YAML_MOST = 4 * 1_048_576
FILES_MOST, _ENTRIES_MOST = 500, 50_000
#: Values with all aliases written out: a small file can stand for millions.
_VALUES_MOST = 200_000
#: C's loader where it is there: ten times as fast.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_Loader):  # type: ignore[misc]  # which base it is depends on the machine
    """Safe loader by the core schema of YAML 1.2, as the tools read it: `on`, `1:30` and dates are texts."""

    yaml_implicit_resolvers: dict[str, Any] = {}


def _untagged(loader: Any, suffix: str, node: yaml.Node) -> Any:
    """The value of an unknown tag, without the tag."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


def _number(loader: Any, node: yaml.ScalarNode) -> Any:
    written = str(loader.construct_scalar(node)).lower()
    base = {"0x": 16, "0o": 8}.get(written.lstrip("+-")[:2])
    return int(written, base) if base else int(written)


for _tag, _pattern, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    ("int", r"[-+]?(?:[0-9]{1,18}|0x[0-9a-fA-F]{1,15}|0o[0-7]{1,20})\Z", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?\Z", "-+.0123456789"),
    ("null", r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("merge", r"<<\Z", "<"),
):
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_PlainLoader.add_constructor("tag:yaml.org,2002:int", _number)
_PlainLoader.add_multi_constructor("!", _untagged)


def starts_with(path: Path, mark: bytes) -> bool:
    """Whether a regular file begins with that; raises `SourceError`."""
    try:
        if not path.is_file():
            raise SourceError(f"{path} is not a file" if path.exists() else f"there is no file {path}")
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError as problem:
        raise SourceError(f"cannot read {path}: {problem.strerror or problem}") from None


def read_bytes(path: Path, most: int = SIZE_MOST) -> bytes:
    """Content of a regular file; raises `SourceError`."""
    starts_with(path, b"")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as problem:
        raise SourceError(f"cannot read {path}: {problem.strerror or problem}") from None
    if len(content) > most:
        raise SourceError(f"{path} is larger than {most // 1_048_576} MiB: that is no configuration")
    return content


def decoded(content: bytes, name: str) -> str:
    """Text by its byte order mark, else UTF-8; raises `SourceError`."""
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    codec = next((codec for mark, codec in marks if content.startswith(mark)), "utf-8")
    try:
        return content.decode(codec)
    except UnicodeError:
        raise SourceError(f"{name} is not UTF-8 text") from None


def parse_yaml(text: str, name: str) -> Any:
    """A YAML document (several: a list of them) as plain data; raises `SourceError` without quoting the file."""
    if len(text) > YAML_MOST:
        raise SourceError(f"{name} is larger than {YAML_MOST // 1_048_576} MiB: that is no configuration")
    try:
        return _documents(text, name)
    except SourceError:
        if "\t" not in text:
            raise
    # Other parsers take tabs between tokens.
    return _documents(text.replace("\t", "  "), name)


def _documents(text: str, name: str) -> Any:
    try:
        _refuse_size(text, name)
        loader = _PlainLoader(text)
        try:
            documents = []
            while loader.check_node():
                node = loader.get_node()
                if _values(node, {}, set()) > _VALUES_MOST:
                    raise SourceError(f"{name} expands to too many values: write its aliases out")
                documents.append(plain(loader.construct_document(node)))
        finally:
            loader.dispose()
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        why = getattr(problem, "problem", None) or "unreadable"
        hint = ": it is a template, render it first" if "{{" in text else ""
        raise SourceError(f"{name} is not YAML{place}: {why}{hint}") from None
    except RecursionError:
        raise SourceError(f"{name} is nested too deeply") from None
    except (ValueError, LookupError, AttributeError, TypeError) as problem:
        # A value that does not fit the tag that is written before it ends the loader in any of these.
        raise SourceError(f"{name} is not YAML text: {type(problem).__name__}") from None
    return documents[0] if len(documents) == 1 else documents or None


def _refuse_size(text: str, name: str) -> None:
    """Refuse a text that is nested too deeply or holds too much, before it is composed; raises `SourceError`.

    C's composer calls itself at each level, and ends the process where its stack does.
    """
    depth = count = 0
    for event in yaml.parse(text, Loader=_PlainLoader):
        count += isinstance(event, yaml.NodeEvent)
        if count > _VALUES_MOST:
            raise SourceError(f"{name} holds more values than any configuration: nothing was read")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MOST:
                raise SourceError(f"{name} is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def parse_json(text: str, name: str) -> list[Any]:
    """The JSON documents of a text, one after the other, as plain data; raises `SourceError`."""
    decoder, documents, place = json.JSONDecoder(strict=False), [], 0
    while True:
        while place < len(text) and text[place] in " \t\r\n,\x1e":
            place += 1
        if place >= len(text):
            break
        try:
            found, place = decoder.raw_decode(text, place)
        except RecursionError:
            raise SourceError(f"{name} is nested too deeply") from None
        except ValueError as problem:
            line = text.count("\n", 0, getattr(problem, "pos", 0)) + 1
            raise SourceError(f"{name} is not JSON in line {line}: {getattr(problem, 'msg', problem)}") from None
        documents.append(plain(found))
    if not documents:
        raise SourceError(f"{name} is empty")
    return documents


def listed(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Files below a folder, in the order of their paths, without links that lead out of it; raises `SourceError`."""
    root = folder.resolve()
    found = []
    for path in _below(folder):
        # A mounted ConfigMap holds each file twice: the other one is below a folder like `..data`.
        if any(part.startswith("..") for part in path.relative_to(folder).parts):
            continue
        if path.suffix.lower() in suffixes and path.resolve().is_relative_to(root):
            found.append(path)
            if len(found) > FILES_MOST:
                raise SourceError(f"{folder} holds more than {FILES_MOST} files: name the one to import")
    return found


def _below(folder: Path) -> Iterator[Path]:
    try:
        found = list(islice(folder.rglob("*"), _ENTRIES_MOST + 1))
        if len(found) > _ENTRIES_MOST:
            raise SourceError(f"{folder} holds more than {_ENTRIES_MOST} files and folders: name the one to import")
        yield from sorted((path for path in found if path.is_file()), key=lambda path: path.parts)
    except OSError as problem:
        raise SourceError(f"cannot read {folder}: {problem.strerror or problem}") from None


def _values(node: yaml.Node, counted: dict[int, int], open_nodes: set[int]) -> int:
    """Number of values of a node with aliases expanded; raises `SourceError` for a recursive one."""
    known = counted.get(id(node))
    if known is not None:
        return known
    if id(node) in open_nodes:
        raise SourceError("a value of the file contains itself")
    open_nodes.add(id(node))
    total = 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            total += _values(key, counted, open_nodes) + _values(value, counted, open_nodes)
    elif isinstance(node, yaml.SequenceNode):
        total += sum(_values(item, counted, open_nodes) for item in node.value)
    open_nodes.discard(id(node))
    counted[id(node)] = total
    return total
