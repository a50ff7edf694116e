"""Query parameters of an operation, as its schema documents them: what is documented is taken, and nothing else."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

#: Words of a boolean parameter.
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_found: dict[tuple[type, str, str], frozenset[str]] = {}


def documented_parameters(view: Any, method: str) -> frozenset[str]:
    """Names of the query parameters of `@extend_schema` for this action and method of a view."""
    name = getattr(view, "action", "") or method.lower()
    place = (type(view), name, method)
    if place not in _found:
        _found[place] = _read(view, getattr(view, name, None), method)
    return _found[place]


def is_asked(request: Request, name: str) -> bool:
    """Whether a boolean parameter is given and true; raises `ValidationError` for what is no boolean."""
    given = request.query_params.getlist(name) or ["false"]
    if len(given) > 1 or given[0].lower() not in BOOLEANS:
        raise ValidationError({name: ["Either true or false."]})
    return BOOLEANS[given[0].lower()]


def _read(view: Any, handler: Any, method: str) -> frozenset[str]:
    described = getattr(handler, "kwargs", {}).get("schema")
    if described is None:
        return frozenset()
    schema = described()
    schema.method, schema.view = method, view
    names: set[str] = set()
    for parameter in schema.get_override_parameters():
        if isinstance(parameter, OpenApiParameter):
            names |= {parameter.name} if parameter.location == OpenApiParameter.QUERY else set()
        else:
            names |= set(parameter().fields if isinstance(parameter, type) else parameter.fields)
    return frozenset(names)
