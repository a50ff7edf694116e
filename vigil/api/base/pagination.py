"""Cursor pagination: rows that are added or deleted neither repeat nor hide others."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from vigil.api.base.errors import InvalidCursor
from vigil.configuration import configuration


class PageByCursor(CursorPagination):
    """`?limit=` up to 200; `next` and `previous` are full addresses."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-id"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        page: Any = super().paginate_queryset(queryset, request, view)
        # Behind a proxy the request came for another host and without TLS.
        self.base_url = configuration().base_url + request.get_full_path()
        return page

    def decode_cursor(self, request: Request) -> Any:
        """The cursor of the request; raises `InvalidCursor` where its position is no key of a row."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise InvalidCursor from None
        position = None if cursor is None or cursor.position is None else str(cursor.position)
        if position is not None and not (position.isascii() and position.isdigit() and len(position) < 19):
            raise InvalidCursor
        return cursor
