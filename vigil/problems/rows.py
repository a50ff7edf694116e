"""Validation errors of rows that keep their place and their kind: the field, the path inside it, and a code."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from vigil.problems.codes import FieldCode

#: What a row is unique within; it is no field that a caller gives.
SCOPES = frozenset({"team", "deleted_at"})
Problems = dict[str, list[ValidationError]]


def below(path: str, reason: str, code: str = FieldCode.INVALID.value) -> ValidationError:
    """An error of what is at `path` inside a field, such as `headers.x` of a config; forms show the path too."""
    message = "%(path)s: %(reason)s" if path else "%(reason)s"
    return ValidationError(message, code=code, params={"path": path, "reason": reason})


def duplicate(reason: str) -> ValidationError:
    """An error of a value that another row has."""
    return ValidationError(reason, code=FieldCode.DUPLICATE.value)


def row_problems(row: models.Model, exclude: Sequence[str] = ()) -> Problems:
    """What is wrong with a row, by field; a name that is taken is a problem of the name, and not of the whole row."""
    try:
        row.full_clean(exclude=exclude)
    except ValidationError as refused:
        found: Problems = dict(refused.error_dict)
        for error in found.pop(NON_FIELD_ERRORS, []):
            field = _taken(error)
            found.setdefault(field or NON_FIELD_ERRORS, []).append(
                duplicate(f"This {field} is taken.") if field else error
            )
        return found
    return {}


def _taken(error: ValidationError) -> str:
    checked = (error.params or {}).get("unique_check", ())
    return next((str(name) for name in reversed(checked) if name not in SCOPES), "")
