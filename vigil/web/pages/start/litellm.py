"""Second step of the guided start for a LiteLLM proxy: its file, what it would make, and the keys that this needs."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from vigil.model_watch.uses import declare_models
from vigil.monitors.changes import default_regions
from vigil.monitors.core.litellm import ImportPlan, plan
from vigil.monitors.core.litellm_targets import BadConfig
from vigil.monitors.litellm_file import parse_config
from vigil.monitors.litellm_import import Done, carry_out, wanted_addresses, wanted_keys
from vigil.web.forms.errors import errors_by_field
from vigil.web.pages.shell import PageReader, render_page
from vigil.web.pages.start import choices, looking
from vigil.web.pages.start.code_beside import same_as_code
from vigil.web.pages.start.draft import StartDraft, keep_draft
from vigil.web.parts.fields import FormField, problems

#: Largest file that the page takes (bytes); `manage.py import` takes larger ones.
FILE_MOST = 131_072
#: Fields for keys on the page.
KEYS_MOST = 50
MONITORS_SHOWN = 100


def step(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The file first, then what it would make; a third form makes it."""
    draft = looking.draft_of(request, choices.LITELLM)
    errors: dict[str, list[str]] = {}
    done: list[Done] = []
    if request.method == "POST":
        try:
            if request.POST.get("do") == "make":
                done = _make(request, reader, draft)
                draft.monitor = ""
            else:
                draft.document = _document(request.FILES.get("file"))
        except ValidationError as refused:
            errors = errors_by_field(refused)
        keep_draft(request.session, draft)
        if not errors and not done:
            return redirect(looking.step_address(2, choices.LITELLM))
    planned = None
    with contextlib.suppress(BadConfig):
        planned = plan(parse_config(draft.document.encode())) if draft.document else None
    shown = {
        "step": 2,
        "heading": choices.heading_of(choices.LITELLM),
        "file": FormField(
            "file",
            "File",
            kind="file",
            hint=f"The proxy's config.yaml, at most {FILE_MOST // 1024} KiB. Keys in it are not stored.",
            required=True,
            errors=errors.get("file", ()),
        ),
        "problems": problems(errors),
        "planned": planned,
        "monitors": [(one.target.name, ", ".join(one.models)) for one in planned.monitors[:MONITORS_SHOWN]]
        if planned
        else [],
        "keys": _key_fields(planned, errors) if planned else [],
        "done": done,
        "draft": draft,
        "code": same_as_code(choices.LITELLM, {}),
    }
    return render_page(request, reader, "overview", "start/litellm.html", shown)


def _document(file: UploadedFile | None) -> str:
    if file is None:
        raise ValidationError({"file": ["Choose the file."]})
    content = file.read(FILE_MOST + 1)
    if len(content) > FILE_MOST:
        raise ValidationError({"file": [f"It is larger than {FILE_MOST // 1024} KiB: use `manage.py import`."]})
    try:
        plan(parse_config(content))
        return content.decode()
    except BadConfig as refused:
        raise ValidationError({"file": [str(refused)]}) from None
    except UnicodeDecodeError:
        raise ValidationError({"file": ["This is not a text in UTF-8."]}) from None


def _make(request: HttpRequest, reader: PageReader, draft: StartDraft) -> list[Done]:
    try:
        planned = plan(parse_config(draft.document.encode()))
    except BadConfig as refused:
        raise ValidationError({"file": [str(refused)]}) from None
    given = {name: request.POST.get(f"key.{name}", "")[: looking.FIELD_MOST].strip() for name in _asked(planned)}
    done = carry_out(reader.team, planned, {name: text for name, text in given.items() if text}, default_regions())
    declare_models(reader.team.pk, planned)
    return done


def _asked(planned: ImportPlan) -> dict[str, bool]:
    """Variables whose values the page asks for, each with whether it is a key."""
    asked: dict[str, bool] = dict.fromkeys(sorted(wanted_keys(planned)), True)
    asked |= dict.fromkeys(sorted(wanted_addresses(planned)), False)
    return dict(list(asked.items())[:KEYS_MOST])


def _key_fields(planned: ImportPlan, errors: Mapping[str, Any]) -> list[FormField]:
    return [
        FormField(
            f"key.{name}",
            name,
            kind="password" if is_key else "text",
            hint="Empty to make its monitors without a key, or not at all where they need one." if is_key else "",
            errors=errors.get(f"key.{name}", ()),
        )
        for name, is_key in _asked(planned).items()
    ]
