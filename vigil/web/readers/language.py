"""Language of what readers are told: what they chose, else the page's, else the first that their browser names."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from vigil.status.core.answer import split_path
from vigil.status.core.languages import LANGUAGES, chosen_of, language_query, words_of
from vigil.status.core.languages.words import PageWords
from vigil.web.serving.status_pages import PAGE_DOMAIN, published_pages


def words_for(request: HttpRequest, language: str = "") -> PageWords:
    """The words of an answer of a page with this language, or of one that no row of a page makes; no query is asked."""
    if chosen := chosen_of(request.GET) or language:
        return words_of(chosen)
    domain, pages = request.META.get(PAGE_DOMAIN, ""), published_pages()
    page = pages.of_domain(domain) if domain else pages.find(split_path(request.path_info)[0])
    if page is not None:
        return words_of(page.language)
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:500])
    return words_of(next((tag for one, _ in asked if (tag := one.partition("-")[0]) in LANGUAGES), ""))


def chosen_query(request: HttpRequest) -> str:
    """What keeps the language that a reader chose, behind an address."""
    return language_query(chosen_of(request.GET))
