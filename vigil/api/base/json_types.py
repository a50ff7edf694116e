"""JSON types of fields: a value of another type is refused by name, and not turned into one that would fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from vigil.problems.codes import FieldCode

_TEXTS = (
    serializers.CharField,
    serializers.DateTimeField,
    serializers.DateField,
    serializers.TimeField,
    serializers.SlugRelatedField,
)
#: Fields, types of their values, and the name of these. The first that fits counts; other fields judge for themselves.
_TYPES: tuple[tuple[Any, tuple[type, ...], str], ...] = (
    (_TEXTS, (str,), "A text"),
    (serializers.BooleanField, (bool,), "Either true or false"),
    (serializers.IntegerField, (int,), "A whole number, without quotes or a point,"),
    (serializers.FloatField, (int, float), "A number, without quotes,"),
    # Its own text has all digits, which a number may lose.
    (serializers.DecimalField, (str, int, float), "A number, or a text of its digits,"),
    ((serializers.ListField, serializers.ManyRelatedField), (list,), "A list"),
    (serializers.DictField, (dict,), "An object"),
)


class ObjectField(serializers.JSONField):
    """A field of a JSON object, whose members the write path validates."""


def type_problem(field: Any, value: Any) -> Any:
    """What is wrong with the JSON type of a value, or of values in it by their places; None where it fits."""
    if value is None:
        return None
    if isinstance(field, serializers.ChoiceField):
        types = tuple({str if isinstance(choice, str) else type(choice) for choice in field.choices})
        return _problem_of(value, types, "One of the choices, as the schema writes it,")
    if isinstance(field, serializers.JSONField):
        return _problem_of(value, (dict,), "An object") if isinstance(field, ObjectField) else None
    for fields, types, name in _TYPES:
        if isinstance(field, fields):
            return _problem_of(value, types, name) or _problems_inside(field, value)
    return None


def _problem_of(value: Any, types: tuple[type, ...], name: str) -> list[ErrorDetail] | None:
    fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    return None if fits else [ErrorDetail(f"{name} is needed here.", FieldCode.WRONG_TYPE.value)]


def _problems_inside(field: Any, value: Any) -> dict[str, Any] | None:
    child = getattr(field, "child", None)
    if child is None or isinstance(child, serializers.BaseSerializer):
        # A serializer judges its own fields.
        return None
    inside = value.items() if isinstance(value, Mapping) else enumerate(value)
    found = {str(place)[:100]: problem for place, one in inside if (problem := type_problem(child, one))}
    return found or None
