"""Query parameters of an operation, as its schema documents them: what is documented is taken, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from vigil.problems.codes import FieldCode
from vigil.problems.nearest import nearest

#: The longest text of a parameter that names a moment or a zone; of one that lists regions.
MOMENT_LENGTH, ZONE_LENGTH, REGIONS_LENGTH = 40, 64, 2_000
#: Fields of a body that are refused by name.
_REFUSED_MOST = 20
#: Words of a boolean parameter.
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
#: Reading an operation's schema costs more than many a request.
_found: dict[tuple[type, str, str], frozenset[str]] = {}
_with_body: dict[tuple[type, str, str], bool] = {}


def documented_parameters(view: Any, method: str) -> frozenset[str]:
    """Names of the query parameters of `@extend_schema` for this action and method of a view."""
    name = getattr(view, "action", "") or method.lower()
    place = (type(view), name, method)
    if place not in _found:
        _found[place] = _read(view, getattr(view, name, None), method)
    return _found[place]


def refuse_body(request: Request, view: Any) -> None:
    """Raises `ValidationError` for the fields of a body where the operation takes none: they would do nothing."""
    method = str(request.method)
    if method in SAFE_METHODS or _takes_body(view, method) or not request.data:
        return
    words = ErrorDetail("There is no such field: this operation takes none.", FieldCode.UNKNOWN_FIELD.value)
    given = list(request.data)[:_REFUSED_MOST] if isinstance(request.data, Mapping) else []
    raise ValidationError({str(name)[:100]: [words] for name in given} or [words])


def number_parameter(name: str, least: int, most: int, words: str = "") -> OpenApiParameter:
    """A whole number of a query, with its bounds."""
    return OpenApiParameter(name, {"type": "integer", "minimum": least, "maximum": most}, description=words)


def text_parameter(name: str, longest: int, words: str = "", required: bool = False) -> OpenApiParameter:
    """A text of a query, with its longest length."""
    return OpenApiParameter(
        name, {"type": "string", "minLength": 1, "maxLength": longest}, description=words, required=required
    )


def refuse_parameters(given: Mapping[str, Sequence[str]], known: Collection[str], lists: Collection[str]) -> None:
    """Raises `ValidationError` for the first parameter that is unknown, empty, or given twice where it is no list."""
    unknown = sorted(given.keys() - set(known))
    if unknown:
        reason = f"There is no such parameter. {nearest(unknown[0], known)}".strip()
        raise ValidationError({unknown[0][:100]: [reason]}, FieldCode.UNKNOWN_PARAMETER.value)
    twice = sorted(name for name, values in given.items() if len(values) > 1 and name not in lists)
    if twice:
        raise ValidationError({twice[0]: [f"Give it once; it was given {len(given[twice[0]])} times."]})
    # Taken for none, an empty one would show every row: it is what a script sends whose variable is not set.
    empty = sorted(name for name, values in given.items() if "" in values)
    if empty:
        raise ValidationError({empty[0]: ["Give a value, or leave it out."]}, FieldCode.BLANK.value)


def text_of(request: Request, name: str, longest: int, otherwise: str = "") -> str:
    """A text of the query; raises `ValidationError` where it is longer than that."""
    given = str(request.query_params.get(name, otherwise))
    if len(given) > longest:
        raise ValidationError({name: [f"At most {longest} characters."]}, FieldCode.TOO_LONG.value)
    return given


def is_asked(request: Request, name: str, otherwise: bool = False) -> bool:
    """Whether a boolean parameter is true; raises `ValidationError` for what is no boolean."""
    given = str(request.query_params.get(name, otherwise)).lower()
    if given not in BOOLEANS:
        raise ValidationError({name: ["Either true or false."]})
    return BOOLEANS[given]


def _takes_body(view: Any, method: str) -> bool:
    name = getattr(view, "action", "") or method.lower()
    place = (type(view), name, method)
    if place not in _with_body:
        schema = _schema_of(view, getattr(view, name, None), method)
        _with_body[place] = method != "DELETE" and (schema is None or schema.get_request_serializer() is not None)
    return _with_body[place]


def _schema_of(view: Any, handler: Any, method: str) -> Any:
    described = getattr(handler, "kwargs", {}).get("schema")
    if described is None:
        return None
    schema = described()
    schema.method, schema.view = method, view
    return schema


def _read(view: Any, handler: Any, method: str) -> frozenset[str]:
    schema = _schema_of(view, handler, method)
    if schema is None:
        return frozenset()
    names: set[str] = set()
    for parameter in schema.get_override_parameters():
        if isinstance(parameter, OpenApiParameter):
            names |= {parameter.name} if parameter.location == OpenApiParameter.QUERY else set()
        else:
            names |= set(parameter().fields if isinstance(parameter, type) else parameter.fields)
    return frozenset(names)
