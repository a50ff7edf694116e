"""Who stands in for a rotation: added by the clock of its zone, and taken out again."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from vigil.alerts.models import Rotation, RotationOverride
from vigil.alerts.routing.changes import save_override
from vigil.web.forms.errors import errors_by_field
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.picking import names_of, people_of, rotations_of
from vigil.web.pages.row_forms.reading import Problems, chosen, moment_in, sent_texts
from vigil.web.pages.row_forms.shape import Errors
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import FormField, problems

_MOMENTS = (("starts_at", "From"), ("ends_at", "Until"))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def stand_in(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """A person is on call for a while instead of whose turn it is."""
    reader.require_writer()
    found = get_object_or_404(rotations_of(reader.team), public_id=public_id[:40])
    sent, errors = sent_texts(request.POST), {}
    if request.method == "POST":
        try:
            _add(reader, found, sent)
            return redirect("rotation", public_id)
        except ValidationError as refused:
            errors = errors_by_field(refused)
    shown = {"rotation": found, "fields": _fields(reader, found, sent, errors), "problems": problems(errors)}
    return render_page(request, reader, "on-call", "row_forms/stand_in.html", shown)


@require_POST
@page
def end_stand_in(request: HttpRequest, reader: PageReader, public_id: str, override: str) -> HttpResponse:
    """The rotation's own turns count again."""
    reader.require_writer()
    found = get_object_or_404(rotations_of(reader.team), public_id=public_id[:40])
    get_object_or_404(found.overrides, public_id=override[:40]).delete()
    return redirect("rotation", public_id)


def _add(reader: PageReader, found: Rotation, sent: Sent) -> RotationOverride:
    wrong: Problems = {}
    moments = {name: moment_in(sent, name, found.zone, wrong) for name, _ in _MOMENTS}
    person = chosen(people_of(reader.team), [sent.get("person", "")], "person", wrong)
    for name, at in moments.items():
        if at is None and name not in wrong:
            wrong[name] = ["This is needed."]
    if wrong:
        raise ValidationError(wrong)  # type: ignore[arg-type]
    return save_override(RotationOverride(rotation=found), {**moments, "person": person[0]})


def _fields(reader: PageReader, found: Rotation, sent: Sent, errors: Errors) -> list[FormField]:
    people = names_of(people_of(reader.team))
    fields = [FormField("person", "Person", sent.get("person", ""), "select", options=people,
                        errors=list(errors.get("person", ())))]  # fmt: skip
    for name, label in _MOMENTS:
        wrong = list(errors.get(name, ()))
        hint = f"By the clock of {found.zone}."
        fields.append(FormField(name, label, sent.get(name, ""), "datetime-local", hint, wrong, required=True))
    return fields
