"""JSON Schema of documents, for editors. It describes the program and holds nothing of a team, so it needs no token."""

from __future__ import annotations

from functools import lru_cache

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from vigil.code.catalogue import catalogue, definitions
from vigil.code.core.fields.types import Json
from vigil.code.core.schema import schema


@require_safe
@cache_control(public=True, max_age=3_600)
def schema_view(request: HttpRequest) -> JsonResponse:
    """The schema of `version: 1`, under its own address."""
    return JsonResponse(_schema(request.build_absolute_uri(request.path)))


@lru_cache(maxsize=8)
def _schema(address: str) -> Json:
    return schema(catalogue(), definitions(), address)
