"""Types of problems: what the address in `type` of an error tells."""

from __future__ import annotations

from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from vigil.problems.codes import ProblemCode


@require_safe
def problem_type(request: HttpRequest, code: str) -> JsonResponse:
    """One type of problem, for everyone: it says nothing of this installation."""
    try:
        found = ProblemCode(code)
    except ValueError:
        raise Http404 from None
    return JsonResponse({"code": found.value, "title": found.summary, "status": found.status})
