"""Types of fields in documents: how each is read, stored, written back, and described in the JSON Schema. Pure.

A stored value is plain JSON in the unit of its column, so that a plan can be kept and compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

from vigil.code.core.references import escaped, references_in
from vigil.code.core.tree import Node, nearest, shown
from vigil.strict_json import is_visible_line

KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?\Z")
KEY_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$"
#: Names of regions and of their domains.
PLAIN_NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,39}$"
PUBLIC_ID = re.compile(r"[a-z]{2,7}_[0-9a-hjkmnp-tv-z]{16}\Z")
WORDS_MOST = 1_000
REFERENCE_PATTERN = r"\$\{(env|file):[^{}]+\}"
_NOT_FLAGS = frozenset({"yes", "no", "on", "off", "y", "n"})

Json = dict[str, Any]


class Wrong(ValueError):
    """A value that its field does not take; `place_of` is the node at fault where it is an inner one."""

    def __init__(self, words: str, node: Node | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.node = node


class FieldType(Protocol):
    def read(self, node: Node) -> Any:
        """The stored value; raises `Wrong`."""
        ...

    def written(self, value: Any) -> Any:
        """The value as a document writes it."""
        ...

    def schema(self) -> Json:
        """Its JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class TextType:
    """Text of 1 (0 if `empty`) to `most` characters; as a `line`, one that reads as it is stored."""

    most: int = 200
    empty: bool = False
    line: bool = False

    def read(self, node: Node) -> str:
        text = read_text(node)
        if not text.strip() and not self.empty:
            raise Wrong("must not be empty")
        if len(text) > self.most:
            raise Wrong(f"at most {self.most} characters")
        if self.line and not is_visible_line(text):
            raise Wrong("is one line of visible text, without control characters and those that reorder text")
        return text

    def written(self, value: Any) -> Any:
        return escaped(value)

    def schema(self) -> Json:
        return {"type": "string", "maxLength": self.most, **({} if self.empty else {"minLength": 1})}


@dataclass(frozen=True, slots=True)
class PlainNameType:
    """A name of lower-case letters, digits and hyphens."""

    def read(self, node: Node) -> str:
        text = read_text(node)
        if "\n" in text or not re.match(PLAIN_NAME_PATTERN, text):
            raise Wrong("use 1 to 40 lower-case letters, digits and hyphens, starting with a letter or digit")
        return text

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "string", "pattern": PLAIN_NAME_PATTERN}


@dataclass(frozen=True, slots=True)
class ChoiceType:
    """One of some words."""

    words: tuple[str, ...]

    def read(self, node: Node) -> str:
        text = read_text(node)
        if text not in self.words:
            raise Wrong(f"{shown(text)} is not one of {', '.join(self.words)}{_hint(text, self.words)}")
        return text

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class FlagType:
    def read(self, node: Node) -> bool:
        if not isinstance(node.value, bool):
            text = str(node.value).lower()
            why = f": in YAML 1.2 {shown(node.value)} is text" if node.plain and text in _NOT_FLAGS else ""
            raise Wrong(f"write true or false{why}")
        return node.value

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class NumberType:
    """A number in a range; `whole` without a fraction."""

    least: float
    most: float
    whole: bool = True

    def read(self, node: Node) -> Any:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            raise Wrong("must be a whole number" if self.whole else "must be a number")
        if not self.least <= value <= self.most:
            raise Wrong(f"must be from {self.least:g} to {self.most:g}")
        return value

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "integer" if self.whole else "number", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class ListType:
    """A list of values of one type, without repeats unless `repeats`; `ordered` where the order means something."""

    each: FieldType
    most: int = WORDS_MOST
    ordered: bool = False
    repeats: bool = False

    def read(self, node: Node) -> list[Any]:
        if not isinstance(node.value, list):
            raise Wrong("must be a list")
        if len(node.value) > self.most:
            raise Wrong(f"at most {self.most}")
        found: list[Any] = []
        for part in node.value:
            try:
                value = self.each.read(part)
            except Wrong as wrong:
                raise Wrong(wrong.words, wrong.node or part) from None
            if value in found and not self.repeats:
                raise Wrong(f"{shown(value)} is here twice", part)
            found.append(value)
        return found

    def written(self, value: Any) -> Any:
        return [self.each.written(part) for part in value]

    def schema(self) -> Json:
        return {"type": "array", "items": self.each.schema(), "maxItems": self.most}


def escaped_tree(value: Any) -> Any:
    """A value whose texts mean themselves, as a document writes it."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, list):
        return [escaped_tree(part) for part in value]
    return {name: escaped_tree(part) for name, part in value.items()} if isinstance(value, dict) else value


def holds_reference(value: Any) -> bool:
    """Whether a value still has a reference in it, so that it cannot be judged yet."""
    if isinstance(value, str):
        return bool(references_in(value))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(holds_reference(part) for part in parts)


def read_text(node: Node) -> str:
    """The text of a node; raises `Wrong`."""
    if isinstance(node.value, str):
        return node.value
    if node.value is None:
        raise Wrong("must not be empty")
    raise Wrong("must be text: put it in quotes" if not isinstance(node.value, dict | list) else "must be text")


def _hint(text: str, words: tuple[str, ...]) -> str:
    hint = nearest(text, words)
    return f": {hint}" if hint.startswith("did you") else ""
