"""Middleware that names the author of what a request changes."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from vigil.accounts.authors import VIA_HEADER, VIGIL, Author, acting, means_of


class Authors:
    """The caller, once it is known: the API authenticates tokens in its views, and tells the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(lambda: _author(request)):
            return self._get_response(request)


def _author(request: HttpRequest) -> Author:
    name = request.user.get_username()
    if not name:
        return VIGIL
    is_api = request.path_info.startswith("/api/")
    return Author(name, means_of(request.headers.get(VIA_HEADER), "API") if is_api else "web")
