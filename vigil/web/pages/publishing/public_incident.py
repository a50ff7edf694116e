"""One public incident for its team: what was said, drafts and what waits, and the forms that publish and edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from vigil.status.addresses import address_of
from vigil.status.audience import audience
from vigil.status.core.incidents.cards import incident_path
from vigil.status.core.states import UpdateState
from vigil.status.incident_models import UpdateTemplate
from vigil.status.models import PublicIncident, PublicUpdate
from vigil.status.public_incidents.changes import save_postmortem
from vigil.status.public_incidents.updates import add_update, change_update, delete_update, states_of
from vigil.web.forms.errors import errors_by_field
from vigil.web.pages.row_forms.forms.public.fields import NOW, moment_fields, read_moment, states_field
from vigil.web.pages.row_forms.reading import Problems, sent_texts, text
from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.fields import FormField, problems

#: What buttons ask for, before what they are about.
TEMPLATE, PUBLISH, EDIT, DELETE, POSTMORTEM = "template.", "publish.", "edit.", "delete.", "postmortem."
Errors = Mapping[str, Sequence[str]]


@require_http_methods(["GET", "HEAD", "POST"])
@page
def public_incident(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The page; a press of one of its buttons publishes, keeps, edits or deletes. Readers of the team may look."""
    row = get_object_or_404(
        PublicIncident.objects.select_related("page", "maintenance"), team=reader.team, public_id=public_id[:40]
    )
    sent, errors = _first(row), {}
    if request.method == "POST":
        reader.require_writer()
        sent, wish = sent_texts(request.POST), request.POST.get("do", "")[:60]
        if wish.startswith(TEMPLATE):
            sent |= _words(reader, wish.removeprefix(TEMPLATE))
        else:
            try:
                _do(row, wish, sent, reader)
                return redirect(f"{reverse('public-incident', args=[public_id])}?said=1#said")
            except ValidationError as refused:
                errors = errors_by_field(refused)
    return _shown(request, reader, row, sent, errors)


def _do(row: PublicIncident, wish: str, sent: Mapping[str, str], reader: PageReader) -> None:
    author = reader.user.get_username()
    if wish == "say":
        found: Problems = {}
        moment = read_moment(sent, found)
        if found:
            raise ValidationError(found)  # type: ignore[arg-type]
        add_update(row, {"state": text(sent, "state"), "text": text(sent, "text"), "written_by": author, **moment})
    elif wish.startswith(POSTMORTEM):
        save_postmortem(row, text(sent, "postmortem"), publish=wish == f"{POSTMORTEM}publish")
    else:
        kind, _, public_id = wish.partition(".")
        update = get_object_or_404(row.updates, public_id=public_id)
        if kind == "delete":
            delete_update(update)
        elif kind == "publish":
            change_update(update, {"publish": True})
        elif kind == "edit":
            change_update(update, {"text": text(sent, f"text.{public_id}"), "written_by": author})


def _first(row: PublicIncident) -> dict[str, str]:
    """What the form of an update holds at first: the state that it has, and no words."""
    return {"state": row.state, "text": "", "send": NOW, "postmortem": row.postmortem}


def _words(reader: PageReader, public_id: str) -> dict[str, str]:
    template = get_object_or_404(UpdateTemplate, team=reader.team, public_id=public_id)
    return {"state": template.state, "text": template.text}


def _shown(
    request: HttpRequest, reader: PageReader, row: PublicIncident, sent: Mapping[str, str], errors: Errors
) -> HttpResponse:
    def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
        return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

    updates = list(row.updates.prefetch_related("earlier").order_by("-published_at", "-id"))
    components = list(row.components.all())
    words = UpdateTemplate.objects.filter(team=reader.team, state__in=states_of(row))
    is_planned = hasattr(row, "maintenance")
    shown = {
        "row": row,
        "is_planned": is_planned,
        "change": "scheduled-maintenances-edit" if is_planned else "public-incidents-edit",
        "state": UpdateState(row.state).words,
        "components": components,
        "waiting": [_with_field(one, sent, errors) for one in updates if one.published_at is None],
        "said": [_with_field(one, sent, errors) for one in updates if one.published_at is not None],
        "fields": [
            field("text", "What readers see", "textarea", required=True),
            states_field(states_of(row), sent, errors), *moment_fields(sent, errors),
        ],
        "postmortem": field("postmortem", "Postmortem", "textarea", hint="What happened, and what changes. Markdown."),
        "templates": [one for one in words if one.page_id in (None, row.page_id)],
        "audience": audience(row.page, components),
        "address": f"{address_of(row.page)}/{incident_path(row.public_id)}",
        "problems": problems(errors),
        "done": request.GET.get("said") == "1",
    }  # fmt: skip
    return render_section(request, reader, "status-pages", "public_incident.html", shown)


def _with_field(one: PublicUpdate, sent: Mapping[str, str], errors: Errors) -> tuple[PublicUpdate, str, FormField]:
    """An update, its state in words, and the field that changes its text."""
    name = f"text.{one.public_id}"
    return one, UpdateState(one.state).words, FormField(name, "Its text", sent.get(name, one.text), "textarea")
