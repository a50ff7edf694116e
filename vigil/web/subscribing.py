"""Forms of readers who subscribe to a status page: whole without a script, and saying the same to everyone.

A request is taken by one INSERT, whoever subscribes already (`vigil.status.subscribers.requests`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
from vigil.status.core.subscribers.terms import KIND_WORDS, SubscriberKind, SubscriberState
from vigil.status.models import StatusPage
from vigil.status.subscriber_models import Subscriber
from vigil.status.subscribers.addresses import address_in_one_spelling
from vigil.status.subscribers.changes import choose, confirm, unsubscribe
from vigil.status.subscribers.kinds import kinds_of
from vigil.status.subscribers.links import SubscriptionLinkError, read_confirm_token, read_manage_token
from vigil.status.subscribers.requests import WantedSubscription, take_request
from vigil.web.guessing import too_many
from vigil.web.parts.fields import FormField, problems
from vigil.web.readers import notices
from vigil.web.serving.status_pages import PAGE_DOMAIN, published_pages
from vigil.web.status_pages import is_from_here, refusal

_HINTS = {
    SubscriberKind.EMAIL: "You get a letter with a link that confirms it. Nothing is sent before that.",
    SubscriberKind.WEBHOOK: "It gets a question by POST first, which it has to answer. See the guide of webhooks.",
    SubscriberKind.SLACK: "Of an incoming webhook of your workspace. The channel gets a first message.",
}
_LABELS = {
    SubscriberKind.EMAIL: "E-mail address",
    SubscriberKind.WEBHOOK: "Address of the webhook",
    SubscriberKind.SLACK: "Address of Slack's webhook",
}
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
        except (OperationalError, InterfaceError):
            answer = _said(
                request, "Subscriptions cannot be taken now",
                "Vigil's database cannot be reached. Nothing was saved. Try again in a few minutes.", 503,
            )  # fmt: skip
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
        return _form(request, page)
    if not is_from_here(request):
        # Else another site could ask through its visitors, each from an address of their own.
        return notices.notice(request, HTTPStatus.FORBIDDEN, notices.NOT_FROM_HERE, "subscribe")
    wait_s = SUBSCRIBING.failed(request.META.get("REMOTE_ADDR", ""))
    if wait_s:
        return too_many(request, wait_s)
    try:
        wanted = _wanted(request, page)
    except ValidationError as refused:
        return _form(request, page, refused)
    take_request(page.pk, wanted)
    return _said(
        request, "Look at what you are sent now",
        "If this address can be told, it gets a message with a link within a minute. Open the link within 48 hours:"
        " updates begin only then. Nothing arrives? It may have been asked for within the last day already.",
        page=page,
    )  # fmt: skip


@_without_session
def confirm_subscription(request: HttpRequest, token: str) -> HttpResponse:
    """What the link of a letter opens. A press confirms, since scanners of mail open links."""
    try:
        name = read_confirm_token(token)
    except SubscriptionLinkError as refused:
        return _said(request, "This link cannot be used", str(refused), 403)
    row = confirm(name) if request.method == "POST" else _subscriber(name)
    if row is None or row.state == SubscriberState.OFF:
        return _said(request, "This link is over", "There is nothing to confirm any more. Subscribe again.", 410)
    if row.state == SubscriberState.CONFIRMED:
        text = "It is confirmed. Every letter ends with a link that ends it, and one that changes it."
        return _said(request, f"You are told of updates of {row.page.title}", text, page=row.page)
    return render(request, "web/pages/subscriptions/confirm.html", {"page": row.page})


@_without_session
def subscription(request: HttpRequest, token: str) -> HttpResponse:
    """One's own subscription, at the address that only its letters hold: what it is about, and its end."""
    try:
        name = read_manage_token(token)
    except SubscriptionLinkError as refused:
        return _said(request, "This link cannot be used", str(refused), 403)
    row = _subscriber(name)
    if row is None:
        return _ended(request)
    saved, errors = False, list[str]()
    if request.method == "POST":
        if request.POST.get("do") == "unsubscribe":
            unsubscribe(name)
            return _ended(request)
        errors = _choose(request, row)
        saved, row = not errors, _subscriber(name) or row
    shown = {
        "page": row.page,
        "home": address_of(row.page),
        "row": row,
        "kind": KIND_WORDS[SubscriberKind(row.kind)].lower(),
        "saved": saved,
        "field": _components(row.page, [one.public_id for one in row.components.all()], errors),
        "whole": row.whole,
    }
    return render(request, "web/pages/subscriptions/manage.html", shown)


@_without_session
def unsubscribe_once(request: HttpRequest, token: str) -> HttpResponse:
    """The end by one POST of a mail program (RFC 8058), or by a press of a person; a second time says the same."""
    try:
        name = read_manage_token(token)
    except SubscriptionLinkError as refused:
        return _said(request, "This link cannot be used", str(refused), 403)
    if request.method == "POST":
        unsubscribe(name)
        return _ended(request)
    row = _subscriber(name)
    return render(request, "web/pages/subscriptions/leave.html", {"page": row.page}) if row else _ended(request)


def _wanted(request: HttpRequest, page: StatusPage) -> WantedSubscription:
    """What the form asks for; raises `ValidationError` by field."""
    kinds, given = kinds_of(page), request.POST.get("kind", "")
    kind = next((one for one in kinds if one.value == given), None)
    if kind is None:
        raise ValidationError({"kind": ["Choose one of these."]})
    try:
        address = address_in_one_spelling(kind, request.POST.get("address", ""))
    except ValidationError as refused:
        raise ValidationError({"address": refused.messages}) from None
    return WantedSubscription(kind, address, _ticked(request, page))


def _choose(request: HttpRequest, row: Subscriber) -> list[str]:
    """Save what was ticked; returns what is wrong with it."""
    if request.POST.get("whole"):
        choose(row.public_id, None)
        return []
    ticked = _ticked(request, row.page)
    if not ticked:
        return ["Tick one at least, or all of it. To be told nothing, unsubscribe."]
    choose(row.public_id, list(row.page.components.filter(public_id__in=ticked)))
    return []


def _ticked(request: HttpRequest, page: StatusPage) -> list[str]:
    given = request.POST.getlist("components")[:MAX_COMPONENTS]
    return list(page.components.filter(public_id__in=given).values_list("public_id", flat=True))


def _form(request: HttpRequest, page: StatusPage, refused: ValidationError | None = None) -> HttpResponse:
    kinds = kinds_of(page)
    errors = refused.message_dict if refused is not None else {}
    asked = request.POST.get("kind") or request.GET.get("kind", "")
    kind = next((one for one in kinds if one.value == asked), kinds[0] if kinds else SubscriberKind.EMAIL)
    address = FormField(
        "address", _LABELS[kind], request.POST.get("address", "")[:500], "email" if kind == "email" else "url",
        _HINTS[kind], errors.get("address", ()), required=True, autocomplete="email" if kind == "email" else "off",
    )  # fmt: skip
    shown = {
        "page": page,
        "base": _base(request, page),
        "kind": kind,
        "kinds": [(one.value, KIND_WORDS[one]) for one in kinds],
        "address": address,
        "components": _components(page, request.POST.getlist("components")[:MAX_COMPONENTS]),
        "problems": problems(errors),
    }
    answer = render(request, "web/pages/subscriptions/subscribe.html", shown, status=400 if errors else 200)
    # Without it a browser sends the form without saying from where.
    answer["Referrer-Policy"] = "same-origin"
    return answer


def _components(page: StatusPage, ticked: Collection[str], errors: Sequence[str] = ()) -> FormField | None:
    """The boxes of its components; none where there is nothing to choose from."""
    options = [(one.public_id, one.name) for one in page.components.all()]
    if not options:
        return None
    return FormField("components", "Components", "\n".join(ticked), "checks", errors=errors, options=options)


def _subscriber(name: str) -> Subscriber | None:
    return Subscriber.objects.select_related("page").filter(public_id=name).first()


def _ended(request: HttpRequest) -> HttpResponse:
    """The same whether it was there, so that a press and its repeat say the same."""
    return _said(request, "You are unsubscribed", "Nothing more is sent, and your address is deleted.")


def _base(request: HttpRequest, page: StatusPage) -> str:
    """What stands before the files of a page, in this request: nothing on its own domain, and its address elsewhere."""
    return "" if request.META.get(PAGE_DOMAIN) else address_of(page)


def _said(
    request: HttpRequest, title: str, text: str, status: int = 200, page: StatusPage | None = None
) -> HttpResponse:
    shown = {"title": title, "text": text, "home": _base(request, page) or "/" if page else ""}
    return render(request, "web/pages/subscriptions/said.html", shown, status=status)
