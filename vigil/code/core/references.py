"""References of a document: `${env:NAME}` and `${file:path}`, which only the client resolves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from vigil.code.core.tree import DocumentError, DocumentProblem, Node

_REFERENCE = re.compile(r"(\$?)\$\{((?:env|file):[^{}]*)\}")
_NAME = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,127}\Z|file:[^\x00-\x1f]{1,500}\Z")
#: Of all references of a document.
REFERENCES_MOST = 10_000
#: Shorter values are ordinary words; longer ones may be quoted in part.
_QUOTED_LEAST, _QUOTED_MOST = 4, 12


def references_in(text: str) -> list[str]:
    """References of a text, such as `env:NAME`; `$${env:NAME}` is none, but the text `${env:NAME}`."""
    if "${" not in text:
        return []
    return [name for escaped, name in _REFERENCE.findall(text) if not escaped]


def references_of(tree: Node) -> dict[str, Node]:
    """Every reference of a tree with the first node that holds it; raises `DocumentError` for one of wrong form."""
    found: dict[str, Node] = {}
    wrong: list[DocumentProblem] = []
    for node in texts(tree):
        for name in references_in(node.value):
            if _NAME.match(name) is None:
                wrong.append(
                    DocumentProblem(node.place, "", f"${{{name[:60]}}}: write ${{env:NAME}} or ${{file:path}}")
                )
            found.setdefault(name, node)
    if len(found) > REFERENCES_MOST:
        wrong.append(DocumentProblem(tree.place, "", f"more than {REFERENCES_MOST} references"))
    if wrong:
        raise DocumentError(wrong)
    return found


def texts(tree: Node) -> Iterator[Node]:
    """Every node of text, outermost first."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node.value, dict):
            left.extend(reversed(node.value.values()))
        elif isinstance(node.value, list):
            left.extend(reversed(node.value))
        elif isinstance(node.value, str):
            yield node


def resolved(text: str, values: Mapping[str, str]) -> str:
    """The text with its references replaced; one without a value stays as it is written."""
    if "${" not in text:
        return text

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return f"${{{found[2]}}}"
        return values.get(found[2], found[0])

    return _REFERENCE.sub(value, text)


def with_values(node: Node, values: Mapping[str, str]) -> Node:
    """A tree with the values of its references; `written` tells where they were."""
    if isinstance(node.value, str):
        if not references_in(node.value):
            return Node(resolved(node.value, values), node.place, node.plain) if "${" in node.value else node
        return Node(resolved(node.value, values), node.place, node.plain, node.value)
    if not isinstance(node.value, dict | list):
        return node
    found: dict[str, Node] | list[Node]
    if isinstance(node.value, dict):
        found = {name: with_values(part, values) for name, part in node.value.items()}
        parts = list(found.values())
    else:
        found = parts = [with_values(part, values) for part in node.value]
    has_references = any(part.written is not None for part in parts)
    return Node(found, node.place, written=node.bare() if has_references else None)


def concealed(words: str, values: Mapping[str, str]) -> str:
    """Words that quote no value of a reference, which may be a secret."""
    for name, value in values.items():
        if len(value) >= _QUOTED_LEAST and value[:_QUOTED_MOST] in words:
            return f"what ${{{name}}} stands for does not fit here"
    return words


def without_values(problems: Iterable[DocumentProblem], values: Mapping[str, str]) -> list[DocumentProblem]:
    """Problems in words that quote no value of a reference."""
    return [replace(one, words=concealed(one.words, values)) for one in problems]


def escaped(text: str) -> str:
    """Text that means itself, as a document writes it."""
    return re.sub(r"\$\{(?=(?:env|file):)", "$${", text)
