"""Middleware and views that make every error under /api/ a problem, and give every request an id."""

from __future__ import annotations

import sys
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from vigil.problems.answers import answer, answer_for
from vigil.problems.codes import ProblemCode, code_of_status
from vigil.problems.encoding import is_api
from vigil.problems.problem import MEDIA_TYPE, Problem
from vigil.problems.request_ids import HEADER, META_KEY, request_id_of
from vigil.web.pages import errors

#: Headers that say what a client needs to know of an error.
_KEPT = ("Allow", "WWW-Authenticate", "Retry-After", "Vary", "Set-Cookie")


class RequestIds:
    """Before all others: what any of them logs or answers carries the id of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request.META[META_KEY] = request_id_of(request.META.get("HTTP_X_REQUEST_ID", ""))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            answered = _as_problem(request, self._get_response(request))
        answered[HEADER] = request_id
        return answered


def _as_problem(request: HttpRequest, answered: HttpResponse) -> HttpResponse:
    """The answer; an error under /api/ that something else than the API has made, in the API's form."""
    told = answered.headers.get("Content-Type", "").startswith(MEDIA_TYPE)
    if answered.status_code < 400 or told or not is_api(request.path_info):
        return answered
    made = answer(Problem(code_of_status(answered.status_code)), request)
    made.status_code = answered.status_code
    for name in _KEPT:
        if name in answered.headers:
            made.headers[name] = answered.headers[name]
    return made


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a body that is too large."""
    return answer_for(exception, request) if is_api(request.path_info) else errors.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    if is_api(request.path_info):
        return answer_for(exception, request)
    return errors.permission_denied(request, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return answer_for(exception, request) if is_api(request.path_info) else errors.not_found(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 while a server is away. Django has logged the exception, which is the present one."""
    problem = sys.exc_info()[1]
    return answer_for(problem, request) if is_api(request.path_info) else errors.server_error(request, problem)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 of the CSRF middleware."""
    if is_api(request.path_info):
        return answer(Problem(ProblemCode.CSRF_FAILED, reason), request)
    return errors.forged(request)
