"""Problem details document (RFC 9457) of one error. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vigil.problems.codes import FieldCode, ProblemCode

MEDIA_TYPE = "application/problem+json"
#: Bounds of a document, since paths and reasons may repeat what a stranger sent.
ERRORS_MOST, FIELD_LENGTH, REASON_LENGTH, DETAIL_LENGTH = 100, 200, 1_000, 2_000


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field. `field` is a dotted path such as `config.url` or `tags.0`; "" is the whole body."""

    field: str
    reason: str
    code: FieldCode = FieldCode.INVALID


@dataclass(frozen=True, slots=True)
class Problem:
    """One error as data. `headers` are of its answer, such as Retry-After; `more` are members of its own."""

    code: ProblemCode
    detail: str = ""
    errors: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def of_fields(errors: tuple[FieldProblem, ...]) -> Problem:
    """Refused input; `duplicate` (409) where nothing else is wrong with it."""
    duplicates = errors and all(each.code is FieldCode.DUPLICATE for each in errors)
    detail = " ".join(f"{each.field}: {each.reason}" if each.field else each.reason for each in errors)
    return Problem(ProblemCode.DUPLICATE if duplicates else ProblemCode.INVALID_INPUT, detail, errors)


def document(problem: Problem, base: str, instance: str, request_id: str) -> dict[str, Any]:
    """The JSON document; `base` is the address of the installation, `instance` the path of the request."""
    return {
        **problem.more,
        "type": f"{base}/api/problems/{problem.code.value}",
        "title": problem.code.summary,
        "status": problem.code.status,
        "detail": (problem.detail or f"{problem.code.summary}.")[:DETAIL_LENGTH],
        "code": problem.code.value,
        "instance": instance[:DETAIL_LENGTH],
        "request_id": request_id,
        "errors": [
            {
                "field": each.field[:FIELD_LENGTH],
                "reason": each.reason[:REASON_LENGTH],
                "code": each.code.value,
                "hint": each.code.hint,
            }
            for each in problem.errors[:ERRORS_MOST]
        ],
    }
