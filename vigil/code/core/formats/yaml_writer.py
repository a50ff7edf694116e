"""YAML writer: a document to stable text, with short lists and maps in one line. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from vigil.code.core.formats.yaml_text import scalar

WIDTH = 110
#: What a plain scalar may hold, also within brackets; anything else is quoted.
_PLAIN = re.compile(r"[A-Za-z0-9_/.+$(][A-Za-z0-9_/.+$@()=;:<>~^%?&*!-]*(?: [A-Za-z0-9_/.+$@()=;:<>~^%?&*!-]+)*\Z")
_COLON = re.compile(r":(?: |\Z)")
#: Words that other readers take for flags.
_OLD_FLAGS = frozenset({"yes", "no", "on", "off", "y", "n"})
_LITERAL = re.compile(r"\S[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]*\n\Z")
_UNSEEN = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def to_yaml(document: Mapping[str, Any], schema: str = "") -> str:
    """The document as YAML; with `schema`, the line by which editors find it. Values are plain JSON."""
    head = f"# yaml-language-server: $schema={schema}\n" if schema else ""
    return head + "".join(f"{line}\n" for line in _map(document, 0)) if document else head + "{}\n"


def _map(value: Mapping[str, Any], depth: int) -> list[str]:
    lines: list[str] = []
    for name, part in value.items():
        lines += _entry(f"{'  ' * depth}{in_yaml(name)}:", part, depth, flow=depth > 0)
    return lines


def _entry(head: str, part: Any, depth: int, flow: bool) -> list[str]:
    """A value after its key or dash: in the same line where it is short, else below."""
    if isinstance(part, str) and part.count("\n") > 1 and _LITERAL.match(part) and not part.endswith("\n\n"):
        indent = "  " * (depth + 1)
        return [f"{head} |", *(f"{indent}{line}" if line else "" for line in part[:-1].split("\n"))]
    if not isinstance(part, dict | list) or not part:
        return [f"{head} {in_yaml(part)}"]
    line = f"{head} {in_yaml(part)}"
    if len(line) <= WIDTH and (isinstance(part, list) or flow) and "\\n" not in line:
        return [line]
    if isinstance(part, dict):
        return [head, *_map(part, depth + 1)]
    lines = [head]
    for each in part:
        lines += _item(each, depth + 1)
    return lines


def _item(each: Any, depth: int) -> list[str]:
    lead = f"{'  ' * depth}-"
    line = f"{lead} {in_yaml(each)}"
    if len(line) <= WIDTH or not isinstance(each, dict) or not each:
        return [line]
    first, *rest = _map(each, depth + 1)
    return [f"{lead} {first.lstrip()}", *rest]


def in_yaml(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{in_yaml(name)}: {in_yaml(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(in_yaml, value)) + "]"
    return json.dumps(value)


def _text(value: str) -> str:
    if _PLAIN.match(value) and not _COLON.search(value) and value.lower() not in _OLD_FLAGS and _is_text(value):
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _is_text(value: str) -> bool:
    """Whether it stays text without quotes, for this reader and for those of YAML 1.1, which know more numbers."""
    if value[0].isdigit() or value[0] in "+.":
        return bool(re.match(r"[0-9]+(ms|s|m|h|d)([0-9]+(ms|s|m|h|d))*\Z", value))
    try:
        return isinstance(scalar(value), str)
    except ValueError:
        return False
