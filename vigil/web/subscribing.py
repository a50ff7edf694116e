"""Forms of readers who subscribe to a status page: whole without a script, and saying the same to everyone.

A request is taken by one INSERT, whoever subscribes already (`vigil.status.subscribers.requests`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from vigil.guess_limits import SUBSCRIBING
from vigil.status.addresses import address_of
from vigil.status.components import MAX_COMPONENTS
from vigil.status.core.languages.reader_words import ReaderNotice
from vigil.status.core.subscriber_terms import AddressProblem, OffReason, SubscriberKind, SubscriberState
from vigil.status.models import StatusPage
from vigil.status.subscriber_models import Subscriber
from vigil.status.subscribers.addresses import address_in_one_spelling
from vigil.status.subscribers.changes import choose, confirm, unsubscribe
from vigil.status.subscribers.kinds import kinds_of
from vigil.status.subscribers.links import SubscriptionLinkError, read_confirm_token, read_manage_token
from vigil.status.subscribers.requests import WantedSubscription, take_request
from vigil.web.readers import notices
from vigil.web.readers.language import chosen_query, words_for
from vigil.web.readers.subscription_forms import base_of, component_boxes, heading_of, subscription_form
from vigil.web.serving.status_pages import PAGE_DOMAIN, published_pages
from vigil.web.status_pages import is_from_here, refusal

View = Callable[..., HttpResponse]


def _without_session(view: View) -> View:
    """A form of strangers: nothing is stored of it, its address is told to nobody, and an outage is said plainly."""

    # No session is read: what acts is the address that was typed, or the link that was sent to it.
    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        try:
            answer = view(request, *args, **options)
        except SubscriptionLinkError as refused:
            answer = _said(request, refused.said, 403)
        except (OperationalError, InterfaceError):
            answer = _said(request, ReaderNotice.AWAY, 503)
            answer["Retry-After"] = "60"
        answer.headers.setdefault("Referrer-Policy", "no-referrer")
        answer["X-Robots-Tag"] = "noindex, nofollow"
        return answer

    return answered


@_without_session
def subscribe(request: HttpRequest, slug: str) -> HttpResponse:
    """The form of a page for those who may read it. The answer to every address is the same."""
    published = published_pages().find(slug)
    if published is None:
        raise Http404
    refused = refusal(request, published, "subscribe")
    if refused is not None:
        return refused
    page = get_object_or_404(StatusPage, public_id=published.id, enabled=True)
    if request.method != "POST":
        return subscription_form(request, page)
    if not is_from_here(request):
        # Else another site could ask through its visitors, each from an address of their own.
        return notices.notice(request, HTTPStatus.FORBIDDEN, ReaderNotice.NOT_FROM_HERE, "subscribe")
    wait_s = SUBSCRIBING.failed(request.META.get("REMOTE_ADDR", ""))
    if wait_s:
        return notices.too_many(request, wait_s)
    try:
        wanted = _wanted(request, page)
    except ValidationError as refused:
        return subscription_form(request, page, refused)
    take_request(page.pk, wanted)
    return _said(request, ReaderNotice.ASKED, page=page)


@_without_session
def confirm_subscription(request: HttpRequest, token: str) -> HttpResponse:
    """What the link of a letter opens. A press confirms, since scanners of mail open links."""
    row = _subscriber(request, read_confirm_token(token))
    if row is not None and request.method == "POST":
        row = confirm(row.public_id)
    if row is None or row.state == SubscriberState.OFF:
        return _said(request, ReaderNotice.NOTHING_TO_CONFIRM, 410)
    words = words_for(request, row.page.language)
    if row.state == SubscriberState.CONFIRMED:
        said = words.subscribing
        shown = {"title": said.you_are_told.format(title=row.page.title), "text": said.confirmed, "words": words}
        return render(request, "web/pages/subscriptions/said.html", shown | {"home": _home(request, row.page)})
    heading = heading_of(words.subscribing.confirm_it, row.page)
    return render(request, "web/pages/subscriptions/confirm.html", {"heading": heading, "words": words})


@_without_session
def subscription(request: HttpRequest, token: str) -> HttpResponse:
    """One's own subscription, at the address that only its letters hold: what it is about, and its end."""
    name = read_manage_token(token)
    row = _subscriber(request, name)
    if row is None:
        return _said(request, ReaderNotice.UNSUBSCRIBED)
    # What a page names is for its readers, and who subscribed may be none of them any more.
    may_read, saved, errors = _may_read(request, row.page), False, list[str]()
    if request.method == "POST":
        if request.POST.get("do") == "unsubscribe":
            unsubscribe(name)
            return _said(request, ReaderNotice.UNSUBSCRIBED)
        if may_read:
            errors = _choose(request, row)
            saved, row = not errors, _subscriber(request, name) or row
    words = words_for(request, row.page.language)
    shown = {
        "words": words,
        "heading": heading_of(words.subscribing.yours, row.page),
        "home": address_of(row.page),
        "query": chosen_query(request),
        "state": _state(request, row),
        "is_off": row.state == SubscriberState.OFF,
        "saved": saved,
        "field": component_boxes(request, row.page, [one.public_id for one in row.components.all()], errors)
        if may_read
        else None,
        "whole": row.whole,
    }
    return render(request, "web/pages/subscriptions/manage.html", shown)


@_without_session
def unsubscribe_once(request: HttpRequest, token: str) -> HttpResponse:
    """The end by one POST of a mail program (RFC 8058), or by a press of a person; a second time says the same."""
    name = read_manage_token(token)
    if request.method == "POST":
        # Under any name: since the letter was sent, its page may have given its domain to another one.
        unsubscribe(name)
        return _said(request, ReaderNotice.UNSUBSCRIBED)
    row = _subscriber(request, name)
    if row is None:
        return _said(request, ReaderNotice.UNSUBSCRIBED)
    words = words_for(request, row.page.language)
    heading = heading_of(words.subscribing.leave, row.page)
    return render(request, "web/pages/subscriptions/leave.html", {"heading": heading, "words": words})


def _wanted(request: HttpRequest, page: StatusPage) -> WantedSubscription:
    """What the form asks for; raises `ValidationError` by field."""
    words = words_for(request, page.language).subscribing
    kinds, given = kinds_of(page), request.POST.get("kind", "")
    kind = next((one for one in kinds if one.value == given), None)
    if kind is None:
        raise ValidationError({"kind": [words.choose_kind]})
    try:
        address = address_in_one_spelling(kind, request.POST.get("address", ""))
    except ValidationError as refused:
        raise ValidationError({"address": [words.problems[AddressProblem(str(refused.code))]]}) from None
    return WantedSubscription(kind, address, _ticked(request, page))


def _choose(request: HttpRequest, row: Subscriber) -> list[str]:
    """Save what was ticked; returns what is wrong with it."""
    if request.POST.get("whole"):
        choose(row.public_id, None)
        return []
    ticked = _ticked(request, row.page)
    if not ticked:
        return [words_for(request, row.page.language).subscribing.choose_component]
    choose(row.public_id, list(row.page.components.filter(public_id__in=ticked)))
    return []


def _ticked(request: HttpRequest, page: StatusPage) -> list[str]:
    given = request.POST.getlist("components")[:MAX_COMPONENTS]
    return list(page.components.filter(public_id__in=given).values_list("public_id", flat=True))


def _subscriber(request: HttpRequest, name: str) -> Subscriber | None:
    """The one of a link, on Vigil's own address or on the domain of its page; raises `SubscriptionLinkError`."""
    row = Subscriber.objects.select_related("page").filter(public_id=name).first()
    if row is not None and request.META.get(PAGE_DOMAIN, "") not in ("", row.page.domain):
        raise SubscriptionLinkError(ReaderNotice.LINK_INVALID)
    return row


def _may_read(request: HttpRequest, page: StatusPage) -> bool:
    published = published_pages().of_id(page.public_id) if page.enabled else None
    return published is not None and refusal(request, published, "subscribe") is None


def _state(request: HttpRequest, row: Subscriber) -> str:
    """What a subscription is at, in a sentence."""
    said = words_for(request, row.page.language).subscribing
    if row.state == SubscriberState.OFF:
        return said.off_because[OffReason(row.off_reason)]
    return said.not_confirmed if row.state == SubscriberState.PENDING else said.told_by[SubscriberKind(row.kind)]


def _home(request: HttpRequest, page: StatusPage) -> str:
    return f"{base_of(request, page) or '/'}{chosen_query(request)}"


def _said(request: HttpRequest, said: ReaderNotice, status: int = 200, page: StatusPage | None = None) -> HttpResponse:
    """The same whether somebody was there, so that a press and its repeat say the same."""
    words = words_for(request, page.language if page is not None else "")
    title, text = words.notices[said]
    shown = {"title": title, "text": text, "words": words, "home": _home(request, page) if page is not None else ""}
    return render(request, "web/pages/subscriptions/said.html", shown, status=status)
