"""Terraform and OpenTofu: a state file, the output of `show -json` of a state or a plan, or a folder of states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vigil.importers.core.draft import Draft
from vigil.importers.core.report import SourceError
from vigil.importers.core.terraform.document import plan as plan_document
from vigil.importers.core.terraform.resources import current_form, resources_of
from vigil.importers.core.values import mapping
from vigil.importers.files import decoded, listed, parse_json, read_bytes
from vigil.importers.source import ImportSource


def read(path: Path) -> Any:
    """The document; of a folder, one state with the resources of all of them."""
    if path.suffix == ".tf":
        raise SourceError(f"{path} is a program: give its state (`terraform state pull`) or `terraform show -json`")
    if not path.is_dir():
        return parse_json(decoded(read_bytes(path), str(path)), str(path))[0]
    states = [read(each) for each in listed(path, (".tfstate",)) if ".terraform" not in each.parts]
    if not states:
        raise SourceError(f"{path} holds no .tfstate file")
    for state in states:
        resources_of(state)
    return {"version": 4, "resources": [each for state in states for each in current_form(state).get("resources", [])]}


def plan(document: Any, draft: Draft) -> None:
    plan_document(document, draft)


def is_like(document: Any) -> bool:
    return isinstance(document, dict) and (
        "terraform_version" in document
        or "planned_values" in document
        or "root_module" in mapping(document.get("values"))
    )


SOURCE = ImportSource("Terraform or OpenTofu: a state, or the output of `show -json`", read, plan, is_like)
