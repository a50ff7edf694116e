"""Second step of the guided start: one field, a trial from every region, and the monitor that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.dispatch import trials
from vigil.dispatch.trial_limits import TooManyTrials
from vigil.monitors import changes
from vigil.monitors.drafts import draft_monitor
from vigil.monitors.models import Monitor
from vigil.monitors.presets import by_what_was_given
from vigil.web.forms.errors import errors_by_field
from vigil.web.forms.free_names import free_name
from vigil.web.pages.shell import PageReader, render_page
from vigil.web.pages.start import choices
from vigil.web.pages.start.code_beside import same_as_code
from vigil.web.pages.start.draft import StartDraft, keep_draft, load_draft
from vigil.web.parts.fields import problems
from vigil.web.parts.trial_rows import TrialRows, trial_rows

FIELD_MOST = 8_192
Errors = dict[str, list[str]]


def step(request: HttpRequest, reader: PageReader, choice: str) -> HttpResponse:
    """The form and the rows of its trial; a sent form starts a trial, or makes the monitor."""
    draft = draft_of(request, choice)
    errors: Errors = {}
    if request.method == "POST":
        draft.given = sent_fields(request, choice, draft.given)
        if request.POST.get("do") == "back":
            return back(request, draft)
        try:
            if request.POST.get("do") == "watch":
                draft.monitor, following = watch(reader.team, choice, draft), step_address(3)
            else:
                draft.trial, following = look(reader.team, choice, draft.given), step_address(2, choice)
        except ValidationError as refused:
            errors = errors_by_field(refused)
        keep_draft(request.session, draft)
        if not errors:
            return redirect(following)
    return _shown(request, reader, draft, errors)


def draft_of(request: HttpRequest, choice: str) -> StartDraft:
    """The session's draft for a choice."""
    return load_draft(request.session).begin(choice)


def back(request: HttpRequest, draft: StartDraft) -> HttpResponse:
    """The step before; what the form holds is kept."""
    keep_draft(request.session, draft)
    return redirect("start")


def sent_fields(request: HttpRequest, choice: str, before: Mapping[str, str]) -> dict[str, str]:
    """What the form gives; a key that was not given again stays."""
    given: dict[str, str] = {}
    for field in choices.fields_of(choice, {}, {}):
        text = request.POST.get(field.name, "")[:FIELD_MOST].strip()
        if field.kind == "password" and not text:
            text = before.get(field.name, "")
        if text:
            given[field.name] = text
    return given


def look(team: Team, choice: str, given: Mapping[str, str]) -> str:
    """Start a trial of the unsaved monitor from every region; returns its id. Raises `ValidationError`."""
    monitor, regions = _made(team, choice, given)
    enabled = [region for region in regions if region.enabled]
    if not enabled:
        return ""
    try:
        return trials.start(monitor, enabled).trial.id
    except TooManyTrials as refused:
        raise ValidationError(f"There were too many looks. Again in {refused.wait_s} s.") from None
    except trials.TrialsUnavailable:
        raise ValidationError("No region can be asked now, because Redis is away. Try again in a minute.") from None


def watch(team: Team, choice: str, draft: StartDraft) -> str:
    """Make the monitor, or change the one that this start has made before; returns its id."""
    try:
        wanted = choices.wanted_of(choice, draft.given)
        with transaction.atomic():
            present = Monitor.objects.filter(team=team, public_id=draft.monitor, deleted_at=None).first()
            if present is not None:
                return changes.update_monitor(present, {**wanted, "name": present.name}).public_id
            wanted["name"] = free_name(wanted["name"], team.monitors.filter(deleted_at=None))
            return changes.create_monitor(team, wanted).public_id
    except ValidationError as refused:
        raise _by_form(choice, refused, draft.given) from None


def step_address(number: int, choice: str = "") -> str:
    """Address of a step."""
    query: dict[str, Any] = {"step": number}
    if choice:
        query["kind" if choice in choices.KINDS else "preset"] = choice
    return f"{reverse('start')}?{urlencode(query)}"


def fragment(request: HttpRequest, reader: PageReader, shown: dict[str, Any]) -> HttpResponse:
    """Rows of a trial alone."""
    return render(request, "web/pages/start/trial.html", {**shown, "reader": reader})


def _made(team: Team, choice: str, given: Mapping[str, str]) -> tuple[Monitor, list[Any]]:
    try:
        wanted = choices.wanted_of(choice, given)
        return draft_monitor(team, wanted)
    except ValidationError as refused:
        raise _by_form(choice, refused, given) from None


def _by_form(choice: str, refused: ValidationError, given: Mapping[str, str]) -> ValidationError:
    """By the fields of this form: what a preset made comes from what was given to it."""
    if choice not in choices.KINDS:
        return by_what_was_given(refused, given) if hasattr(refused, "error_dict") else refused
    found = {"address" if name in ("config", "kind") else name: errors for name, errors in refused.error_dict.items()}
    return ValidationError(
        {name: [reason for error in errors for reason in _reasons(error)] for name, errors in found.items()}
    )


def _reasons(error: ValidationError) -> list[str]:
    reason = (error.params or {}).get("reason")
    return [str(reason)] if reason else list(error.messages)


def _shown(request: HttpRequest, reader: PageReader, draft: StartDraft, errors: Errors) -> HttpResponse:
    regions = changes.default_regions()
    shown = {
        "step": 2,
        "choice": draft.choice,
        "heading": choices.heading_of(draft.choice),
        "fields": choices.fields_of(draft.choice, draft.given, errors),
        "problems": problems(errors),
        "has_regions": bool(regions),
        "region_count": len(regions),
        "draft": draft,
        "trial": _trial_of(reader.team, draft) if not errors else None,
        "trial_id": draft.trial,
        "code": same_as_code(draft.choice, draft.given),
    }
    return render_page(request, reader, "overview", "start/looking.html", shown)


def _trial_of(team: Team, draft: StartDraft) -> TrialRows | None:
    """The draft's trial; None once it is over since some minutes."""
    if not draft.trial:
        return None
    try:
        found = trials.find(team.public_id, draft.trial)
    except trials.TrialsUnavailable:
        return None
    return trial_rows(found, choices.title_of(draft.choice), bool(draft.given.get("key"))) if found else None
