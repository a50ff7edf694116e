"""Variables in a Gatus file: `$NAME`, `${NAME}` and `$$`, as Gatus expands them. Pure."""

from __future__ import annotations

import re
from typing import Any

from vigil.importers.core.names import Variables
from vigil.importers.core.report import SourceError

_DOLLAR = re.compile(r"\$(?:(?P<literal>\$)|\{(?P<braced>[A-Za-z_]\w*)\}|(?P<name>[A-Za-z_]\w*))", re.ASCII)


def with_references(document: Any, variables: Variables, place: str = "") -> Any:
    """The document with a reference in the place of every variable; `$$` is a dollar."""
    if isinstance(document, dict):
        return {key: with_references(each, variables, key) for key, each in document.items()}
    if isinstance(document, list):
        return [with_references(each, variables, place) for each in document]
    if not isinstance(document, str) or "$" not in document:
        return document

    def replaced(match: re.Match[str]) -> str:
        if match["literal"]:
            return "$"
        return variables.of_source(match["braced"] or match["name"], f"what Gatus reads for `{place[:60]}`")

    return _DOLLAR.sub(replaced, document)


def refuse_encrypted(document: Any) -> None:
    """Refuse a file that SOPS has encrypted; raises `SourceError`."""
    if isinstance(document, dict) and ("sops" in document or _holds_cipher(document)):
        raise SourceError("the file is encrypted by SOPS: decrypt it first (`sops -d config.yaml > plain.yaml`)")


def _holds_cipher(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_cipher, value.values()))
    if isinstance(value, list):
        return any(map(_holds_cipher, value))
    return isinstance(value, str) and value.startswith("ENC[") and value.endswith("]")


def merged(first: Any, second: Any) -> Any:
    """Two documents as Gatus merges a folder: mappings joined, lists one after the other, else the later value."""
    if isinstance(first, dict) and isinstance(second, dict):
        both = dict(first)
        for key, value in second.items():
            both[key] = merged(first[key], value) if key in first else value
        return both
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    return first if second is None else second
