"""Cursor pagination: rows that are added or deleted neither repeat nor hide others."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class PageByCursor(CursorPagination):
    """`?limit=` up to 200; `next` and `previous` are full addresses."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-id"
