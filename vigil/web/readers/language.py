"""Language of what readers are told: of the page that they ask for, else the first that their browser names."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from vigil.status.core.answer import split_path
from vigil.status.core.languages import LANGUAGES, words_of
from vigil.status.core.languages.words import PageWords
from vigil.web.serving.status_pages import PAGE_DOMAIN, published_pages


def words_for(request: HttpRequest) -> PageWords:
    """The words of an answer that no row of a page makes; no query is asked."""
    domain, pages = request.META.get(PAGE_DOMAIN, ""), published_pages()
    page = pages.of_domain(domain) if domain else pages.find(split_path(request.path_info)[0])
    if page is not None:
        return words_of(page.language)
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:500])
    return words_of(next((tag for one, _ in asked if (tag := one.partition("-")[0]) in LANGUAGES), ""))
