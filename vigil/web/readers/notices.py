"""Notices to readers of status pages: errors in words that name nothing of a page, and lead nowhere into Vigil."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from vigil.status.core.answer import split_path
from vigil.status.core.domains import PREFIX, home_of
from vigil.status.core.languages.reader_words import ReaderNotice
from vigil.web.readers.language import words_for
from vigil.web.serving.status_pages import PAGE_DOMAIN

OF_STATUS = {
    HTTPStatus.BAD_REQUEST: ReaderNotice.BAD_REQUEST,
    HTTPStatus.FORBIDDEN: ReaderNotice.NOT_FROM_HERE,
    HTTPStatus.NOT_FOUND: ReaderNotice.NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS: ReaderNotice.TOO_MANY,
    HTTPStatus.SERVICE_UNAVAILABLE: ReaderNotice.FAILED,
}


def notice(request: HttpRequest, status: HTTPStatus, said: ReaderNotice, below: str = "") -> HttpResponse:
    """A page for people; a line of text where a file below a page was asked for."""
    words = words_for(request)
    title, text = words.notices[said]
    if below:
        answer = HttpResponse(f"{title}. {text}\n", content_type="text/plain; charset=utf-8", status=status)
    else:
        slug, _ = split_path(request.path_info)
        domain = request.META.get(PAGE_DOMAIN, "")
        home = home_of(slug, domain) if slug or domain else ""
        shown = {"title": title, "text": text, "words": words, "home": home, "status": int(status)}
        answer = render(request, "web/pages/status_pages/notice.html", shown, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def error_notice(request: HttpRequest, status: int) -> HttpResponse:
    """The notice of an error that no view has made."""
    _, below = split_path(request.path_info) if request.path_info.startswith(PREFIX) else ("", "")
    return notice(request, HTTPStatus(status), OF_STATUS.get(HTTPStatus(status), ReaderNotice.FAILED), below)
