"""Table of exceptions: the problem that each becomes at the edge of the API."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import redis
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import Error as DatabaseError
from django.db import IntegrityError
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from rest_framework import exceptions

from vigil import away
from vigil.problems import fields
from vigil.problems.codes import ProblemCode, code_of_status
from vigil.problems.problem import Problem, of_fields

#: What a client waits that finds a server away (s).
RETRY_S = 5
_RACE = "Another request has just changed or created this. Read it again, then repeat yours if it fits."
#: Codes of the REST framework for which ours has another name.
_RENAMED = {
    "authentication_failed": ProblemCode.INVALID_TOKEN,
    "parse_error": ProblemCode.MALFORMED_REQUEST,
    "throttled": ProblemCode.RATE_LIMITED,
}


def problem_of(error: BaseException) -> Problem | None:
    """The problem of an exception that a request may cause; None for an error of Vigil."""
    for kind, described in _TABLE:
        if isinstance(error, kind):
            return described(error)
    return None


def _of_framework(error: Any) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return of_fields(fields.of_framework(error))
    more = dict(error.detail) if isinstance(error.detail, dict) else {}
    detail = str(more.pop("detail", "") if more else error.detail)
    name = str(getattr(error.detail, "code", error.default_code))
    code = _RENAMED.get(name) or (ProblemCode(name) if name in set(ProblemCode) else code_of_status(error.status_code))
    if detail.startswith("CSRF Failed"):
        # The framework has no code of its own for it.
        code = ProblemCode.CSRF_FAILED
    elif code.status != error.status_code:
        # Without a challenge to answer, the framework makes 403 of 401.
        code = code_of_status(error.status_code)
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(error.wait))
    return Problem(code, detail, headers=headers, more=getattr(error, "more", more))


def _of_server(error: Any) -> Problem | None:
    words = away.refusal(error)
    if not words:
        return None
    return Problem(ProblemCode.UNAVAILABLE, f"{words}. Try again soon.", headers={"Retry-After": str(RETRY_S)})


def _always(code: ProblemCode, detail: str = "") -> Callable[[Any], Problem]:
    return lambda error: Problem(code, detail)


#: The first that fits counts.
_TABLE: tuple[tuple[type[BaseException], Callable[[Any], Problem | None]], ...] = (
    (exceptions.APIException, _of_framework),
    (ValidationError, lambda error: of_fields(fields.of_django(error))),
    (Http404, _always(ProblemCode.NOT_FOUND, "There is nothing at this address.")),
    (ObjectDoesNotExist, _always(ProblemCode.NOT_FOUND, "There is nothing at this address.")),
    (PermissionDenied, _always(ProblemCode.PERMISSION_DENIED)),
    (IntegrityError, _always(ProblemCode.CONFLICT, _RACE)),
    (RequestDataTooBig, _always(ProblemCode.BODY_TOO_LARGE)),
    (DisallowedHost, _always(ProblemCode.UNKNOWN_HOST, "VIGIL_ALLOWED_HOSTS or VIGIL_BASE_URL names the hosts.")),
    (SuspiciousOperation, _always(ProblemCode.MALFORMED_REQUEST)),
    (BadRequest, _always(ProblemCode.MALFORMED_REQUEST)),
    (MultiPartParserError, _always(ProblemCode.MALFORMED_REQUEST)),
    (UnreadablePostError, _always(ProblemCode.MALFORMED_REQUEST, "The body ended too early.")),
    (DatabaseError, _of_server),
    (redis.RedisError, _of_server),
)
