"""Upptime: `.upptimerc.yml`, or the repository that holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vigil.importers.core.services.upptime import plan
from vigil.importers.files import YAML_MOST, decoded, parse_yaml, read_bytes
from vigil.importers.source import ImportSource


def read(path: Path) -> Any:
    if path.is_dir():
        path = path / ".upptimerc.yml"
    return parse_yaml(decoded(read_bytes(path, YAML_MOST), str(path)), str(path))


def is_like(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("sites"), list)


SOURCE = ImportSource("Upptime: .upptimerc.yml, or the folder that holds it", read, plan, is_like)
