"""Filter backend of lists: a filter that is unknown is refused, since ignored it would show every row."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from vigil.api.base.pagination import PageByCursor
from vigil.problems.codes import FieldCode

_PAGING = frozenset({PageByCursor.page_size_query_param, PageByCursor.cursor_query_param})


class KnownFiltersOnly(DjangoFilterBackend):
    """Filters by the view's filter set, and refuses any other parameter of the query."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        # Objects are found by this too, and their actions take parameters of their own.
        if getattr(view, "action", "") == "list":
            filters = self.get_filterset_class(view, queryset)
            known = _PAGING | set(filters.base_filters if filters else ())
            unknown = sorted(set(request.query_params) - known - {api_settings.URL_FORMAT_OVERRIDE})
            if unknown:
                there_are = ", ".join(sorted(known))
                reason = f"There is no such filter. There are {there_are}."
                raise ValidationError({unknown[0][:100]: [reason]}, FieldCode.UNKNOWN_PARAMETER.value)
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered
