"""Notices to readers of status pages: errors in words that name nothing of a page, and lead nowhere into Vigil."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from vigil.status.core.answer import split_path
from vigil.status.core.domains import home_of
from vigil.web.serving.status_pages import PAGE_DOMAIN


@dataclass(frozen=True, slots=True)
class ReaderNotice:
    """A title and a sentence."""

    title: str
    text: str


NOT_FOUND = ReaderNotice("There is nothing here", "No status page has this address.")
BAD_REQUEST = ReaderNotice("This request cannot be read", "Open the status page again.")
FAILED = ReaderNotice("This failed", "It is noted. Try again in a moment.")
NOT_FROM_HERE = ReaderNotice("This form is too old", "Open the status page again.")
NOT_ADMITTED = ReaderNotice(
    "This status page is not for your network", "It is read from certain addresses only, and yours is none of them."
)
NOT_TOLD = ReaderNotice(
    "Your address cannot be told",
    "This status page is read from certain addresses only. A proxy hands readers on that this server does not trust.",
)
NOT_A_MEMBER = ReaderNotice(
    "This status page is not yours to read", "Members of its team read it. You are signed in as another."
)
SIGN_IN = ReaderNotice("This status page asks you to sign in", "Members of its team read it.")
CANNOT_CHECK = ReaderNotice(
    "It cannot be checked now whether you may read this",
    "This status page is for people who sign in, and the database that knows them cannot be reached. Try again soon.",
)
TOO_MANY = ReaderNotice("There were too many tries", "Try again in a moment.")
OF_STATUS = {
    HTTPStatus.BAD_REQUEST: BAD_REQUEST,
    HTTPStatus.FORBIDDEN: NOT_FROM_HERE,
    HTTPStatus.NOT_FOUND: NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS: TOO_MANY,
    HTTPStatus.SERVICE_UNAVAILABLE: FAILED,
}


def notice(request: HttpRequest, status: HTTPStatus, said: ReaderNotice, below: str = "") -> HttpResponse:
    """A page for people; a line of text where a file below a page was asked for."""
    if below:
        answer = HttpResponse(f"{said.title}. {said.text}\n", content_type="text/plain; charset=utf-8", status=status)
    else:
        slug, _ = split_path(request.path_info)
        home = home_of(slug, request.META.get(PAGE_DOMAIN, ""))
        shown = {"said": said, "home": home, "status": int(status)}
        answer = render(request, "web/pages/status_pages/notice.html", shown, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def error_notice(request: HttpRequest, status: int) -> HttpResponse:
    """The notice of an error that no view has made."""
    _, below = split_path(request.path_info)
    return notice(request, HTTPStatus(status), OF_STATUS.get(HTTPStatus(status), FAILED), below)
