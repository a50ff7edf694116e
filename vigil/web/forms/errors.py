"""Errors of write paths, by the names of form fields."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

_FORM = NON_FIELD_ERRORS


def errors_by_field(refused: ValidationError, known: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    """Sentences by the names of fields: `config` at the path that an error names, others as `known` says.

    What belongs to no field is the form's (`__all__`).
    """
    found: dict[str, list[str]] = {}
    by_field = refused.error_dict if hasattr(refused, "error_dict") else {_FORM: [refused]}
    for name, errors in by_field.items():
        for error in errors:
            path = str((error.params or {}).get("path", ""))
            reason = str((error.params or {}).get("reason", "")) or " ".join(error.messages)
            field = f"config.{_first(path)}" if name == "config" and path else (known or {}).get(name, name)
            found.setdefault(field, []).append(_sentence(reason))
    return found


def _first(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _sentence(reason: str) -> str:
    text = reason.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
