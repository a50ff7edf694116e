"""What tests of importers share: a source is read from a file, and its result written and read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from vigil.code.catalogue import catalogue
from vigil.code.core.document import read_document
from vigil.code.core.formats.yaml_text import read_yaml
from vigil.importers.core.draft import Draft
from vigil.importers.core.report import ImportReport, Item
from vigil.importers.core.writer import write
from vigil.importers.faults import VigilFaults
from vigil.importers.registry import IMPORTERS

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Result:
    text: str
    document: dict[str, Any]
    report: ImportReport

    def item(self, name: str) -> Item:
        return next(item for item in self.report.items if item.name == name)

    def why(self, name: str) -> str:
        return " ".join(self.item(name).notes)


def planned(source: str, parsed: Any, origin: str = "a file") -> Result:
    """The result of an import of a parsed document."""
    draft = Draft(source, VigilFaults(NOW))
    IMPORTERS[source].plan(parsed, draft)
    made = draft.imported()
    text = write(made, origin)
    # Whatever comes out is a document that this Vigil takes.
    read_document(read_yaml(text, origin), catalogue())
    return Result(text, YAML(typ="safe").load(text), made.report)


def imported(source: str, path: Path) -> Result:
    """The result of an import of a file or folder."""
    return planned(source, IMPORTERS[source].read(path), path.name)


def written(folder: Path, content: str | bytes, name: str = "config.yaml") -> Path:
    """A file with that content."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def golden(source: str) -> str:
    """The whole file that an import of this source is known to give."""
    return (Path(__file__).parent / "golden" / f"{source}.yaml").read_text()
