"""Types of fields that name other objects or hold several parts: keys, members, steps, objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vigil.code.core.fields.types import (
    KEY,
    KEY_PATTERN,
    WORDS_MOST,
    FieldType,
    Json,
    ListType,
    TextType,
    Wrong,
    escaped_tree,
    read_text,
)
from vigil.code.core.tree import Node, nearest, shown


@dataclass(frozen=True, slots=True)
class KeyType:
    """The key of an object in this document, in one of some sections, or the id of an object that is in none."""

    sections: tuple[str, ...]

    def read(self, node: Node) -> str:
        text = read_text(node)
        if not KEY.match(text):
            raise Wrong(f"{shown(text)} is no key")
        return text

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "string", "pattern": KEY_PATTERN}


@dataclass(frozen=True, slots=True)
class MembersType:
    """Members of a composite: keys, or for a chain links of several keys, of which one is enough.

    Stored as links with a `group` (a name, often empty) and `monitors`.
    """

    ref: KeyType

    def read(self, node: Node) -> list[Json]:
        if not isinstance(node.value, list) or not node.value:
            raise Wrong("must be a list of keys")
        return [self._link(part) for part in node.value]

    def _link(self, node: Node) -> Json:
        keys = ListType(self.ref)
        try:
            if isinstance(node.value, list):
                return {"group": "", "monitors": keys.read(node)}
            if isinstance(node.value, dict):
                strange = next((name for name in node.value if name not in ("group", "any_of")), None)
                if strange or "any_of" not in node.value:
                    raise Wrong("a link is a key, a list of keys, or {group: NAME, any_of: [KEYS]}")
                group = TextType(200, empty=True).read(node.value["group"]) if "group" in node.value else ""
                return {"group": group, "monitors": keys.read(node.value["any_of"])}
            return {"group": "", "monitors": [self.ref.read(node)]}
        except Wrong as wrong:
            raise Wrong(wrong.words, wrong.node or node) from None

    def written(self, value: Any) -> Any:
        return [self._written(link) for link in value]

    def _written(self, link: Json) -> Any:
        if link["group"]:
            return {"group": link["group"], "any_of": link["monitors"]}
        return link["monitors"][0] if len(link["monitors"]) == 1 else link["monitors"]

    def schema(self) -> Json:
        keys: Json = {"type": "array", "items": self.ref.schema()}
        link: Json = {
            "type": "object",
            "properties": {"group": {"type": "string"}, "any_of": keys},
            "required": ["any_of"],
            "additionalProperties": False,
        }
        return {"type": "array", "minItems": 1, "items": {"anyOf": [self.ref.schema(), keys, link]}}


@dataclass(frozen=True, slots=True)
class StepsType:
    """Parts of an object in their order, such as the steps of a policy: a delay and whom to call."""

    fields: Mapping[str, tuple[str, FieldType]] = field(default_factory=dict)
    noun: str = "step"
    most: int = WORDS_MOST

    def read(self, node: Node) -> list[Json]:
        if not isinstance(node.value, list) or not node.value:
            raise Wrong(f"must be a list of {self.noun}s")
        if len(node.value) > self.most:
            raise Wrong(f"at most {self.most}")
        return [self._step(part) for part in node.value]

    def _step(self, node: Node) -> Json:
        found: Json = {}
        if not isinstance(node.value, dict):
            raise Wrong(f"a {self.noun} has {', '.join(self.fields)}", node)
        for name, part in node.value.items():
            if name not in self.fields:
                raise Wrong(f"unknown field {shown(name)}: {nearest(name, self.fields)}", part)
            stored, kind = self.fields[name]
            try:
                found[stored] = kind.read(part)
            except Wrong as wrong:
                raise Wrong(f"{name}: {wrong.words}", wrong.node or part) from None
        return found

    def written(self, value: Any) -> Any:
        return [
            {name: kind.written(step[stored]) for name, (stored, kind) in self.fields.items() if step.get(stored)}
            for step in value
        ]

    def schema(self) -> Json:
        step: Json = {
            "type": "object",
            "properties": {name: kind.schema() for name, (_, kind) in self.fields.items()},
            "additionalProperties": False,
        }
        return {"type": "array", "minItems": 1, "items": step}


@dataclass(frozen=True, slots=True)
class ObjectType:
    """An object that its own write path validates, described by a schema."""

    described: Json = field(default_factory=lambda: {"type": "object"})

    def read(self, node: Node) -> Json:
        if not isinstance(node.value, dict):
            raise Wrong("must be a map")
        found: Json = node.bare()
        return found

    def written(self, value: Any) -> Any:
        return escaped_tree(value)

    def schema(self) -> Json:
        return dict(self.described)
