"""Middleware that compresses answers of some size."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

#: Bytes from which on it is worth the time.
LEAST = 1_024


class Compression(GZipMiddleware):
    """Compresses what is read; Django pads it at random against BREACH.

    An answer to a write may show a secret once, and one that may not be stored may be one: both stay as they are.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        is_read = request.method in ("GET", "HEAD") and "no-store" not in response.headers.get("Cache-Control", "")
        if not is_read or response.streaming or len(getattr(response, "content", b"")) < LEAST:
            return response
        return super().process_response(request, response)
