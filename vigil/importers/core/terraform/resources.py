"""Resources of a Terraform state (version 4) or of `terraform show -json`; sensitive values become variables. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vigil.importers.core.names import Variables
from vigil.importers.core.report import SourceError
from vigil.importers.core.terraform.old_state import modern_form
from vigil.importers.core.values import entries, mapping, mappings, text, whole

_DEPTH_MOST = 30
_STATE = 4


@dataclass(frozen=True, slots=True)
class Resource:
    """One instance of a resource. `sensitive` has the shape of the attributes, with True for what is secret."""

    address: str
    type: str
    attributes: dict[str, Any]
    sensitive: Any = None


def resources_of(document: Any) -> list[Resource]:
    """Every managed resource, in the order of the file; raises `SourceError`."""
    if not isinstance(document, dict):
        raise SourceError("this is neither a Terraform state nor the output of `terraform show -json`")
    if "encrypted_data" in document:
        raise SourceError("the state is encrypted: give the output of `tofu show -json`")
    document = current_form(document)
    if isinstance(document.get("resources"), list) and "format_version" not in document:
        version = whole(document.get("version"))
        if version not in (None, _STATE):
            raise SourceError(f"the state is of version {version}, and {_STATE} is read: write it anew")
        return list(_of_state(document))
    for part in ("planned_values", "values"):
        values = mapping(document.get(part))
        if values:
            return list(_of_module(mapping(values.get("root_module")), 0))
    prior = mapping(mapping(document.get("prior_state")).get("values"))
    if prior:
        return list(_of_module(mapping(prior.get("root_module")), 0))
    raise SourceError("no resources are in it: give a state (`terraform state pull`) or `terraform show -json`")


def current_form(state: dict[str, Any]) -> dict[str, Any]:
    """The state in the form of version 4."""
    is_old = isinstance(state.get("modules"), list) and "resources" not in state
    return modern_form(state) if is_old else state


def with_references(resource: Resource, variables: Variables) -> dict[str, Any]:
    """The attributes with a reference in the place of each text that Terraform marks as sensitive."""
    owner = text(resource.attributes.get("name")) or resource.address
    marks = mapping(resource.sensitive)
    return {
        name: _hidden(value, marks[name], variables, (owner, name)) if name in marks else value
        for name, value in resource.attributes.items()
    }


def _hidden(value: Any, mark: Any, variables: Variables, owner: tuple[str, str]) -> Any:
    if isinstance(value, str):
        return variables.secret(value, *owner) if mark is True and value else value
    if isinstance(value, dict):
        return {
            key: _hidden(each, mark if mark is True else mapping(mark).get(key), variables, (owner[0], key))
            for key, each in value.items()
        }
    if isinstance(value, list):
        marks = mark if isinstance(mark, list) else [mark] * len(value)
        padded = [*marks, *[None] * len(value)]
        return [_hidden(each, one, variables, owner) for each, one in zip(value, padded, strict=False)]
    return value


def _of_state(document: dict[str, Any]) -> Iterator[Resource]:
    for resource in mappings(document["resources"]):
        if text(resource.get("mode")) not in ("", "managed"):
            continue
        kind, name = text(resource.get("type")), text(resource.get("name"))
        module = text(resource.get("module"))
        base = f"{module}.{kind}.{name}" if module else f"{kind}.{name}"
        for instance in mappings(resource.get("instances")):
            index = instance.get("index_key")
            address = base if index is None else f"{base}[{index if isinstance(index, int) else repr(index)}]"
            marks: dict[str, Any] = {}
            for path in entries(instance.get("sensitive_attributes")):
                steps = path if isinstance(path, list) else [path]
                first = mapping(steps[0]) if steps else {}
                # Deeper marks are widened to the whole attribute, which hides at least as much.
                marks[text(first.get("value"))] = True
            yield Resource(address, kind, mapping(instance.get("attributes")), marks)


def _of_module(module: dict[str, Any], depth: int) -> Iterator[Resource]:
    if depth > _DEPTH_MOST:
        raise SourceError("its modules are nested too deeply")
    for resource in mappings(module.get("resources")):
        if text(resource.get("mode")) in ("", "managed"):
            values, marks = mapping(resource.get("values")), resource.get("sensitive_values")
            yield Resource(text(resource.get("address")), text(resource.get("type")), values, marks)
    for child in mappings(module.get("child_modules")):
        yield from _of_module(child, depth + 1)
