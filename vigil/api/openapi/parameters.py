"""Query parameters of the OpenAPI document: filters as lists where they take several values, and bounds of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vigil.api.base.filters import MAX_LENGTH, AllOfFilter, AnyOfFilter, SearchFilter
from vigil.api.base.pagination import MAX_CURSOR

Json = dict[str, Any]

#: Texts of pages, by the name of their parameter.
_LONGEST = {"cursor": MAX_CURSOR, "sort": 200}


def bounded(found: Iterable[Json], view: Any) -> list[Json]:
    """The parameters of an operation, each with its bounds."""
    filters = view.filters() if getattr(view, "action", "") == "list" and hasattr(view, "filters") else {}
    return [_bounded(each, filters.get(each["name"])) for each in found]


def sparse_fields(names: list[str]) -> Json:
    """The parameter that narrows what is shown of objects to some of their fields."""
    return {
        "in": "query",
        "name": "fields",
        "description": "Only these fields.",
        "schema": {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1, "maxItems": len(names)},
        "style": "form",
        "explode": False,
    }


def _bounded(parameter: Json, one: Any) -> Json:
    if parameter["in"] != "query":
        return parameter
    schema = parameter["schema"]
    if isinstance(one, (AnyOfFilter, AllOfFilter)):
        # Django forms have fields without parameters of their own: each filter makes its field anew.
        words: Any = one.field
        return {**parameter, "schema": words.schema, "style": "form", "explode": not words.splits}
    if isinstance(one, SearchFilter):
        return {**parameter, "schema": {**schema, "minLength": 1, "maxLength": MAX_LENGTH}}
    if parameter["name"] in _LONGEST and "maxLength" not in schema:
        return {**parameter, "schema": {**schema, "minLength": 1, "maxLength": _LONGEST[parameter["name"]]}}
    return parameter
