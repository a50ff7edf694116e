"""References of a document: `${env:NAME}` and `${file:path}`, which only the client resolves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vigil.code.core.tree import DocumentError, DocumentProblem, Node

_REFERENCE = re.compile(r"(\$?)\$\{((?:env|file):[^{}]*)\}")
_NAME = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,127}\Z|file:[^\x00-\x1f]{1,500}\Z")
#: Of all references of a document.
REFERENCES_MOST = 10_000


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


def escaped(text: str) -> str:
    """Text that means itself, as a document writes it."""
    return re.sub(r"\$\{(?=(?:env|file):)", "$${", text)
