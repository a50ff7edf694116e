"""Middleware that tells staff what a page cost: `Server-Timing` with its queries and its time in milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

from vigil.status.core.answer import is_of_status_pages


class _Queries:
    """Counts the queries of one request."""

    def __init__(self) -> None:
        self.count = 0
        self.took_s = 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        started_s = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.count += 1
            self.took_s += time.perf_counter() - started_s


class ServerTiming:
    """Around all that queries: sessions, sign-in and the view. Others than staff get no such header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        queries, started_s = _Queries(), time.perf_counter()
        with connection.execute_wrapper(queries):
            response = self._get_response(request)
        # Set by Django's authentication; a request that it did not reach has no user.
        # Who reads a status page is not asked: it needs no database.
        user = None if is_of_status_pages(request.path_info) else getattr(request, "user", None)
        if user is not None and user.is_staff:
            total_ms = (time.perf_counter() - started_s) * 1000
            response["Server-Timing"] = (
                f'db;desc="{queries.count} queries";dur={queries.took_s * 1000:.1f}, total;dur={total_ms:.1f}'
            )
        return response
