"""YAML reader: text to a tree by the rules of YAML 1.2, bounded against expansion and depth. Pure.

Only `true` and `false` are flags, and dates are text: `no`, `on` and `2026-01-01` stay what they look like.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from vigil.code.core.tree import DEPTH_MOST, KEY_MOST, NODES_MOST, NUMBERS, TEXT_MOST, Node, TextPlace, refuse, shown

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_BASE = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DIGITS_MOST = 20


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read, with its anchor and the number of nodes before it."""

    node: Node
    anchor: str | None
    before: int
    key: tuple[str, TextPlace] | None = None


@dataclass(slots=True)
class _Reading:
    file: str
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int, int]] = field(default_factory=dict)
    count: int = 0
    root: Node | None = None


def read_yaml(text: str, file: str = "") -> Node:
    """The tree of one YAML document; raises `DocumentError` with the line."""
    reading = _Reading(file)
    documents = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                raise refuse(_place(reading, event), "a file holds one document: `---` begins a second one")
            _take(reading, event)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = TextPlace(file, mark.line + 1 if mark else 0)
        said = getattr(problem, "problem", None) or getattr(problem, "reason", None) or "it cannot be read"
        raise refuse(place, f"this is not YAML: {said}") from None
    return reading.root or Node(None, TextPlace(file, 1))


def scalar(text: str) -> Any:
    """The value of a scalar without quotes, by the core schema of YAML 1.2; raises `ValueError`."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if not (first.isdigit() or first in "+-."):
        return text
    if _WHOLE.match(text):
        return int(text) if len(text) <= _DIGITS_MOST else _too_large()
    if _OTHER_BASE.match(text):
        return int(text, 0) if len(text) <= _DIGITS_MOST else _too_large()
    if _DECIMAL.match(text):
        number = float(text)
        return number if math.isfinite(number) else _too_large()
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        raise ValueError("infinity and NaN are no numbers here")
    return text


def _too_large() -> Any:
    raise ValueError("this number is too large")


def _place(reading: _Reading, event: Any) -> TextPlace:
    return TextPlace(reading.file, event.start_mark.line + 1)


def _take(reading: _Reading, event: Any) -> None:
    if isinstance(event, yaml.ScalarEvent):
        _add(reading, _scalar_node(reading, event), event, 1)
    elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
        place = _place(reading, event)
        _refuse_tag(event, place, ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"))
        if len(reading.stack) >= DEPTH_MOST:
            raise refuse(place, f"nested more than {DEPTH_MOST} levels deep")
        if reading.stack and _wants_key(reading.stack[-1]):
            raise refuse(place, "a key is one word of text")
        node = Node({} if isinstance(event, yaml.MappingStartEvent) else [], place)
        reading.stack.append(_Open(node, event.anchor, reading.count))
    elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
        closed = reading.stack.pop()
        size = reading.count - closed.before + 1
        if closed.anchor:
            reading.anchors[closed.anchor] = closed.node, size, _depth_of(closed.node)
        _add(reading, closed.node, None, 1)
    elif isinstance(event, yaml.AliasEvent):
        place = _place(reading, event)
        found = reading.anchors.get(event.anchor or "")
        if found is None:
            raise refuse(place, f"*{str(event.anchor)[:40]} names no anchor that ends before it")
        if len(reading.stack) + found[2] > DEPTH_MOST:
            raise refuse(place, f"nested more than {DEPTH_MOST} levels deep")
        _add(reading, found[0], event, found[1])


def _add(reading: _Reading, node: Node, event: Any, size: int) -> None:
    """Put a finished node where it belongs; an alias counts as often as it is used."""
    reading.count += size
    if reading.count > NODES_MOST:
        raise refuse(node.place, f"the document has more than {NODES_MOST} values, with its aliases written out")
    if isinstance(event, yaml.ScalarEvent) and event.anchor:
        reading.anchors[event.anchor] = node, 1, 0
    if not reading.stack:
        reading.root = node
        return
    top = reading.stack[-1]
    if isinstance(top.node.value, list):
        top.node.value.append(node)
    elif top.key is None:
        top.key = _key(top, node), node.place
    else:
        name, place = top.key
        top.node.value[name] = Node(node.value, place, node.plain)
        top.key = None


def _wants_key(top: _Open) -> bool:
    return isinstance(top.node.value, dict) and top.key is None


def _key(top: _Open, node: Node) -> str:
    name = node.value
    if isinstance(name, bool) or name is None or isinstance(name, float | dict | list):
        raise refuse(node.place, f"the key {shown(name)} is no text: put it in quotes")
    name = str(name)
    if name == "<<":
        raise refuse(node.place, "merge keys (<<) are not part of YAML 1.2: write `defaults` or `groups`")
    if not name or len(name) > KEY_MOST:
        raise refuse(node.place, f"a key has 1 to {KEY_MOST} characters")
    if name in top.node.value:
        first = top.node.value[name].place.line
        raise refuse(node.place, f"the key {shown(name)} is here twice, first in line {first}")
    return name


def _scalar_node(reading: _Reading, event: Any) -> Node:
    place = _place(reading, event)
    _refuse_tag(event, place, ("tag:yaml.org,2002:str", "!"))
    text = event.value
    if len(text) > TEXT_MOST:
        raise refuse(place, f"a text of more than {TEXT_MOST // 1024} KiB")
    if "\0" in text:
        raise refuse(place, "it holds a zero byte (NUL), which no text here may hold")
    plain = event.implicit[0] and event.style in (None, "")
    if not plain:
        return Node(text, place)
    try:
        value = scalar(text)
    except ValueError as problem:
        raise refuse(place, str(problem)) from None
    if isinstance(value, int) and not NUMBERS[0] <= value <= NUMBERS[1]:
        raise refuse(place, "this number is too large")
    return Node(value, place, plain=True)


def _refuse_tag(event: Any, place: TextPlace, known: tuple[str, ...]) -> None:
    if event.tag is not None and event.tag not in known:
        raise refuse(place, f"the tag {shown(event.tag)} is not read: write plain text")


def _depth_of(node: Node) -> int:
    """Levels of mappings and lists in a node. Its depth is bounded already."""
    parts = list(node.value.values()) if isinstance(node.value, dict) else node.value
    inner = [_depth_of(part) for part in parts if isinstance(part.value, dict | list)]
    return 1 + max(inner, default=0)
