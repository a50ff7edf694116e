"""Error answers of the OpenAPI document: one schema, and one described answer for each status."""

from __future__ import annotations

from typing import Any

from vigil.accounts.models import Scope
from vigil.api.openapi.headers import OF_ANYONE, OF_CALLERS, told_headers
from vigil.configuration import configuration
from vigil.problems import problem
from vigil.problems.codes import FieldCode, ProblemCode
from vigil.problems.problem import FieldProblem, Problem

Json = dict[str, Any]

#: Statuses that operations name, each with the name of its shared answer.
_NAMES = {
    400: "BadRequest", 401: "NotAuthenticated", 403: "PermissionDenied", 404: "NotFound", 409: "Conflict",
    412: "PreconditionFailed", 413: "BodyTooLarge", 415: "UnsupportedMediaType", 422: "Unprocessable",
    428: "PreconditionRequired", 429: "RateLimited", 503: "Unavailable",
}  # fmt: skip
_TEXT: Json = {"type": "string"}
_EXAMPLE = FieldProblem("interval_s", "Ensure this value is greater than or equal to 5.", FieldCode.TOO_SMALL)

SCHEMAS: Json = {
    "Problem": {
        "type": "object",
        "description": "An error, as RFC 9457 has it. Programs read `code`; people read `detail`.",
        "properties": {
            "type": {**_TEXT, "format": "uri", "description": "Where this kind of error is described."},
            "title": {**_TEXT, "description": "The kind of error in words; the same for each of its kind."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
            "detail": {**_TEXT, "description": "What is wrong with this request."},
            "code": {"$ref": "#/components/schemas/ProblemCode"},
            "instance": {**_TEXT, "description": "The path of the request."},
            "request_id": {**_TEXT, "description": "Name of this request in Vigil's log."},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
            "changed": {
                "type": "object",
                "additionalProperties": True,
                "description": "Of a 412: the fields that have changed since, as they are now.",
            },
            "scope": {**_TEXT, "enum": [each.value for each in Scope], "description": "Of a 403: the missing scope."},
        },
        "required": ["type", "title", "status", "detail", "code", "instance", "request_id", "errors"],
    },
    "FieldProblem": {
        "type": "object",
        "description": "What is wrong with one field or parameter.",
        "properties": {
            "field": {**_TEXT, "description": "Its path, such as `config.url` or `tags.0`; empty for the whole body."},
            "reason": {**_TEXT, "description": "What is wrong, in a sentence."},
            "code": {"$ref": "#/components/schemas/FieldCode"},
            "hint": {**_TEXT, "description": "What to do about it."},
        },
        "required": ["field", "reason", "code", "hint"],
    },
    "ProblemCode": {**_TEXT, "enum": [code.value for code in ProblemCode], "description": "Codes are only added."},
    "FieldCode": {**_TEXT, "enum": [code.value for code in FieldCode], "description": "Codes are only added."},
}


def reference(status: int) -> Json:
    """Reference to the shared answer of a status."""
    return {"$ref": f"#/components/responses/{_NAMES[status]}"}


def shared_answers() -> Json:
    """The shared error answers, by name."""
    return {name: _answer(status) for status, name in _NAMES.items()}


def _answer(status: int) -> Json:
    codes = [code for code in ProblemCode if code.status == status]
    first = Problem(codes[0], errors=(_EXAMPLE,) if status == 400 else ())
    example = problem.document(first, configuration().base_url, "/api/v1/monitors", "0f3k7m2q9x4d")
    content = {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    answer: Json = {
        "description": "; ".join(f"`{code.value}`: {code.summary[0].lower()}{code.summary[1:]}" for code in codes)
        + ".",
        "content": content,
    }
    more = {401: ("WWW-Authenticate",), 409: ("Retry-After",), 429: ("Retry-After",), 503: ("Retry-After",)}
    known = OF_ANYONE if status == 401 else OF_CALLERS
    answer["headers"] = told_headers(*known, *more.get(status, ()))
    return answer
