"""Update of a YAML document: only what differs is written, and comments and order stay. Pure."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from vigil.code.core.document import Document
from vigil.code.core.fields.types import Json
from vigil.code.core.formats.yaml_writer import WIDTH
from vigil.code.core.objects import Wanted
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.state import comparable


def updated(text: str, written: Document, found: Document, exported: Mapping[str, Any]) -> str:
    """The text with the objects of `found` in place of those of `written`, which it holds.

    `exported` is the plain document of `found`. A text that says the same already is returned as it is.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    tree = yaml.load(text)
    changed = False
    for section in SECTIONS:
        here, there = written.objects.get(section, {}), found.objects.get(section, {})
        nodes = tree.get(section)
        for key in here.keys() - there.keys():
            del nodes[key]
            changed = True
        for key, one in there.items():
            plain = exported[section][key]
            if key not in here:
                if nodes is None:
                    nodes = tree[section] = CommentedMap()
                nodes[key] = plain
                changed = True
            elif _update(nodes, key, (here[key], one), plain):
                changed = True
    if not changed:
        return text
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _is_stale(node: Any, name: str, plain: Json) -> bool:
    """Whether a field that was left as it is, or is a reference without its value, is another one now."""
    stands = name in node or name in ("paused", "enabled")
    return stands and name in plain and node.get(name) != plain[name]


def _update(nodes: Any, key: str, sides: tuple[Wanted, Wanted], plain: Json) -> bool:
    """Write the fields of one object that differ; returns whether any does."""
    here, there = sides
    if here.fields.get("kind") != there.fields.get("kind") or here.fields.get("config") != there.fields.get("config"):
        nodes[key] = plain
        return True
    table = SECTIONS[here.section].fields
    if not isinstance(nodes[key], dict):
        # An object without any field, or a feed as a flag.
        if here.fields == there.fields:
            return False
        nodes[key] = plain
        return True
    changed = False
    for name, field in table.items():
        if name not in there.fields:
            continue
        old, new = here.fields.get(name), there.fields[name]
        if name in here.fields and comparable(field.type, old) != comparable(field.type, new):
            nodes[key][name] = field.type.written(new)
            changed = True
        elif name not in here.fields and _is_stale(nodes[key], name, plain):
            nodes[key][name] = plain[name]
            changed = True
    return changed
