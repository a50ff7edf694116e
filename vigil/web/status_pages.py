"""Status pages by Django: those that not everyone may read, and what the event loop does not answer.

No query is asked but for a page whose readers sign in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from vigil.accounts.models import Membership, User
from vigil.configuration import configuration
from vigil.status.core.access import PageVisibility
from vigil.status.core.answer import FileRequest, answer_of, split_path
from vigil.status.core.document import PublishedPage
from vigil.status.core.domains import PREFIX
from vigil.status.core.languages import chosen_of
from vigil.status.core.languages.reader_words import ReaderNotice
from vigil.web import page_passwords
from vigil.web.middleware.sessions import end_old_session
from vigil.web.readers import notices
from vigil.web.serving.status_pages import PAGE_DOMAIN, published_pages


# No form here acts for a session, so that CSRF does not apply; those of other sites are refused all the same.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def status_page(request: HttpRequest, slug: str, below: str = "") -> HttpResponse:
    """One file of a page for who may read it, else what a reader needs."""
    slug, below = split_path(request.path_info)
    page = published_pages().find(slug)
    if page is None:
        raise Http404
    if request.method == "POST" and not is_from_here(request):
        return notices.notice(request, HTTPStatus.FORBIDDEN, ReaderNotice.NOT_FROM_HERE, below)
    refused = refusal(request, page, below)
    if refused is not None:
        return refused
    headers = request.headers
    tag, encoding = headers.get("If-None-Match", ""), headers.get("Accept-Encoding", "")
    asked = FileRequest(below, tag, encoding, chosen_of(request.GET))
    found = answer_of(page, asked, datetime.now(UTC))
    if found is None:
        raise Http404
    return HttpResponse(found[2], status=found[0], headers=dict(found[1]))


def refusal(request: HttpRequest, page: PublishedPage, below: str) -> HttpResponse | None:
    """What is answered in place of the page; None for a reader who may read it."""
    match page.access.visibility:
        case PageVisibility.PUBLIC:
            return None
        case PageVisibility.PASSWORD:
            return None if page_passwords.is_known(request, page) else page_passwords.ask(request, page, below)
        case PageVisibility.ADDRESSES:
            return _refused_by_address(request, page, below)
        case PageVisibility.TEAM:
            return _refused_by_session(request, page, below)


def _refused_by_address(request: HttpRequest, page: PublishedPage, below: str) -> HttpResponse | None:
    if request.META.get("vigil.is_forwarded") and not configuration().trusted_networks:
        # The connection is a proxy's, and who is behind it is its word alone.
        return notices.notice(request, HTTPStatus.FORBIDDEN, ReaderNotice.NOT_TOLD, below)
    if page.access.admits(request.META.get("REMOTE_ADDR", "")):
        return None
    return notices.notice(request, HTTPStatus.FORBIDDEN, ReaderNotice.NOT_ADMITTED, below)


def _refused_by_session(request: HttpRequest, page: PublishedPage, below: str) -> HttpResponse | None:
    if request.META.get(PAGE_DOMAIN):
        # Sessions are of Vigil's own address: there a member is known.
        return HttpResponseRedirect(f"{configuration().base_url}{PREFIX}{page.slug}{'/' if below else ''}{below}")
    try:
        end_old_session(request)
        user = request.user
        if not isinstance(user, User):
            if below:
                return notices.notice(request, HTTPStatus.UNAUTHORIZED, ReaderNotice.SIGN_IN, below)
            return redirect_to_login(request.path_info)
        is_member = Membership.objects.filter(user=user, team_id=page.access.team).exists()
    except (OperationalError, InterfaceError):
        return notices.notice(request, HTTPStatus.SERVICE_UNAVAILABLE, ReaderNotice.CANNOT_CHECK, below)
    return None if is_member else notices.notice(request, HTTPStatus.FORBIDDEN, ReaderNotice.NOT_A_MEMBER, below)


def is_from_here(request: HttpRequest) -> bool:
    """Whether a form was sent by the page itself, as its browser says; programs say nothing."""
    origin = request.headers.get("Origin", "")
    if not origin:
        return True
    domain = request.META.get(PAGE_DOMAIN, "")
    return urlsplit(origin).hostname == (domain or urlsplit(configuration().base_url).hostname)
