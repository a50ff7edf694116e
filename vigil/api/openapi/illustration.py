"""Examples of the OpenAPI document: one for each request and each answer, made from its schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vigil.api.openapi import examples

Json = dict[str, Any]

_FORMATS = {"date-time": examples.TIME, "date": examples.DAY, "uri": "https://vigil.example.com/"}
_CSV = "at,region,status,latency_ms\r\n2030-01-07T09:30:00Z,eu-west,up,182.5\r\n"
_DEEPEST = 8


def illustrate(operations: Iterable[Json], schemas: Json) -> None:
    """Add an example to each request and to each answer that is no error; errors have theirs."""
    maker = _Maker(schemas)
    for operation in operations:
        answers = [answer for answer in operation["responses"].values() if "$ref" not in answer]
        for part in (operation.get("requestBody", {}), *answers):
            for media_type, content in part.get("content", {}).items():
                own = _CSV if media_type == "text/csv" else examples.ANSWERS.get(operation["operationId"])
                content["example"] = own or maker.make(content["schema"])


class _Maker:
    def __init__(self, schemas: Json) -> None:
        self._schemas = schemas

    def make(self, schema: Json, name: str = "", owner: str = "", depth: int = 0) -> Any:
        """A value that follows the schema. `name` is the field's, `owner` the name of the schema that has it."""
        if "$ref" in schema:
            return self._component(schema["$ref"].rpartition("/")[2], name, depth)
        for several in ("allOf", "anyOf", "oneOf"):
            if several in schema:
                return self.make(schema[several][0], name, owner, depth)
        if "enum" in schema:
            return next(value for value in schema["enum"] if value not in ("", None))
        kinds = schema.get("type", "object")
        kind = kinds if isinstance(kinds, str) else next(each for each in kinds if each != "null")
        if kind == "object":
            return self._object(schema, owner, depth)
        if kind == "array":
            return [] if depth > _DEEPEST else [self.make(schema.get("items", {}), name, owner, depth + 1)]
        return _plain(kind, schema, name, owner)

    def _component(self, called: str, name: str, depth: int) -> Any:
        """A request as the table has it; an answer with what a request of the same object sends."""
        if called in examples.REQUESTS:
            return examples.REQUESTS[called]
        made = self.make(self._schemas[called], name, called, depth + 1)
        shown = self._schemas[called].get("properties", {})
        sent = examples.REQUESTS.get(f"{called}Request", {})
        same = {field: value for field, value in sent.items() if field in shown and _kept(value, shown[field])}
        return {**made, **same} if same else made

    def _object(self, schema: Json, owner: str, depth: int) -> Json:
        fields = schema.get("properties", {})
        if depth > _DEEPEST:
            fields = {field: fields[field] for field in schema.get("required", ())}
        made = {field: self.make(part, field, owner, depth + 1) for field, part in fields.items()}
        more = schema.get("additionalProperties")
        if not fields and isinstance(more, dict) and more:
            return {"name": self.make(more, "", owner, depth + 1)}
        return made


def _kept(value: Any, shown: Json) -> bool:
    """Whether an answer shows a field as it was sent: lists of objects come back with more."""
    return not (isinstance(value, list) and value and isinstance(value[0], dict)) and "$ref" not in shown.get(
        "items", {}
    )


def _plain(kind: str, schema: Json, name: str, owner: str) -> Any:
    known = examples.WORDS.get(name)
    if kind == "boolean":
        return known if isinstance(known, bool) else bool(schema.get("default", False))
    if kind in ("integer", "number"):
        if isinstance(known, int if kind == "integer" else (int, float)) and not isinstance(known, bool):
            return known
        return schema.get("default") or max(schema.get("minimum", 0), min(60, schema.get("maximum", 60)))
    form = schema.get("format", "")
    if form in _FORMATS and not (form == "uri" and known):
        return _FORMATS[form]
    if name == "id" and owner in examples.PREFIXES:
        return f"{examples.PREFIXES[owner]}_{examples.RANDOM}"
    return known if isinstance(known, str) else name.replace("_", " ") or "value"
