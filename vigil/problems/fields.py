"""Field problems of validation errors: of Django's, by field and message, and of the REST framework's nested ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from rest_framework import exceptions

from vigil.problems.codes import FieldCode
from vigil.problems.problem import ERRORS_MOST, FieldProblem
from vigil.problems.rows import SCOPES

#: Names of errors that belong to no field.
_WHOLE = frozenset({NON_FIELD_ERRORS, "non_field_errors"})
#: Codes of Django and the REST framework; what is not here and no code of ours is `invalid`.
_CODES = {
    "incorrect_type": FieldCode.WRONG_TYPE,
    "not_a_list": FieldCode.WRONG_TYPE,
    "not_a_dict": FieldCode.WRONG_TYPE,
    "empty": FieldCode.TOO_SHORT,
    "max_length": FieldCode.TOO_LONG,
    "max_string_length": FieldCode.TOO_LONG,
    "max_digits": FieldCode.TOO_LONG,
    "max_whole_digits": FieldCode.TOO_LONG,
    "max_decimal_places": FieldCode.TOO_LONG,
    "min_length": FieldCode.TOO_SHORT,
    "max_value": FieldCode.TOO_LARGE,
    "min_value": FieldCode.TOO_SMALL,
    "invalid_choice": FieldCode.UNKNOWN_CHOICE,
    "does_not_exist": FieldCode.NO_SUCH_ROW,
    "unique": FieldCode.DUPLICATE,
    "unique_together": FieldCode.DUPLICATE,
} | {code.value: code for code in FieldCode}


def of_django(refused: ValidationError) -> tuple[FieldProblem, ...]:
    """Field problems of the error of a write path or of a row."""
    if not hasattr(refused, "error_dict"):
        return tuple(_of_message("", each) for each in refused.error_list)
    found = [_of_message(name, each) for name, each_of in refused.error_dict.items() for each in each_of]
    return tuple(found[:ERRORS_MOST])


def of_framework(refused: exceptions.ValidationError) -> tuple[FieldProblem, ...]:
    """Field problems of an error of a serializer, however deep; at most as many as an answer holds."""
    return tuple(found for found, _ in zip(_walk("", refused.detail), range(ERRORS_MOST), strict=False))


def _of_message(name: str, error: ValidationError) -> FieldProblem:
    params = error.params or {}
    code = _CODES.get(str(error.code), FieldCode.INVALID)
    if "path" in params and "reason" in params:
        return FieldProblem(_under(name, params["path"]), str(params["reason"]), code)
    field = "" if name in _WHOLE else name
    if not field and "unique_check" in params:
        field = next((each for each in reversed(params["unique_check"]) if each not in SCOPES), "")
    reason = "This already exists." if code is FieldCode.DUPLICATE and not name.strip("_") else error.messages[0]
    return FieldProblem(field, reason, code)


def _walk(path: str, detail: Any) -> Iterator[FieldProblem]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _walk(path if name in _WHOLE else _under(path, str(name)), inner)
    elif isinstance(detail, list | tuple):
        for number, inner in enumerate(detail):
            # A list of reasons is of the field; a list of objects or lists is of its items.
            yield from _walk(path if isinstance(inner, str) else _under(path, str(number)), inner)
    else:
        yield FieldProblem(path, str(detail), _CODES.get(getattr(detail, "code", ""), FieldCode.INVALID))


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name
