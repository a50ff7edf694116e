"""Pages of row forms: new, change, delete. A viewer gets a 403, another team's row is a 404."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from vigil.clock import database_now
from vigil.code.ownership import owner_of_row
from vigil.read_models.users import users_of
from vigil.web.forms.errors import errors_by_field
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.monitor_forms import patches
from vigil.web.pages.monitor_forms.edit import BothValues, ChangedMeanwhile
from vigil.web.pages.row_forms.kinds import FORMS
from vigil.web.pages.row_forms.reading import sent_texts
from vigil.web.pages.row_forms.repeated import rearranged
from vigil.web.pages.row_forms.shape import FormBlock, Meaning, RowForm, signature
from vigil.web.pages.row_forms.trying import found, locked, save, tried
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import FormField, problems

Form = RowForm[Any]
FOLDER = "row_forms"


@require_http_methods(["GET", "HEAD", "POST"])
@page
def new_row(request: HttpRequest, reader: PageReader, kind: str) -> HttpResponse:
    """A new row of a kind."""
    reader.require_writer()
    form = FORMS[kind]
    frame = {"heading": f"New {form.noun}", "save": f"Save the {form.noun}", "back": form.index()}
    if request.method != "POST":
        return _shown(request, reader, form, form.texts(form.blank(reader)), frame)
    return _answer(request, reader, form, "", frame)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def edit_row(request: HttpRequest, reader: PageReader, kind: str, public_id: str) -> HttpResponse:
    """The form; a sent one saves, asks first, or answers 409 with both versions."""
    reader.require_writer()
    form = FORMS[kind]
    row = found(form, reader, public_id)
    frame: dict[str, Any] = {"heading": f"Change {form.name(row)}", "save": "Save", "back": form.address(row)}
    frame |= {"owner": owner_of_row(row), "revision": signature(form.texts(row))}
    frame["delete"] = reverse(f"{kind}-delete", args=[public_id])
    if request.method != "POST":
        return _shown(request, reader, form, form.texts(row), frame, means=form.means(row, database_now()))
    return _answer(request, reader, form, public_id, frame)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def delete_row(request: HttpRequest, reader: PageReader, kind: str, public_id: str) -> HttpResponse:
    """Ask with the users of the row; the form does it. What came into use meanwhile is a 409 with their names."""
    reader.require_writer()
    form = FORMS[kind]
    if request.method == "POST":
        with transaction.atomic():
            row = locked(form, reader, public_id)
            if request.POST.get("force") == "1" or not users_of(row):
                form.delete(row)
                return redirect(form.index())
    row = found(form, reader, public_id)
    shown = {
        "heading": f"Delete {form.name(row)}?",
        "back": form.address(row),
        "name": form.name(row),
        "users": users_of(row),
        "losses": form.losses(row),
        "owner": owner_of_row(row),
    }
    answer = render_page(request, reader, form.place, f"{FOLDER}/delete.html", shown)
    answer.status_code = 409 if request.method == "POST" else 200
    return answer


def _answer(
    request: HttpRequest, reader: PageReader, form: Form, public_id: str, frame: dict[str, Any]
) -> HttpResponse:
    """What the pressed button asks for: a moved row, a search, what it would mean, the same as code, or the save."""
    sent, wish = sent_texts(request.POST), request.POST.get("do", "save")[:100]
    if "revision" in sent:
        # A form that is shown again keeps the version that it was opened on.
        frame = {**frame, "revision": sent["revision"]}
    moved = rearranged(sent, wish, form.repeats)
    if moved is not None or wish.startswith("find"):
        sent, focus = moved or (sent, wish.partition(".")[2])
        return _shown(request, reader, form, sent, {**frame, "focus": focus})
    filled = form.filled(reader.team, sent, wish)
    if filled is not None:
        return _shown(request, reader, form, filled, frame)
    try:
        if wish in ("preview", "code"):
            trial = tried(form, reader, public_id, sent, wish == "code" and form.in_documents)
            return _shown(request, reader, form, sent, {**frame, "code": trial.code}, means=trial.means)
        owner = frame.get("owner")
        if owner is not None and sent.get("anyway") != "1":
            patch = patches.patch_of(owner, lambda: _save(form, reader, public_id, sent))
            return _shown(request, reader, form, sent, {**frame, "patch": patch})
        return redirect(form.address(save(form, reader, public_id, sent)))
    except ChangedMeanwhile:
        theirs = form.texts(found(form, reader, public_id))
        both = _differing(form, reader, theirs, sent)
        changed = {"both": both, "changed": "Another person changed this meanwhile. Nothing of yours was saved yet."}
        answer = _shown(request, reader, form, sent, {**frame, **changed, "revision": signature(theirs)})
        answer.status_code = 409
        return answer
    except ValidationError as refused:
        return _refused(request, reader, form, sent, {**frame, "refused": errors_by_field(refused, form.renamed)})


def _save(form: Form, reader: PageReader, public_id: str, sent: Sent) -> None:
    save(form, reader, public_id, sent)


def _refused(
    request: HttpRequest, reader: PageReader, form: Form, sent: dict[str, str], frame: dict[str, Any]
) -> HttpResponse:
    errors: dict[str, list[str]] = frame["refused"]
    if "HX-Request" in request.headers:
        first = next(iter(errors.values()), ["Something is missing."])[0]
        return render(request, f"web/pages/{FOLDER}/means.html", {"waits_for": first})
    return _shown(request, reader, form, sent, {**frame, "errors": errors, "problems": problems(errors)})


def _differing(form: Form, reader: PageReader, theirs: Sent, yours: Sent) -> list[BothValues]:
    """Fields that differ, as people read them."""
    there, here = (_values(form.blocks(reader.team, texts, {})) for texts in (theirs, yours))
    names = [*here, *(name for name in there if name not in here)]
    pairs = [(name, there.get(name, ("", "")), here.get(name, ("", ""))) for name in names]
    return [BothValues(one[0] or other[0], one[1], other[1]) for _, one, other in pairs if one[1] != other[1]]


def _values(blocks: Any) -> dict[str, tuple[str, str]]:
    told: dict[str, tuple[str, str]] = {}
    for block in blocks:
        for field in block.fields:
            told[field.name] = (field.label, _value(field))
        for row in block.rows:
            values = [f"{field.label}: {_value(field)}" for field in row.fields if field.value]
            told[f"{block.name}.{row.number}"] = (f"{block.title} {row.number + 1}", "\n".join([row.title, *values]))
    return told


def _value(field: FormField) -> str:
    names = dict(field.options)
    if field.kind == "checks":
        return ", ".join(names.get(one, one) for one in sorted(field.ticked) if one)
    return names.get(field.value, field.value.replace("\r\n", "\n"))


def _shown(
    request: HttpRequest,
    reader: PageReader,
    form: Form,
    sent: Sent,
    frame: Mapping[str, Any],
    means: Meaning | None = None,
) -> HttpResponse:
    if "HX-Request" in request.headers:
        return render(request, f"web/pages/{FOLDER}/means.html", {"means": means})
    blocks: list[FormBlock] = list(form.blocks(reader.team, sent, frame.get("errors", {})))
    shown = {
        "documented": form.in_documents,
        "code": None,
        "focus": "",
        **frame,
        "kind": form.key,
        "noun": form.noun,
        "blocks": blocks,
        "means": means,
    }
    return render_page(request, reader, form.place, f"{FOLDER}/form.html", shown)
