"""Status feeds of providers: everyone reads, staff switches them on and off."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.witnesses import switch
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.feeds import FeedRow, read_feeds
from vigil.web.pages.settings.sections import render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.marks import StateMark, mark


@require_safe
@page
def feeds(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Every feed that Vigil knows, those that are on first."""
    rows = read_feeds()
    shown = {
        "feeds": [(row, _mark(row)) for row in rows],
        "on": sum(row.enabled for row in rows),
        "may_switch": reader.is_staff and reader.may_write,
    }
    return render_section(request, reader, "feeds", "feeds.html", shown)


@require_POST
@page
def change(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Switch the feed `provider` on or off, as `do` says."""
    reader.require_writer()
    if not reader.is_staff:
        raise PermissionDenied("Feeds belong to the installation: its staff switches them.")
    provider, wish = request.POST.get("provider", ""), request.POST.get("do", "")
    if provider in SOURCES and wish in ("on", "off"):
        switch([provider], wish == "on")
    return redirect(f"{reverse('settings-feeds')}#{provider if provider in SOURCES else ''}")


def _mark(row: FeedRow) -> StateMark:
    if not row.enabled:
        return mark(ShownState.PAUSED, "Off")
    if row.problem:
        return mark(ShownState.UNKNOWN, "Unreadable")
    if row.read_at is None:
        return mark(ShownState.NEW, "Waiting")
    return mark(ShownState.DEGRADED, "Declares") if row.declared else mark(ShownState.UP, "On")
