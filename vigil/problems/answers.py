"""Answers that carry a problem, in Django's form."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from vigil.problems.codes import ProblemCode
from vigil.problems.encoding import encoded
from vigil.problems.problem import MEDIA_TYPE, Problem
from vigil.problems.request_ids import META_KEY, request_id_of
from vigil.problems.table import problem_of


def answer(problem: Problem, request: HttpRequest) -> HttpResponse:
    """The answer to a request that met a problem."""
    text = encoded(problem, request.path_info, request.META.get(META_KEY) or request_id_of(""))
    return HttpResponse(text, content_type=MEDIA_TYPE, status=problem.code.status, headers=dict(problem.headers))


def answer_for(error: BaseException | None, request: HttpRequest) -> HttpResponse:
    """The answer to a request that ended with an exception; 500 for an error of Vigil."""
    problem = problem_of(error) if error is not None else None
    said = "Vigil has logged this error with the request id."
    return answer(problem or Problem(ProblemCode.SERVER_ERROR, said), request)
