"""Gatus: a `config.yaml`, a folder of them, or a Kubernetes ConfigMap that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vigil.importers.core.gatus.document import SECTIONS, plan
from vigil.importers.core.gatus.environment import merged, refuse_encrypted
from vigil.importers.core.report import SourceError
from vigil.importers.core.values import entries, mapping, mappings
from vigil.importers.files import YAML_MOST, decoded, listed, parse_yaml, read_bytes
from vigil.importers.source import ImportSource


def read(path: Path) -> Any:
    """The configuration, merged; a file in it that is encrypted is refused before it is merged."""
    paths = listed(path, (".yaml", ".yml")) if path.is_dir() else [path]
    document: Any = None
    for each in paths:
        found = unwrapped(parse_yaml(decoded(read_bytes(each, YAML_MOST), str(each)), str(each)), str(each))
        refuse_encrypted(found)
        document = merged(document, found)
    return document


def unwrapped(document: Any, name: str) -> Any:
    """What the ConfigMaps of a Kubernetes manifest hold; else the document itself."""
    maps = (
        [each for each in mappings(document) if each.get("kind") == "ConfigMap"] if isinstance(document, list) else []
    )
    if isinstance(document, dict) and document.get("kind") == "ConfigMap":
        maps = [document]
    if not maps:
        return _of_values(document)
    inside: Any = None
    for each in maps:
        for file, content in mapping(each.get("data")).items():
            if file.endswith((".yaml", ".yml")) and isinstance(content, str):
                inside = merged(inside, parse_yaml(content, f"{name}: {file}"))
    return inside


def _of_values(document: Any) -> Any:
    """What the values of a chart hold below `config`; else the document itself."""
    for values in (document, mapping(mapping(document).get("spec")).get("values")):
        inside = mapping(mapping(values).get("config"))
        if any(isinstance(inside.get(name), list) for name in SECTIONS):
            return inside
    return document


def is_like(document: Any) -> bool:
    try:
        found = unwrapped(document, "the file")
    except SourceError:
        return False
    if not isinstance(found, dict):
        return False
    steps = [step for suite in mappings(found.get("suites")) for step in entries(suite.get("endpoints"))]
    listed_in = [each for name in SECTIONS if isinstance(found.get(name), list) for each in found[name]]
    return any("conditions" in each for each in mappings([*listed_in, *steps]))


SOURCE = ImportSource("Gatus: config.yaml, or a folder of such files", read, plan, is_like)
