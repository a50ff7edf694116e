"""Passwords of status pages: asked for once, and kept in a signed cookie of the page. No query is asked."""

from __future__ import annotations

import hashlib
import threading

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from vigil.guess_limits import PAGE_PASSWORDS, network_of
from vigil.status.core.document import PublishedPage
from vigil.status.core.domains import home_of
from vigil.status.page_checks import PASSWORD_MOST
from vigil.web.parts.fields import FormField
from vigil.web.readers import notices
from vigil.web.readers.language import chosen_query, words_for
from vigil.web.serving.status_pages import PAGE_DOMAIN

_SALT = "vigil.status-page"
#: How long a reader who knew the password is not asked again (s).
ADMITTED_S = 30 * 24 * 3600
#: Passwords that are checked at once.
CHECKS = threading.BoundedSemaphore(2)


def ask(request: HttpRequest, page: PublishedPage, below: str) -> HttpResponse:
    """The form of the password, for the page; 403 for its other files."""
    words = words_for(request, page.language)
    said = words.subscribing
    if below:
        text = f"{said.asks_for_password}.\n"
        headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
        return HttpResponse(text, status=403, content_type="text/plain; charset=utf-8", headers=headers)
    wrong = ""
    if request.method == "POST":
        address = request.META.get("REMOTE_ADDR", "")
        account = f"{page.id} {network_of(address)}"
        wait_s = PAGE_PASSWORDS.wait_s(address, account, page.id)
        is_right = None if wait_s else _is_right(request.POST.get("password", ""), page)
        if is_right is None:
            return notices.too_many(request, wait_s or 1.0)
        if is_right:
            return _admit(request, page)
        PAGE_PASSWORDS.failed(address, account, page.id)
        wrong = said.password_wrong
    field = FormField("password", said.password, kind="password", errors=[wrong] if wrong else [], required=True)
    answer = render(request, "web/pages/status_pages/password.html", {"field": field, "words": words})
    answer["Cache-Control"], answer["X-Robots-Tag"] = "no-store", "noindex, nofollow"
    return answer


def is_known(request: HttpRequest, page: PublishedPage) -> bool:
    """Whether the reader has given the password that the page has now."""
    try:
        known = signing.loads(request.COOKIES.get(_cookie(page), ""), salt=_SALT, max_age=ADMITTED_S)
    except signing.BadSignature:
        return False
    return bool(known == _proof(page))


def _is_right(given: str, page: PublishedPage) -> bool | None:
    """Whether it is the password; None while others are being checked, for a hash costs time and memory."""
    if len(given) > PASSWORD_MOST:
        return False
    if not CHECKS.acquire(blocking=False):
        return None
    try:
        return check_password(given, page.access.password)
    finally:
        CHECKS.release()


def _admit(request: HttpRequest, page: PublishedPage) -> HttpResponse:
    home = home_of(page.slug, request.META.get(PAGE_DOMAIN, ""))
    answer = HttpResponseRedirect(f"{home}{chosen_query(request)}")
    answer.set_cookie(
        _cookie(page),
        signing.dumps(_proof(page), salt=_SALT),
        ADMITTED_S,
        # Of all paths: a subscription names components to readers of the page alone.
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def _cookie(page: PublishedPage) -> str:
    return f"vigil_{page.id}"


def _proof(page: PublishedPage) -> str:
    """What a reader had to know: a new password ends what the old one has opened."""
    return hashlib.sha256(f"{page.id} {page.access.password}".encode()).hexdigest()
