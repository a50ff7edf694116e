"""Edit of a monitor: no change of another is lost, and what is kept in a file asks first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from vigil.alerts.wording.text import duration
from vigil.clock import database_now
from vigil.code.models import ManagedObject
from vigil.code.ownership import owner_of_row
from vigil.monitors.changes import update_monitor
from vigil.monitors.dependencies import set_parents
from vigil.monitors.models import DerivedKind, Monitor
from vigil.web.forms.canary_price import PriceNotShown, require_shown_price
from vigil.web.forms.errors import errors_by_field
from vigil.web.forms.monitor_form import MonitorFields, monitor_fields, read_monitor
from vigil.web.forms.words import KINDS
from vigil.web.pages.monitor_forms import patches
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import FormField, problems

Errors = dict[str, list[str]]


class ChangedMeanwhile(Exception):
    """Another change was saved after the form was opened."""


@dataclass(frozen=True, slots=True)
class BothValues:
    """A field that differs: as it is stored now, and as the form has it."""

    label: str
    theirs: str
    yours: str


@require_http_methods(["GET", "HEAD", "POST"])
@page
def edit_monitor(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The form; a sent one saves, asks first, or answers 409 with both versions."""
    reader.require_writer()
    monitor = monitor_of(reader, public_id)
    if monitor.kind == DerivedKind.HEARTBEAT:
        return redirect("edit-heartbeat", public_id)
    if monitor.kind in DerivedKind:
        return redirect("composites-edit", public_id)
    owner = owner_of_row(monitor)
    if request.method != "POST" or request.POST.get("do") == "add":
        sent = request.POST if request.method == "POST" else None
        return _shown(request, reader, monitor, {"form": monitor_fields(monitor.kind, monitor, sent), "owner": owner})
    return _save(request, reader, monitor, owner)


def monitor_of(reader: PageReader, public_id: str) -> Monitor:
    """A monitor of the reader's team; raises `Http404`."""
    found = Monitor.objects.filter(team=reader.team, public_id=public_id[:40], deleted_at=None).first()
    if found is None:
        raise Http404
    return found


def _save(request: HttpRequest, reader: PageReader, monitor: Monitor, owner: ManagedObject | None) -> HttpResponse:
    sent = request.POST
    try:
        if owner is not None and sent.get("anyway") != "1":
            patch = patches.patch_of(owner, lambda: write(monitor, sent))
            asked = {"form": monitor_fields(monitor.kind, monitor, sent), "owner": owner, "patch": patch}
            return _shown(request, reader, monitor, asked)
        write(monitor, sent)
        return redirect("monitor", monitor.public_id)
    except ChangedMeanwhile:
        shown = _both(monitor_of(reader, monitor.public_id), sent)
        return _shown(request, reader, monitor_of(reader, monitor.public_id), {**shown, "owner": owner}, 409)
    except PriceNotShown as asks:
        shown = {"form": monitor_fields(monitor.kind, monitor, sent), "owner": owner, "price": asks.price}
        return _shown(request, reader, monitor, shown)
    except ValidationError as refused:
        errors = errors_by_field(refused, {"secrets": _secret_field(monitor)})
        form = monitor_fields(monitor.kind, monitor, sent, errors)
        return _shown(request, reader, monitor, {"form": form, "owner": owner, "problems": problems(errors)})


def write(monitor: Monitor, sent: QueryDict) -> None:
    """Save a sent form. Raises `ValidationError` by field, `ChangedMeanwhile` and `PriceNotShown`."""
    with transaction.atomic():
        current = Monitor.objects.select_for_update().get(pk=monitor.pk)
        if current.deleted_at is not None or sent.get("revision") != str(current.revision):
            raise ChangedMeanwhile
        read = read_monitor(current.team, current.kind, current, sent)
        if read.wanted["name"] == current.name:
            # A name from before there were rules for names does not stand in the way.
            del read.wanted["name"]
        require_shown_price(current.team, read.wanted, sent, current)
        saved = update_monitor(current, read.wanted)
        set_parents(saved, read.parents)


def _secret_field(monitor: Monitor) -> str:
    """Where a word on the secrets stands: at the first that is stored."""
    return f"secret.{min(monitor.secrets)}" if monitor.secrets else "new_header.value"


def _both(monitor: Monitor, sent: QueryDict) -> dict[str, Any]:
    """The form as it was sent, who changed the monitor meanwhile, and the fields that differ."""
    yours, theirs = monitor_fields(monitor.kind, monitor, sent), monitor_fields(monitor.kind, monitor)
    return {
        "form": yours,
        "both": differing(_by_name(theirs), _by_name(yours)),
        "changed": last_change(monitor),
    }


def differing(theirs: Mapping[str, FormField], yours: Mapping[str, FormField]) -> list[BothValues]:
    """Fields that differ, as far as both forms have them."""
    return [
        BothValues(one.label, theirs[name].value, one.value)
        for name, one in yours.items()
        if name in theirs and theirs[name].value != one.value.replace("\r\n", "\n")
    ]


def last_change(monitor: Monitor) -> str:
    """Who changed a monitor last, and how long ago."""
    now, change = database_now(), monitor.changes.first()
    author, at = (change.author, change.at) if change else ("Another", now)
    return f"{author} changed this {duration(max(now - at, timedelta(0)))} ago. Nothing of yours was saved yet."


def _by_name(form: MonitorFields) -> dict[str, FormField]:
    rows = [one for row in form.rows for one in (*row.fields, *row.more)]
    return {one.name: one for one in (*form.first, *form.more, *rows, *form.watching)}


def _shown(
    request: HttpRequest, reader: PageReader, monitor: Monitor, shown: dict[str, Any], status: int = 200
) -> HttpResponse:
    context = {
        "heading": f"Edit {monitor.name}",
        "monitor": monitor,
        "kind": monitor.kind,
        "kind_name": KINDS[monitor.kind],
        "revision": monitor.revision,
        "save": "Save",
        "back": reverse("monitor", args=[monitor.public_id]),
        **shown,
    }
    answer = render_page(request, reader, "overview", "monitor_forms/form.html", context)
    answer.status_code = status
    return answer
