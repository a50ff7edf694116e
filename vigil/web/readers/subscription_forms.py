"""Forms of subscriptions: fields, headings and addresses, in the language of the page."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString

from vigil.status.addresses import address_of
from vigil.status.components import MAX_COMPONENTS
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.status.models import StatusPage
from vigil.status.subscribers.kinds import kinds_of
from vigil.web.parts.fields import FormField, problems
from vigil.web.readers.language import chosen_query, words_for
from vigil.web.serving.status_pages import PAGE_DOMAIN


def subscription_form(request: HttpRequest, page: StatusPage, refused: ValidationError | None = None) -> HttpResponse:
    """The form of a page, and what is wrong with what was sent."""
    words, kinds = words_for(request, page.language), kinds_of(page)
    said, errors = words.subscribing, refused.message_dict if refused is not None else {}
    asked = request.POST.get("kind") or request.GET.get("kind", "")
    kind = next((one for one in kinds if one.value == asked), kinds[0] if kinds else SubscriberKind.EMAIL)
    address = FormField(
        "address", said.labels[kind], request.POST.get("address", "")[:500], "email" if kind == "email" else "url",
        said.hints[kind], errors.get("address", ()), required=True, autocomplete="email" if kind == "email" else "off",
    )  # fmt: skip
    found = problems(errors)
    shown = {
        "words": words,
        "title": said.subscribe_to.format(title=page.title),
        "heading": heading_of(said.be_told, page),
        "base": base_of(request, page),
        "query": chosen_query(request),
        "kind": kind,
        "kinds": [(one.value, said.kinds[one]) for one in kinds],
        "address": address,
        "components": component_boxes(request, page, request.POST.getlist("components")[:MAX_COMPONENTS]),
        "problems": found,
        "problem_count": said.one_problem if len(found) == 1 else said.many_problems.format(count=len(found)),
    }
    answer = render(request, "web/pages/subscriptions/subscribe.html", shown, status=400 if errors else 200)
    # Without it a browser sends the form without saying from where.
    answer["Referrer-Policy"] = "same-origin"
    return answer


def component_boxes(
    request: HttpRequest, page: StatusPage, ticked: Collection[str], errors: Sequence[str] = ()
) -> FormField | None:
    """The boxes of its components; none where there is nothing to choose from."""
    options = [(one.public_id, one.name) for one in page.components.all()]
    if not options:
        return None
    label = words_for(request, page.language).services
    return FormField("components", label, "\n".join(ticked), "checks", errors=errors, options=options)


def heading_of(words: str, page: StatusPage) -> SafeString:
    """A heading with the title of the page."""
    return format_html(words, title=format_html("<bdi>{}</bdi>", page.title))


def base_of(request: HttpRequest, page: StatusPage) -> str:
    """What stands before the files of a page, in this request: nothing on its own domain, and its address elsewhere."""
    return "" if request.META.get(PAGE_DOMAIN) else address_of(page)
