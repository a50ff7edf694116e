"""Filter backend of lists: the filters of a view, and those that every list has."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db.models import Model, QuerySet
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from vigil.api.base.filters import ListFilters, common_filters

_OPTIONS = ("lookup_field", "lookup_value_regex", "search", "updated_field")


class KnownFiltersOnly(DjangoFilterBackend):
    """Filters lists by the view's filter set. `views.Conventions` refuses any other parameter of the query."""

    filterset_base = ListFilters

    def get_filterset_class(self, view: Any, queryset: QuerySet[Any] | None = None) -> type[FilterSet] | None:
        if queryset is None:
            return None
        own: type[FilterSet] = getattr(view, "filterset_class", None) or ListFilters
        fields = tuple(getattr(view, "filterset_fields", None) or ())
        options = tuple((name, getattr(view, name, None)) for name in _OPTIONS)
        return _filter_set(own, queryset.model, fields, options)  # type: ignore[arg-type]  # a class is hashable

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        # Objects are found by this too, and their actions take parameters of their own.
        if getattr(view, "action", "") != "list":
            return queryset
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


@cache
def _filter_set(
    own: type[FilterSet], model: type[Model], fields: tuple[str, ...], options: tuple[tuple[str, Any], ...]
) -> type[FilterSet]:
    named = own.base_filters
    common = {name: one for name, one in common_filters(model, dict(options)).items() if name not in named}
    meta = own.Meta if hasattr(own, "Meta") else type("Meta", (), {"model": model, "fields": fields})
    return type(f"{model.__name__}Filters", (own,), {**common, "Meta": meta})
