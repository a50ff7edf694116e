"""Notices to readers of status pages: errors in words that name nothing of a page, and lead nowhere into Vigil."""

from __future__ import annotations

import math
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from vigil.status.core.answer import split_path
from vigil.status.core.domains import PREFIX, home_of
from vigil.status.core.languages.reader_words import ReaderNotice
from vigil.status.core.languages.words import PageWords
from vigil.web.readers.language import chosen_query, words_for
from vigil.web.serving.status_pages import PAGE_DOMAIN

OF_STATUS = {
    HTTPStatus.BAD_REQUEST: ReaderNotice.BAD_REQUEST,
    HTTPStatus.FORBIDDEN: ReaderNotice.NOT_FROM_HERE,
    HTTPStatus.NOT_FOUND: ReaderNotice.NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS: ReaderNotice.TOO_MANY,
    HTTPStatus.SERVICE_UNAVAILABLE: ReaderNotice.FAILED,
}


def too_many(request: HttpRequest, wait_s: float, below: str = "") -> HttpResponse:
    """429 with the seconds to wait."""
    wait = math.ceil(wait_s)
    words = words_for(request)
    text = words.subscribing.try_again_in.format(wait=wait)
    answer = _answer(
        request, HTTPStatus.TOO_MANY_REQUESTS, words, (words.notices[ReaderNotice.TOO_MANY][0], text), below
    )
    answer["Retry-After"] = str(wait)
    return answer


def notice(request: HttpRequest, status: HTTPStatus, said: ReaderNotice, below: str = "") -> HttpResponse:
    """A page for people; a line of text where a file below a page was asked for."""
    words = words_for(request)
    return _answer(request, status, words, words.notices[said], below)


def _answer(
    request: HttpRequest, status: HTTPStatus, words: PageWords, said: tuple[str, str], below: str
) -> HttpResponse:
    title, text = said
    if below:
        answer = HttpResponse(f"{title}. {text}\n", content_type="text/plain; charset=utf-8", status=status)
    else:
        slug, _ = split_path(request.path_info)
        domain = request.META.get(PAGE_DOMAIN, "")
        home = f"{home_of(slug, domain)}{chosen_query(request)}" if slug or domain else ""
        shown = {"title": title, "text": text, "words": words, "home": home, "status": int(status)}
        answer = render(request, "web/pages/status_pages/notice.html", shown, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def error_notice(request: HttpRequest, status: int) -> HttpResponse:
    """The notice of an error that no view has made."""
    _, below = split_path(request.path_info) if request.path_info.startswith(PREFIX) else ("", "")
    return notice(request, HTTPStatus(status), OF_STATUS.get(HTTPStatus(status), ReaderNotice.FAILED), below)
