"""Schemas of serializer fields, where the generator says less than the field holds."""

from __future__ import annotations

from typing import Any

from django.core.validators import MinValueValidator
from rest_framework import serializers

Json = dict[str, Any]

#: The longest id or slug of an object that a request names.
NAME_LENGTH = 40
_MANY = 50
_TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$"


def described_field(field: Any, mapped: Json, direction: str) -> Json:
    """What the generator made of a field, mended where it is wrong or has no bound."""
    if isinstance(field, serializers.TimeField):
        # JSON Schema's `time` has a time zone, which a time of day has not.
        mapped.pop("format", None)
        mapped["pattern"] = _TIME_OF_DAY
    if isinstance(field, serializers.DecimalField) and mapped.get("type") == "string" and not _is_negative(field):
        # Its pattern would admit a sign.
        mapped.pop("format", None)
        places = field.decimal_places or 0
        whole = (field.max_digits or 0) - places
        mapped["pattern"] = rf"^\d{{1,{whole}}}(\.\d{{0,{places}}})?$"
    if field.read_only:
        if "enum" in mapped and _may_be_empty(field):
            mapped["enum"] = [*mapped["enum"], ""]
    elif direction == "request":
        _bound(field, mapped)
        if isinstance(field, serializers.DecimalField):
            most = 10 ** ((field.max_digits or 0) - (field.decimal_places or 0))
            mapped |= {"type": ["string", "number"], "minimum": -most if _is_negative(field) else 0, "maximum": most}
    return mapped


def _bound(field: Any, mapped: Json) -> None:
    """Bounds of what a request names: ids of objects, and how many of them."""
    if isinstance(field, serializers.ManyRelatedField):
        mapped.setdefault("maxItems", getattr(field, "most", _MANY))
        mapped["items"] = {**mapped["items"], "maxLength": NAME_LENGTH}
    elif isinstance(field, serializers.SlugRelatedField):
        mapped["maxLength"] = NAME_LENGTH
    elif mapped.get("type") == "array" and getattr(getattr(field, "child", field), "most", 0):
        mapped["maxItems"] = getattr(field, "child", field).most


def _is_negative(field: serializers.DecimalField) -> bool:
    """Whether it may be below zero."""
    limits = [each.limit_value for each in field.validators if isinstance(each, MinValueValidator)]
    return not any((limit() if callable(limit) else limit) >= 0 for limit in limits)


def _may_be_empty(field: Any) -> bool:
    """Whether the model's field may hold an empty choice, which a field that is only read does not tell."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    return any(each.name == field.source and each.blank for each in model._meta.fields) if model else False
