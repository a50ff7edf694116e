"""Guided start, `/start`: which step is shown, and where each form leads. Without a script it works by reloads."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from vigil.dispatch import trials
from vigil.heartbeats.models import Heartbeat
from vigil.web.pages.errors import not_found
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.pages.start import choices, job, litellm, looking, telling
from vigil.web.pages.start.draft import load_draft
from vigil.web.parts.trial_rows import trial_rows


@require_http_methods(["GET", "HEAD", "POST"])
@page
def start(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """One of three steps, by `step`; `kind` or `preset` is what is run."""
    reader.require_writer()
    step, choice = request.GET.get("step", "1"), request.GET.get("kind") or request.GET.get("preset", "")
    if step == "3":
        return telling.step(request, reader)
    if step != "2" or not choices.is_choice(choice):
        shown = {"choices": choices.CHOICES, "draft": load_draft(request.session), "step": 1}
        return render_page(request, reader, "overview", "start/what.html", shown)
    if choice == choices.PROVIDER:
        shown = {"presets": choices.presets(), "step": 2, "heading": choices.heading_of(choice)}
        return render_page(request, reader, "overview", "start/provider.html", shown)
    if choice == choices.JOB:
        return job.step(request, reader)
    if choice == choices.LITELLM:
        return litellm.step(request, reader)
    return looking.step(request, reader, choice)


@require_safe
@page
def trial(request: HttpRequest, reader: PageReader, trial_id: str) -> HttpResponse:
    """Rows of a trial, as a fragment; 304 while `v` is what the page shows."""
    reader.require_writer()
    draft = load_draft(request.session)
    try:
        found = trials.find(reader.team.public_id, trial_id[:40])
    except trials.TrialsUnavailable:
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    if found is None:
        return not_found(request)
    rows = trial_rows(found, choices.title_of(draft.choice), bool(draft.given.get("key")))
    if request.GET.get("v") == rows.version:
        return HttpResponse(status=304)
    shown = {"trial": rows, "trial_id": trial_id, "draft": draft}
    return looking.fragment(request, reader, shown)


@require_safe
@page
def first_call(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Whether a job has called, as a fragment; 304 while it has not. After an hour the page asks no more."""
    reader.require_writer()
    found = (
        Heartbeat.objects.select_related("monitor")
        .filter(team=reader.team, monitor__public_id=public_id[:40], monitor__deleted_at=None)
        .first()
    )
    if found is None:
        return not_found(request)
    if found.last_ping_at is None and job.is_awaited(found):
        return HttpResponse(status=304)
    return job.fragment(request, found)
