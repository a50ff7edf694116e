"""JSON reader: text to a tree with the line of every key. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from vigil.code.core.tree import DEPTH_MOST, NODES_MOST, TEXT_MOST, Node, TextPlace, refuse, shown
from vigil.strict_json import InputProblem, read_json

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_WORD = re.compile(r"[-+.0-9A-Za-z]+")


@dataclass(slots=True)
class _Text:
    text: str
    file: str
    at: int = 0
    counted: int = 0
    line: int = 1
    nodes: int = 0

    def place(self) -> TextPlace:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return TextPlace(self.file, self.line)

    def skip(self) -> str:
        """Skip white space; returns the next character, "" at the end."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]


def read_json_text(text: str, file: str = "") -> Node:
    """The tree of a JSON document; raises `DocumentError` with the line."""
    reading = _Text(text, file)
    reading.skip()
    node = _value(reading, 0)
    if reading.skip():
        raise refuse(reading.place(), "this is not JSON: something follows the document")
    return node


def _value(reading: _Text, depth: int) -> Node:
    place = reading.place()
    reading.nodes += 1
    if depth > DEPTH_MOST:
        raise refuse(place, f"nested more than {DEPTH_MOST} levels deep")
    if reading.nodes > NODES_MOST:
        raise refuse(place, f"the document has more than {NODES_MOST} values")
    character = reading.skip()
    if character == "{":
        return Node(_mapping(reading, depth), place)
    if character == "[":
        return Node(_list(reading, depth), place)
    if character == '"':
        return Node(_text(reading), place)
    return Node(_word(reading), place)


def _mapping(reading: _Text, depth: int) -> dict[str, Node]:
    found: dict[str, Node] = {}
    reading.at += 1
    while reading.skip() != "}":
        if found:
            _expect(reading, ",")
        if reading.skip() != '"':
            raise refuse(reading.place(), "this is not JSON: a key in quotes is expected")
        place = reading.place()
        name = _text(reading)
        if name in found:
            raise refuse(place, f"the key {shown(name)} is here twice, first in line {found[name].place.line}")
        reading.skip()
        _expect(reading, ":")
        reading.skip()
        node = _value(reading, depth + 1)
        found[name] = Node(node.value, place)
    reading.at += 1
    return found


def _list(reading: _Text, depth: int) -> list[Node]:
    found: list[Node] = []
    reading.at += 1
    while reading.skip() != "]":
        if found:
            _expect(reading, ",")
            reading.skip()
        found.append(_value(reading, depth + 1))
    reading.at += 1
    return found


def _expect(reading: _Text, sign: str) -> None:
    if reading.text[reading.at : reading.at + 1] != sign:
        raise refuse(reading.place(), f"this is not JSON: {sign!r} is expected")
    reading.at += 1


def _text(reading: _Text) -> str:
    place = reading.place()
    found = _STRING.match(reading.text, reading.at)
    if found is None:
        raise refuse(place, "this is not JSON: a text does not end")
    reading.at = found.end()
    try:
        text = str(read_json(found[0]))
    except InputProblem as problem:
        raise refuse(place, str(problem)) from None
    if len(text) > TEXT_MOST:
        raise refuse(place, f"a text of more than {TEXT_MOST // 1024} KiB")
    return text


def _word(reading: _Text) -> Any:
    found = _WORD.match(reading.text, reading.at)
    if found is None:
        raise refuse(reading.place(), "this is not JSON: a value is expected")
    reading.at = found.end()
    try:
        return read_json(found[0])
    except InputProblem as problem:
        raise refuse(reading.place(), f"this is not JSON: {problem}") from None
