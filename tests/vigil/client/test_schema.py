"""The client's objects and addresses are those of the OpenAPI document."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec
import pytest
from drf_spectacular.generators import SchemaGenerator

from vigil.client import calls, models

#: The component that each object is read from.
COMPONENTS = {
    models.Monitor: "Monitor",
    models.MonitorKind: "MonitorKind",
    models.Incident: "Incident",
    models.Silence: "Silence",
    models.Region: "Region",
    models.Window: "Window",
    models.Answered: "Answer",
    models.Trial: "Trial",
    models.TrialRegion: "TrialRegion",
    models.TrialAssertion: "TrialAssertion",
    models.TrialVerdict: "TrialVerdict",
}
ID = "an_id"


@pytest.fixture(scope="module")
def document() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.mark.parametrize(("object_type", "name"), COMPONENTS.items())
def test_every_field_of_an_object_is_one_of_the_document(document: Any, object_type: type, name: str) -> None:
    there = document["components"]["schemas"][name]["properties"]
    read = {field.encode_name: field.required for field in msgspec.structs.fields(object_type)}
    assert set(read) <= set(there)


def test_every_call_is_an_operation_of_the_document(document: Any) -> None:
    there = {
        (method.upper(), re.sub(r"\{[^}]+\}", ID, path.removeprefix("/api/v1/")))
        for path, operations in document["paths"].items()
        for method in operations
    }
    made = [function for name, function in vars(calls).items() if inspect.isfunction(function) and name != "quote"]
    asked = {_address(function) for function in made if function.__module__ == calls.__name__}
    assert len(asked) > 10 and asked <= there


def _address(function: Any) -> tuple[str, str]:
    named = {"public_id": ID, "text": "x", "minutes": 5}
    wanted = inspect.signature(function).parameters
    call = function(**{name: value for name, value in named.items() if name in wanted})
    return ("GET", call.path) if isinstance(call, calls.Listing) else (call.method, call.path)
