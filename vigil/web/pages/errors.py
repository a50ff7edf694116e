"""Error pages: they say what is so, and query nothing. The API answers with problems instead."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from vigil.problems.request_ids import META_KEY
from vigil.status.core.answer import is_of_status_pages
from vigil.web.pages.shell import theme_of
from vigil.web.readers.notices import error_notice


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """Words of an error page: a title, a sentence, and where its button leads."""

    title: str
    text: str
    action: str = "Overview"
    address: str = "/"
    #: The button asks for the same page again.
    again: bool = False


BAD_REQUEST = ErrorPage("This request cannot be read", "Something in it has a form that no page takes.")
TOO_MUCH = ErrorPage(
    "This form has too many fields",
    f"A form may have {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}. Nothing was saved. Send it in parts, or by the API.",
)
FORGED = ErrorPage(
    "This form is too old",
    "It was opened in another session, or cookies are off. Nothing was changed. Open the page again.",
    "Open it again",
    again=True,
)
NOT_FOUND = ErrorPage("There is nothing here", "Or it is another team's.")
UNAVAILABLE = ErrorPage(
    "The database cannot be reached",
    "Regions go on looking and keep what they see. This page comes back by itself.",
    "Try again",
    again=True,
)


def error_answer(request: HttpRequest, status: int, words: ErrorPage) -> HttpResponse:
    """An error page of a status; a fragment's request gets the sentence alone."""
    if is_of_status_pages(request.path_info):
        return error_notice(request, status)
    address = request.get_full_path() if words.again else words.address
    context = {"words": words, "address": address, "status": status, "shell": {"theme": theme_of(request)}}
    return HttpResponse(render_to_string("web/pages/error.html", context), status=status)


def bad_request(request: HttpRequest, problem: Exception | None = None) -> HttpResponse:
    """400, with what was too much of a form."""
    if isinstance(problem, TooManyFieldsSent | TooManyFilesSent):
        return error_answer(request, 400, TOO_MUCH)
    return error_answer(request, 400, BAD_REQUEST)


def permission_denied(request: HttpRequest, why: str) -> HttpResponse:
    """403, with the reason that the view gave."""
    text = f"{why or 'You may not see this.'} An owner of the team can."
    return error_answer(request, 403, ErrorPage("This is not yours to do", text))


def forged(request: HttpRequest) -> HttpResponse:
    """403 for a form without the token of its session."""
    return error_answer(request, 403, FORGED)


def not_found(request: HttpRequest) -> HttpResponse:
    """404."""
    return error_answer(request, 404, NOT_FOUND)


def conflict(request: HttpRequest, who: str, ago: str) -> HttpResponse:
    """409: another person changed it first."""
    words = ErrorPage(f"{who} changed this {ago} ago", "Nothing was saved.", "Show theirs", again=True)
    return error_answer(request, 409, words)


def too_many(request: HttpRequest, wait_s: float) -> HttpResponse:
    """429 with the seconds to wait."""
    wait = math.ceil(wait_s)
    words = ErrorPage("There were too many tries", f"Try again in {wait} s.", "Try again", again=True)
    answer = error_answer(request, 429, words)
    answer["Retry-After"] = str(wait)
    return answer


def server_error(request: HttpRequest, problem: BaseException | None) -> HttpResponse:
    """500, with the id of the request, under which the log has it; 503 while the database is away."""
    if isinstance(problem, OperationalError | InterfaceError):
        answer = error_answer(request, 503, UNAVAILABLE)
        answer["Retry-After"] = "10"
        return answer
    text = f"It is noted under {request.META.get(META_KEY, '')}. Watching and alerting go on."
    return error_answer(request, 500, ErrorPage("This page failed", text, "Try again", again=True))
