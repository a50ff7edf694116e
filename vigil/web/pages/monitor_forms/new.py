"""New monitor: by its kind, or by a preset and what that needs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from probes.presets import CATALOGUE
from probes.probers import PROBERS
from vigil.monitors.changes import create_monitor
from vigil.monitors.dependencies import set_parents
from vigil.monitors.models import Monitor
from vigil.monitors.presets import by_what_was_given, fields_from_preset
from vigil.web.forms.canary_price import PriceNotShown, require_shown_price
from vigil.web.forms.errors import errors_by_field
from vigil.web.forms.monitor_form import monitor_fields, read_monitor
from vigil.web.forms.settings_form import texts_of
from vigil.web.forms.watching_fields import name_field, read_watching, watching_fields, watching_texts
from vigil.web.forms.words import KINDS
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.pages.start import choices
from vigil.web.parts.fields import problems

#: What a preset recommends, and a form may change.
_RECOMMENDED = ("interval_s", "timeout_ms")
Errors = dict[str, list[str]]


@require_http_methods(["GET", "HEAD", "POST"])
@page
def new_monitor(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """By `kind` or `preset`; without either, the choice of one."""
    reader.require_writer()
    kind, preset = request.GET.get("kind", ""), request.GET.get("preset", "")
    if preset in CATALOGUE:
        return _from_preset(request, reader, preset)
    if kind in PROBERS:
        return _by_kind(request, reader, kind)
    shown = {"heading": "New monitor", "kinds": KINDS.items(), "presets": choices.presets()}
    return render_page(request, reader, "overview", "monitor_forms/choose.html", shown)


def _by_kind(request: HttpRequest, reader: PageReader, kind: str) -> HttpResponse:
    errors: Errors = {}
    price = ""
    sent = request.POST if request.method == "POST" else None
    if sent is not None and sent.get("do") != "add":
        try:
            read = read_monitor(reader.team, kind, None, sent)
            require_shown_price(reader.team, read.wanted, sent)
            return redirect("monitor", _create(reader, read.wanted, read.parents).public_id)
        except PriceNotShown as asks:
            price = asks.price
        except ValidationError as refused:
            errors = errors_by_field(refused, {"secrets": "new_header.value"})
    shown = {
        "heading": f"New monitor: {KINDS[kind]}",
        "kind": kind,
        "kind_name": KINDS[kind],
        "form": monitor_fields(kind, None, sent, errors),
        "problems": problems(errors),
        "price": price,
        "save": "Watch it at this price" if price else "Watch it",
        "back": "",
    }
    return render_page(request, reader, "overview", "monitor_forms/form.html", shown)


def _create(reader: PageReader, wanted: dict[str, Any], parents: list[Monitor]) -> Monitor:
    with transaction.atomic():
        made = create_monitor(reader.team, wanted)
        if parents:
            set_parents(made, parents)
    return made


def _from_preset(request: HttpRequest, reader: PageReader, preset: str) -> HttpResponse:
    errors: Errors = {}
    texts = watching_texts(None)
    usual = {"interval_s": str(CATALOGUE[preset].interval_s), "timeout_ms": str(CATALOGUE[preset].timeout_ms)}
    texts |= {"name": CATALOGUE[preset].title, "tags": "ai", **usual}
    given: dict[str, str] = {}
    if request.method == "POST":
        sent = texts_of(request.POST)
        given = {one.name: sent.get(one.name, "").strip()[:8192] for one in choices.fields_of(preset, {}, {})}
        texts = {**sent, "regions": "\n".join(request.POST.getlist("regions"))}
        try:
            read = read_watching(reader.team, sent, request.POST.getlist("regions"), watching_texts(None))
            wanted, _ = fields_from_preset(preset, given, read.wanted)
            return redirect("monitor", _create(reader, wanted, read.parents).public_id)
        except ValidationError as refused:
            errors = errors_by_field(by_what_was_given(refused, given))
        # A key is never shown again: it is asked for once more.
        given["key"] = ""
    shown = {
        "heading": f"New monitor: {CATALOGUE[preset].title}",
        "preset": CATALOGUE[preset],
        "fields": [name_field(texts, errors), *choices.fields_of(preset, given, errors)],
        "watching": watching_fields(texts, errors),
        "problems": problems(errors),
    }
    return render_page(request, reader, "overview", "monitor_forms/preset.html", shown)
