"""Holds each answer of the API against the OpenAPI document."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs

from vigil.api.openapi.document import document

Json = dict[str, Any]

#: Errors that no operation names: they are of any request, and not of what it asks for.
_OF_ANY_REQUEST = frozenset({405, 406, 408, 414, 431, 500})

#: Headers that only some of an operation's answers have.
_SOMETIMES = frozenset(
    {"Idempotent-Replayed", "Link", "Content-Disposition", "Retry-After", "Warning", "WWW-Authenticate"}
)


def require_documented(method: str, address: str, answer: Any) -> None:
    """Fail where an operation gives an answer that the document does not tell: its status, its type or its fields.

    A failure is mended in the serializer or in `extend_schema` of the view, so that the document is right again.
    """
    global _contract
    if _contract.document is not document():
        _contract = Contract(document())
    _contract.require(method, address, answer)


class Contract:
    """One document, and the validators of its schemas as they are needed."""

    def __init__(self, document: Json) -> None:
        self.document = document
        # Fixed parts go before variables: monitors/kinds is no monitor.
        paths = sorted(document.get("paths", {}).items(), key=lambda path: path[0].count("{"))
        self._paths = [(re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))), item) for path, item in paths]
        self._validators: dict[tuple[str, bool], Any] = {}

    def require(self, method: str, address: str, answer: Any) -> None:
        parts = urlsplit(address)
        operation = self._operation(method.lower(), parts.path)
        if answer.status_code in _OF_ANY_REQUEST or (operation is None and answer.status_code == 404):
            return
        assert operation is not None, f"{method} {parts.path} is in no operation of the document"
        answers = operation["responses"]
        where = f"{method} {parts.path} ({operation['operationId']}): {answer.status_code}"
        assert str(answer.status_code) in answers, f"{where} is not documented, only {', '.join(answers)}"
        documented = self.resolved(answers[str(answer.status_code)])
        self._require_headers(where, documented.get("headers", {}), answer)
        content = documented.get("content", {})
        media_type = answer.get("Content-Type", "").partition(";")[0]
        if answer.streaming:
            assert media_type in content, f"{where}: {media_type} is not one of {', '.join(content)}"
            return
        assert bool(content) == bool(answer.content), f"{where}: the document and the answer differ about a body"
        if not content:
            return
        assert media_type in content, f"{where}: {media_type} is not one of {', '.join(content)}"
        if media_type.endswith("json"):
            validator = self.validator(content[media_type]["schema"], "fields" in parse_qs(parts.query))
            text = gzip.decompress(answer.content) if answer.has_header("Content-Encoding") else answer.content
            problems = validator.iter_errors(json.loads(text))
            found = [f"{'/'.join(map(str, each.instance_path))}: {each.message}" for each in problems]
            assert not found, f"{where} breaks its schema: {'; '.join(found[:5])}"

    def _require_headers(self, where: str, documented: Json, answer: Any) -> None:
        """Each header that a client may rely on is there where the document tells it, and nowhere else."""
        for name, told in self.document["components"]["headers"].items():
            given = answer.headers.get(name)
            assert given is None or name in documented, f"{where}: {name} is not documented"
            # What is refused before its caller is known counts for none.
            sometimes = name in _SOMETIMES or (name.startswith("RateLimit-") and answer.status_code >= 400)
            assert given is not None or name not in documented or sometimes, f"{where}: there is no {name}"
            if given is not None:
                value = int(given) if told["schema"]["type"] == "integer" else given
                assert self.validator(told["schema"]).is_valid(value), f"{where}: {name} is {given}"

    def _operation(self, method: str, path: str) -> Json | None:
        found = (item[method] for pattern, item in self._paths if pattern.fullmatch(path) and method in item)
        return next(found, None)

    def resolved(self, part: Json) -> Json:
        """What a reference leads to."""
        while "$ref" in part:
            steps = part["$ref"].removeprefix("#/").split("/")
            part = self.document
            for step in steps:
                part = part[step]
        return part

    def validator(self, schema: Json, sparse: bool = False) -> Any:
        """One that refuses fields which the schema does not name; with `sparse` it requires none."""
        known = self._validators.get((repr(schema), sparse))
        if known is None:
            # `components` stands at the same place as in the document, so that references hold.
            whole = {**schema, "components": {"schemas": _closed(self.document["components"]["schemas"], sparse)}}
            known = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            self._validators[repr(schema), sparse] = known
        return known


def _closed(schema: Any, sparse: bool) -> Any:
    """The same schema, but fields that it does not name are errors; with `sparse` none is required."""
    if isinstance(schema, list):
        return [_closed(each, sparse) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each, sparse) for name, each in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
        if sparse:
            closed.pop("required", None)
    return closed


_contract = Contract({})
