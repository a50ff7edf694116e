"""Second step of the guided start for a job that calls: its schedule, what to run, and its first call."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from vigil.clock import database_now
from vigil.heartbeats.changes import create_heartbeat, update_heartbeat
from vigil.heartbeats.models import Heartbeat
from vigil.heartbeats.overview import ping_address
from vigil.heartbeats.showing.snippets import SNIPPETS
from vigil.web.forms.errors import errors_by_field
from vigil.web.pages.shell import PageReader, render_page
from vigil.web.pages.start import choices, looking
from vigil.web.pages.start.code_beside import same_as_code
from vigil.web.pages.start.draft import keep_draft
from vigil.web.parts.fields import problems

#: What to run, the shortest first.
SHOWN = ("curl", "crontab", "python", "github-actions", "kubernetes")
#: How long an open page asks for the first call of a job.
ASKED_FOR = timedelta(hours=1)
_FIELDS = {"period_s": "every", "grace_s": "grace"}


def step(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """The schedule; once it is made, the lines to run, and whether it has called."""
    draft = looking.draft_of(request, choices.JOB)
    found = (
        Heartbeat.objects.select_related("monitor")
        .filter(team=reader.team, monitor__public_id=draft.monitor, monitor__deleted_at=None)
        .first()
    )
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        draft.given = looking.sent_fields(request, choices.JOB, draft.given)
        if request.POST.get("do") == "back":
            return looking.back(request, draft)
        try:
            wanted = choices.job_of(draft.given)
            found = update_heartbeat(found, wanted) if found else create_heartbeat(reader.team, wanted)
            draft.monitor = found.monitor.public_id
        except ValidationError as refused:
            errors = errors_by_field(refused, _FIELDS)
        keep_draft(request.session, draft)
        if not errors:
            return redirect(looking.step_address(2, choices.JOB))
    address = ping_address(found) if found else ""
    shown = {
        "step": 2,
        "heading": choices.heading_of(choices.JOB),
        "fields": choices.fields_of(choices.JOB, draft.given, errors),
        "problems": problems(errors),
        "job": found,
        "awaited": found is not None and is_awaited(found),
        "address": address,
        "snippets": [(SNIPPETS[name].title, SNIPPETS[name].for_address(address)) for name in SHOWN] if found else [],
        "draft": draft,
        "code": same_as_code(choices.JOB, draft.given),
    }
    return render_page(request, reader, "overview", "start/job.html", shown)


def is_awaited(job: Heartbeat) -> bool:
    """Whether an open page still asks for its first call."""
    return database_now() - job.monitor.updated_at < ASKED_FOR


def fragment(request: HttpRequest, job: Heartbeat) -> HttpResponse:
    """Whether it has called, alone."""
    return render(request, "web/pages/start/first_call.html", {"job": job, "awaited": is_awaited(job)})
