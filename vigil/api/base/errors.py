"""Errors of the API: the exception handler, and refusals of write paths."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.debug import sensitive_variables
from rest_framework import status
from rest_framework.exceptions import APIException, NotAuthenticated, Throttled

from vigil.guess_limits import SECRETS
from vigil.problems.answers import answer
from vigil.problems.codes import ProblemCode
from vigil.problems.table import problem_of


class MissingScope(APIException):
    """The caller lacks a scope, which the problem names."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = ProblemCode.PERMISSION_DENIED.value

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope `{scope}`, which the caller does not have.")
        self.more = {"scope": scope}


class InUse(APIException):
    """A row that others use is not deleted without being told to."""

    status_code = status.HTTP_409_CONFLICT
    default_code = ProblemCode.IN_USE.value


class Superseded(APIException):
    """Another request has put something in the place of this already; its detail says what."""

    status_code = status.HTTP_409_CONFLICT
    default_code = ProblemCode.CONFLICT.value


class AlreadyResolved(APIException):
    """A response to an incident that is over."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The incident is resolved."
    default_code = ProblemCode.ALREADY_RESOLVED.value


class KeyIsBusy(APIException):
    """Another request with this key is being answered."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "A request with this Idempotency-Key is being answered. Send it again in a second."
    default_code = ProblemCode.IDEMPOTENCY_KEY_IN_USE.value
    #: Seconds, for Retry-After.
    wait = 1


class KeyIsTaken(APIException):
    """The key has answered another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used for another request: take a new key for each change."
    default_code = ProblemCode.IDEMPOTENCY_KEY_REUSED.value


class BodyTooLarge(APIException):
    """A body over the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = ProblemCode.BODY_TOO_LARGE.value


class InvalidCursor(APIException):
    """A cursor that no page of ours has given."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "Take the cursor from `next` or `previous` of a page, or leave it out."
    default_code = ProblemCode.INVALID_CURSOR.value


@sensitive_variables()
def answer_for(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """The answer for an exception of a view; None for an error of Vigil, which is then raised, logged and a 500."""
    request = context["request"]._request
    if isinstance(error, NotAuthenticated):
        # The throttles come after authentication. Who has no token waits like who guesses one.
        wait_s = SECRETS.failed(request.META.get("REMOTE_ADDR", ""))
        error = Throttled(wait_s) if wait_s else error
    problem = problem_of(error)
    return None if problem is None else answer(problem, request)
