"""Forms of heartbeats: new ones, and edits that respect others' changes."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from vigil.code.ownership import owner_of_row
from vigil.heartbeats.changes import create_heartbeat, update_heartbeat
from vigil.heartbeats.models import Heartbeat
from vigil.monitors.models import Monitor
from vigil.web.forms.errors import errors_by_field
from vigil.web.forms.heartbeat_form import FIRST, heartbeat_fields, heartbeat_texts, read_heartbeat
from vigil.web.forms.settings_form import texts_of
from vigil.web.pages.monitor_forms import patches
from vigil.web.pages.monitor_forms.edit import BothValues, ChangedMeanwhile, differing, last_change
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import problems


@require_http_methods(["GET", "HEAD", "POST"])
@page
def new_heartbeat(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """A job that calls."""
    reader.require_writer()
    shown: dict[str, Any] = {"heading": "New job that calls", "save": "Make its address"}
    texts = heartbeat_texts(None)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        texts = texts_of(request.POST)
        try:
            made = create_heartbeat(reader.team, read_heartbeat(texts, None))
            return redirect("heartbeat", made.monitor.public_id)
        except ValidationError as refused:
            errors = errors_by_field(refused)
    return _shown(request, reader, {**shown, "fields": heartbeat_fields(texts, errors), "problems": problems(errors)})


@require_http_methods(["GET", "HEAD", "POST"])
@page
def edit_heartbeat(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The form; a sent one saves, asks first, or answers 409 with both versions."""
    reader.require_writer()
    job = _job_of(reader, public_id)
    owner, sent = owner_of_row(job), texts_of(request.POST)
    shown: dict[str, Any] = {"fields": heartbeat_fields(heartbeat_texts(job), {})}
    if request.method == "POST":
        shown = {"fields": heartbeat_fields(sent, {})}
        try:
            if owner is None or sent.get("anyway") == "1":
                _write(job, sent)
                return redirect("heartbeat", public_id)
            shown["patch"] = patches.patch_of(owner, lambda: _write(job, sent))
        except ChangedMeanwhile:
            job = _job_of(reader, public_id)
            shown |= {"both": _both(job, sent), "changed": last_change(job.monitor)}
        except ValidationError as refused:
            errors = errors_by_field(refused)
            shown = {"fields": heartbeat_fields(sent, errors), "problems": problems(errors)}
    back = reverse("heartbeat", args=[public_id])
    frame = {"heading": f"Edit {job.monitor.name}", "save": "Save", "back": back, "owner": owner}
    answer = _shown(request, reader, {**frame, "revision": _revision(job), "monitor": job.monitor, **shown})
    answer.status_code = 409 if "changed" in shown else 200
    return answer


def _write(job: Heartbeat, sent: dict[str, str]) -> None:
    with transaction.atomic():
        monitor = Monitor.objects.select_for_update().get(pk=job.pk)
        current = Heartbeat.objects.select_for_update().get(pk=job.pk)
        current.monitor = monitor
        if monitor.deleted_at is not None or sent.get("revision") != _revision(current):
            raise ChangedMeanwhile
        update_heartbeat(current, read_heartbeat(sent, current))


def _revision(job: Heartbeat) -> str:
    """What a form was opened on: the monitor's revision does not count changes of the schedule."""
    texts = heartbeat_texts(job)
    return f"{job.monitor.revision}-{_signature(texts)}"


def _signature(texts: dict[str, str]) -> str:
    """A short digest of the fields."""
    return hashlib.sha256(repr(sorted(texts.items())).encode()).hexdigest()[:16]


def _both(job: Heartbeat, sent: dict[str, str]) -> list[BothValues]:
    return differing(heartbeat_fields(heartbeat_texts(job), {}), heartbeat_fields(sent, {}))


def _job_of(reader: PageReader, public_id: str) -> Heartbeat:
    rows = Heartbeat.objects.select_related("monitor", "team")
    found = rows.filter(team=reader.team, monitor__public_id=public_id[:40], monitor__deleted_at=None).first()
    if found is None:
        raise Http404
    return found


def _shown(request: HttpRequest, reader: PageReader, shown: dict[str, Any]) -> HttpResponse:
    fields = shown["fields"]
    more = [one for name, one in fields.items() if name not in FIRST]
    context = {
        **shown,
        "first": [fields[name] for name in FIRST],
        "more": more,
        "opens_more": any(one.errors for one in more),
    }
    return render_page(request, reader, "heartbeats", "monitor_forms/heartbeat.html", context)
