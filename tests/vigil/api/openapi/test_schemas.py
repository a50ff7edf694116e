"""Schemas of the OpenAPI document: none without a shape, and no parameter or number of a request without bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from vigil.api.openapi.document import document, operations

Json = dict[str, Any]

#: Objects that are free, and why.
FREE = {
    "FieldChange.new": "a field of any object, so any value",
    "FieldChange.old": "a field of any object, so any value",
    "MonitorKind.schema": "a JSON Schema",
    "PlanOrderRequest.document": "has a JSON Schema of its own, at another address",
    "Problem.changed": "fields of any object, by name",
    "Transition.evidence": "follows from the step and the version of the rule; `votes` beside it is typed",
    "get_export_all": "has a JSON Schema of its own, at another address",
}
_SHAPED = frozenset({"$ref", "oneOf", "anyOf", "allOf", "enum", "const"})
_ENDS = {"least": ("minimum", "exclusiveMinimum"), "most": ("maximum", "exclusiveMaximum")}


@pytest.fixture(scope="module")
def told() -> Json:
    return document()


def schemas(told: Json) -> Iterator[tuple[str, Json]]:
    """Every schema of the document with its place, those of parameters, bodies, answers and headers among them."""
    for name, schema in told["components"]["schemas"].items():
        yield from inside(schema, name)
    for name, header in told["components"]["headers"].items():
        yield from inside(header["schema"], name)
    for operation in operations(told):
        name = operation["operationId"]
        for parameter in operation.get("parameters", ()):
            yield from inside(parameter["schema"], f"{name}?{parameter['name']}")
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for content in part.get("content", {}).values():
                yield from inside(content["schema"], name)


def inside(schema: Json, place: str) -> Iterator[tuple[str, Json]]:
    """A schema and those in it; objects whose members may be anything have none."""
    yield place, schema
    for name, one in schema.get("properties", {}).items():
        yield from inside(one, f"{place}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict) and schema[name]:
            yield from inside(schema[name], f"{place}[]")
    for name in ("oneOf", "anyOf", "allOf"):
        for one in schema.get(name, ()):
            yield from inside(one, place)


def types(schema: Json) -> set[str]:
    named = schema.get("type", ())
    return {named} if isinstance(named, str) else set(named)


def is_shaped(schema: Json) -> bool:
    if _SHAPED & schema.keys():
        return True
    members = schema.get("properties") or schema.get("maxProperties") == 0
    more = schema.get("additionalProperties")
    is_open = "object" in types(schema) and not members and not (isinstance(more, dict) and more)
    return bool(types(schema)) and not is_open and not ("array" in types(schema) and not schema.get("items"))


def test_no_schema_is_free_but_those_that_say_why(told: Json) -> None:
    free = {place for place, schema in schemas(told) if not is_shaped(schema)}
    assert free == FREE.keys(), "give it a serializer, or a schema in vigil/api/openapi/shapes.py"


def lacks(schema: Json, told: Json) -> str:
    """What an input lacks: an end, or a longest length."""
    if "$ref" in schema:
        return lacks(told["components"]["schemas"][schema["$ref"].rpartition("/")[2]], told)
    if "enum" in schema:
        return ""
    kinds = types(schema)
    if kinds & {"integer", "number"}:
        return " and ".join(name for name, words in _ENDS.items() if not schema.keys() & set(words))
    if "array" in kinds:
        return lacks(schema["items"], told) or ("" if "maxItems" in schema else "most items")
    if "string" in kinds and not schema.keys() & {"maxLength", "pattern", "format"}:
        return "a longest length"
    return ""


def test_every_parameter_and_every_part_of_a_request_is_bounded(told: Json) -> None:
    asked = [
        (f"{one['operationId']}?{each['name']}", each) for one in operations(told) for each in one.get("parameters", ())
    ]
    found = {place: lacks(each["schema"], told) for place, each in asked}
    for name, schema in told["components"]["schemas"].items():
        if name.endswith("Request"):
            fields = schema.get("properties", {})
            found |= {f"{name}.{field}": lacks(one, told) for field, one in fields.items()}
    assert {place: words for place, words in found.items() if words} == {}


def test_no_operation_answers_a_bare_list(told: Json) -> None:
    bare = [
        one["operationId"]
        for one in operations(told)
        for answer in one["responses"].values()
        for content in answer.get("content", {}).values()
        if "array" in types(content["schema"])
    ]
    assert bare == [], "a list answers an object with `results`, which can grow"


def test_only_lists_of_objects_say_that_they_can_be_sorted(told: Json) -> None:
    sorted_by = {
        one["operationId"] for one in operations(told) for each in one.get("parameters", ()) if each["name"] == "sort"
    }
    assert "list_monitors" in sorted_by and all(name.startswith("list_") for name in sorted_by)
    assert "list_monitor_changes" not in sorted_by


def test_a_share_of_time_has_no_sign(told: Json) -> None:
    share = told["components"]["schemas"]["ObjectiveRequest"]["properties"]["target_percent"]
    assert share["pattern"] == r"^\d{1,3}(\.\d{0,4})?$"


def test_every_answer_names_its_headers(told: Json) -> None:
    shared = told["components"]["responses"]
    for operation in operations(told):
        name = operation["operationId"]
        answers = {
            status: shared.get(str(one.get("$ref", "")).rpartition("/")[2], one)
            for status, one in operation["responses"].items()
        }
        headers = {status: set(one["headers"]) for status, one in answers.items()}
        asked = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        assert all("X-Request-ID" in each for each in headers.values()), name
        assert all("RateLimit-Remaining" in each for status, each in headers.items() if status != "401"), name
        assert "Retry-After" in headers["429"], name
        assert ("If-None-Match" in asked) == ("304" in answers), name
        assert ("If-Match" in asked) == ("412" in answers), name
        assert ("Idempotency-Key" in asked) == any("Idempotent-Replayed" in each for each in headers.values()), name
        if "304" in answers:
            assert "ETag" in headers["200"] & headers["304"], name
