"""Documents of plans that wait, with the values of their references, as the text that is sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from vigil.code.core.document import Document
from vigil.code.core.objects import Wanted
from vigil.code.core.state import Address
from vigil.code.core.tree import TextPlace
from vigil.code.models import ConfigurationPlan

#: The name of the document among what a plan seals.
_DOCUMENT = "document"


def sealed_document(document: Document, secrets: Mapping[Address, Mapping[str, str]]) -> dict[str, str]:
    """The document as plans keep it, and the values of secrets."""
    objects = [
        {
            "section": one.section, "key": one.key, "fields": one.fields, "secrets": one.secrets,
            "written": one.written, "file": one.place.file, "line": one.place.line,
        }
        for one in document.all()
    ]  # fmt: skip
    plain = {"project": document.project, "objects": objects, "moved": document.moved}
    values = {_path(address, name): value for address, named in secrets.items() for name, value in named.items()}
    return {_DOCUMENT: json.dumps(plain, separators=(",", ":")), **values}


def is_complete(row: ConfigurationPlan) -> bool:
    """Whether a plan that is not applied has its document in the present form."""
    return _DOCUMENT in row.sealed


def document_of(row: ConfigurationPlan) -> tuple[Document, dict[Address, dict[str, str]]]:
    """The document of a stored plan, and the values of its secrets."""
    objects: dict[str, dict[str, Wanted]] = {}
    stored = json.loads(row.sealed[_DOCUMENT])
    for one in stored["objects"]:
        place = TextPlace(one["file"], one["line"])
        wanted = Wanted(one["section"], one["key"], one["fields"], one["secrets"], place, written=one["written"])
        objects.setdefault(wanted.section, {})[wanted.key] = wanted
    secrets = {
        (section, key): {name: row.sealed[_path((section, key), name)] for name in wanted.secrets}
        for section, keys in objects.items()
        for key, wanted in keys.items()
        if wanted.secrets
    }
    return Document(stored["project"], objects, stored["moved"]), secrets


def _path(address: Address, name: str) -> str:
    return f"{address[0]}/{address[1]}/{name}"
