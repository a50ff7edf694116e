"""Document model of monitors as code: a tree to objects with all their fields, defaults and groups merged. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vigil.code.core.checks import check_objects
from vigil.code.core.fields.types import KEY, PUBLIC_ID, TextType, Wrong
from vigil.code.core.kind_fields import Reading
from vigil.code.core.kinds import Catalogue
from vigil.code.core.objects import Wanted, read_object, shared_fields
from vigil.code.core.references import references_of, without_values
from vigil.code.core.sections.shape import WATCHED
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.tree import BYTES_MOST, DocumentError, DocumentProblem, Node, TextPlace, nearest, shown

VERSION = 1
DEFAULT_PROJECT = "default"
TOP = ("version", "project", "defaults", "groups", *SECTIONS, "moved")
#: Not written by hand: editors that know only this form of naming a schema.
_IGNORED = frozenset({"$schema"})
_BEGINS = "a document is a map that begins with `version: 1`"
GROUPS_MOST, MOVED_MOST = 500, 20_000

__all__ = ["BYTES_MOST", "DEFAULT_PROJECT", "TOP", "VERSION", "Document", "Wanted", "merged", "read_document"]


@dataclass(frozen=True, slots=True)
class Document:
    """A complete document. `objects` by section and key, in the order in which they are written."""

    project: str
    objects: Mapping[str, Mapping[str, Wanted]]
    moved: Mapping[str, str] = field(default_factory=dict)

    def all(self) -> list[Wanted]:
        """Every object, in the order in which they can be made."""
        return [wanted for section in SECTIONS for wanted in self.objects.get(section, {}).values()]


def merged(parts: list[Node]) -> Node:
    """One tree of several files: maps are merged, and a key that two files have is an error."""
    if len(parts) == 1:
        return parts[0]
    top: dict[str, Node] = {}
    problems: list[DocumentProblem] = []
    for part in parts:
        if part.value is None:
            continue
        if not isinstance(part.value, dict):
            problems.append(DocumentProblem(part.place, "", _BEGINS))
        for name, node in part.members.items():
            present = top.get(name)
            if present is None:
                top[name] = Node(dict(node.value), node.place) if isinstance(node.value, dict) else node
            elif name in ("version", "project") or name in _IGNORED:
                if present.value != node.value:
                    problems.append(DocumentProblem(node.place, name, f"differs from {present.place}"))
            elif isinstance(present.value, dict) and isinstance(node.value, dict):
                for key, value in node.value.items():
                    if key in present.value:
                        there = present.value[key].place
                        problems.append(DocumentProblem(value.place, f"{name}.{key}", f"is already in {there}"))
                    present.value[key] = value
            elif isinstance(present.value, list) and isinstance(node.value, list):
                top[name] = Node([*present.value, *node.value], present.place)
            else:
                problems.append(DocumentProblem(node.place, name, f"is already in {present.place}"))
    if problems:
        raise DocumentError(problems)
    return Node(top, parts[0].place if parts else TextPlace())


def read_document(tree: Node, catalogue: Catalogue, values: Mapping[str, str] | None = None) -> Document:
    """The document of a tree; raises `DocumentError` with every problem.

    `values` are those of references; a field with a reference that has none is not judged.
    """
    references_of(tree)
    reading = Reading(catalogue, values or {})
    if not isinstance(tree.value, dict):
        raise DocumentError([DocumentProblem(tree.place, "", _BEGINS)])
    _check_top(reading, tree)
    project = _project(reading, tree)
    reading.defaults = shared_fields(reading, tree.members.get("defaults"), "defaults")
    groups = _map(reading, tree.members.get("groups"), "groups", GROUPS_MOST)
    reading.groups = {name: shared_fields(reading, node, f"groups.{name}") for name, node in groups.items()}
    objects: dict[str, dict[str, Wanted]] = {}
    for name, section in SECTIONS.items():
        found = _map(reading, tree.members.get(name), name, section.most)
        read = (
            read_object(reading, name, key, node) for key, node in found.items() if _is_key(reading, name, key, node)
        )
        objects[name] = {wanted.key: wanted for wanted in read if wanted is not None}
    objects["routes"] = _in_order(objects["routes"])
    moved = _moved(reading, tree.members.get("moved"), objects)
    _check_shared_keys(reading, objects)
    if not reading.problems:
        check_objects(reading, objects)
    if reading.problems:
        problems = without_values(reading.problems, reading.values)
        raise DocumentError(sorted(problems, key=lambda one: (one.place.file, one.place.line)))
    return Document(project, objects, moved)


def _check_top(reading: Reading, tree: Node) -> None:
    version = tree.members.get("version")
    if version is None:
        reading.refuse(tree, "", "`version: 1` is missing")
    elif version.value != VERSION or isinstance(version.value, bool):
        reading.refuse(version, "version", f"{shown(version.value)} is not known: this Vigil reads version {VERSION}")
    for name, node in tree.members.items():
        if name not in TOP and name not in _IGNORED:
            reading.refuse(node, "", f"unknown key {shown(name)}: {nearest(name, TOP)}")


def _project(reading: Reading, tree: Node) -> str:
    node = tree.members.get("project")
    if node is None:
        return DEFAULT_PROJECT
    try:
        name = TextType(100).read(node)
        if not KEY.match(name):
            raise Wrong("use letters, digits, dots, hyphens and underscores")
    except Wrong as wrong:
        reading.refuse(node, "project", wrong.words)
        return DEFAULT_PROJECT
    return name


def _map(reading: Reading, node: Node | None, path: str, most: int) -> dict[str, Node]:
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        words = "is a map by key, not a list" if isinstance(node.value, list) else "is a map by key"
        reading.refuse(node, path, words)
        return {}
    if len(node.value) > most:
        reading.refuse(node, path, f"at most {most}")
        return {}
    return node.value


def _is_key(reading: Reading, section: str, key: str, node: Node) -> bool:
    if not KEY.match(key):
        words = "a key has the letters a to z, digits, dots, hyphens and underscores, at most 100"
        reading.refuse(node, section, f"{shown(key)}: {words}")
    elif not re.match(SECTIONS[section].key_pattern, key):
        words = "a name here has lower-case letters, digits and hyphens, at most 40"
        reading.refuse(node, section, f"{shown(key)}: {words}")
    elif PUBLIC_ID.match(key):
        reading.refuse(node, section, f"{shown(key)} looks like the id of an object: choose another key")
    else:
        return True
    return False


def _in_order(routes: Mapping[str, Wanted]) -> dict[str, Wanted]:
    """Routes without a position, in the order of the document."""
    return {
        key: replace(wanted, fields={"position": place, **wanted.fields})
        for place, (key, wanted) in zip(itertools.count(10, 10), routes.items(), strict=False)
    }


def _check_shared_keys(reading: Reading, objects: Mapping[str, Mapping[str, Wanted]]) -> None:
    seen: dict[str, Wanted] = {}
    for section in WATCHED:
        for key, wanted in objects[section].items():
            other = seen.setdefault(key, wanted)
            if other is not wanted:
                path = f"{section}.{key}"
                words = f"{other.section} has this key too: monitors, heartbeats and composites share their keys"
                reading.problems.append(DocumentProblem(wanted.place, path, words))


def _moved(reading: Reading, node: Node | None, objects: Mapping[str, Mapping[str, Wanted]]) -> dict[str, str]:
    if node is None or node.value is None:
        return {}
    pairs: list[tuple[Node, object, object]] = []
    if isinstance(node.value, dict):
        pairs = [(new, old, new.value) for old, new in node.value.items()]
    elif isinstance(node.value, list) and all(set(one.members) == {"from", "to"} for one in node.value):
        pairs = [(one, one.members["from"].value, one.members["to"].value) for one in node.value]
    else:
        reading.refuse(node, "moved", "write a map of old keys to new ones, or a list of {from: OLD, to: NEW}")
    found: dict[str, str] = {}
    targets: set[object] = set()
    keys = {key for section in objects.values() for key in section}
    if len(pairs) > MOVED_MOST:
        reading.refuse(node, "moved", f"at most {MOVED_MOST}")
        return {}
    for place, old, new in pairs:
        if not isinstance(old, str) or not KEY.match(old):
            reading.refuse(place, "moved", f"{shown(old)} is no key")
        elif new not in keys:
            reading.refuse(place, "moved", f"{shown(new)} is no key of this document: {nearest(str(new), keys)}")
        elif old in keys or old in found or new in targets:
            reading.refuse(
                place, "moved", f"{shown(old)} to {shown(new)}: each key moves once, and the old one is gone"
            )
        else:
            found[old] = str(new)
            targets.add(new)
    return found
