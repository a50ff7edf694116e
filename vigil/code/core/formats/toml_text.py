"""TOML reader: text to a tree, with the lines of tables and keys as far as they can be found. Pure."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from vigil.code.core.tree import DEPTH_MOST, NODES_MOST, NUMBERS, Node, TextPlace, refuse
from vigil.strict_json import InputProblem, check_text

_TABLE = re.compile(r"\s*\[\[?([^\]#]+)\]\]?")
_KEY = re.compile(r"\s*((?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=")
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^\s.\"']+)")
_LINE = re.compile(r"at line (\d+)")


def read_toml(text: str, file: str = "") -> Node:
    """The tree of a TOML document; raises `DocumentError`, with the line where there is one."""
    # First, since the parser takes the square of the parts of a dotted key.
    lines = _lines(text, file)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        line = _LINE.search(str(problem))
        raise refuse(TextPlace(file, int(line[1]) if line else 0), f"this is not TOML: {problem}") from None
    except RecursionError:
        raise refuse(TextPlace(file), f"nested more than {DEPTH_MOST} levels deep") from None
    left = [NODES_MOST]
    return _node(found, (), lines, TextPlace(file, 1), left)


def _lines(text: str, file: str) -> dict[tuple[str, ...], int]:
    """Line of each table and key, by its path; raises `DocumentError` for one of too many parts."""
    table: tuple[str, ...] = ()
    found: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        head, key = _TABLE.match(line), _KEY.match(line)
        if key:
            path = table + _parts(key[1])
        elif head:
            path = table = _parts(head[1])
        else:
            continue
        if len(path) > DEPTH_MOST:
            raise refuse(TextPlace(file, number), f"nested more than {DEPTH_MOST} levels deep")
        for length in range(1, len(path) + 1):
            found.setdefault(path[:length], number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(double or single or bare for double, single, bare in _PART.findall(dotted))


def _node(
    value: Any, path: tuple[str, ...], lines: Mapping[tuple[str, ...], int], above: TextPlace, left: list[int]
) -> Node:
    line = lines.get(path)
    place = TextPlace(above.file, line) if line else above
    left[0] -= 1
    if left[0] < 0:
        raise refuse(place, f"the document has more than {NODES_MOST} values")
    if len(path) > DEPTH_MOST:
        raise refuse(place, f"nested more than {DEPTH_MOST} levels deep")
    if isinstance(value, dict):
        return Node({name: _node(part, (*path, name), lines, place, left) for name, part in value.items()}, place)
    if isinstance(value, list):
        return Node([_node(part, (*path, ""), lines, place, left) for part in value], place)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return Node(value.isoformat(), place)
    if isinstance(value, str):
        try:
            check_text(value)
        except InputProblem as problem:
            raise refuse(place, str(problem)) from None
    elif not isinstance(value, bool) and not NUMBERS[0] <= value <= NUMBERS[1]:
        raise refuse(place, "this number is too large")
    return Node(value, place)
