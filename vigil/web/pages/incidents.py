"""Incidents: the list, the page of one, and what a person answers to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from vigil.alerts.oncall.responses import (
    NOTE_LIMIT,
    Actor,
    ResponseKind,
    acknowledge,
    escalate,
    note,
    snooze,
    take_back,
)
from vigil.clock import database_now
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.core.wording import kind_in_words
from vigil.incidents.models import Incident, Postmortem
from vigil.incidents.postmortems import write_postmortem
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.incident_page import IncidentPage, read_incident_page
from vigil.web.markdown import as_html
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import FormField
from vigil.web.parts.filter_bars import FilterBar, FilterChip, FilterSelect, SelectOption
from vigil.web.parts.incident_parts import map_of, met_by, steps_of, votes_of
from vigil.web.parts.marks import StateMark, mark

SNOOZES = {"15": "15 min", "30": "30 min", "60": "1 h", "240": "4 h", "720": "12 h"}
PAGE_SIZE = 50
_STATES = {IncidentKind.OUTAGE: ShownState.DOWN, IncidentKind.BLIND: ShownState.UNKNOWN}
SAID = {
    ResponseKind.DONE: "Done.",
    ResponseKind.ALREADY: "This was already done.",
    ResponseKind.OVER: "The incident is already resolved.",
    ResponseKind.REFUSED: "Not saved: a note has 1 to 2,000 characters.",
}


@require_safe
@page
def incidents(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Incidents of the team, newest first: `open=1`, `kind`, `monitor`, `q` in the address, `before` for older ones."""
    asked = {name: request.GET.get(name, "")[:100] for name in ("open", "kind", "monitor", "q", "before")}
    found = _found(reader, asked)
    if asked["before"].isascii() and asked["before"].isdigit() and len(asked["before"]) < 19:
        found = found.filter(pk__lt=int(asked["before"]))
    rows = list(found.select_related("monitor", "pursuit").order_by("-pk")[: PAGE_SIZE + 1])
    shown = {
        "incidents": [(one, mark_of(one)) for one in rows[:PAGE_SIZE]],
        "bar": _bar(asked),
        "older": _older(asked, rows[PAGE_SIZE - 1].pk) if len(rows) > PAGE_SIZE else "",
        "filtered": any(asked.values()),
        "now": database_now(),
    }
    return render_page(request, reader, "incidents", "incidents.html", shown)


def _found(reader: PageReader, asked: Mapping[str, str]) -> QuerySet[Incident]:
    found = Incident.objects.filter(team=reader.team)
    if asked["open"]:
        found = found.filter(resolved_at=None)
    if asked["kind"] in set(IncidentKind):
        found = found.filter(kind=asked["kind"])
    elif not asked["kind"]:
        # Self-tests are no failures, so they are listed by name only.
        found = found.exclude(kind=IncidentKind.SELF_TEST)
    if asked["monitor"]:
        found = found.filter(monitor__public_id=asked["monitor"])
    return found.filter(title__icontains=asked["q"]) if asked["q"] else found


def _bar(asked: Mapping[str, str]) -> FilterBar:
    kinds = [SelectOption(kind.value, kind_in_words(kind), kind.value == asked["kind"]) for kind in IncidentKind]
    selects = [
        FilterSelect(
            "open", "State", [SelectOption("", "Open and over"), SelectOption("1", "Open only", bool(asked["open"]))]
        ),
        FilterSelect("kind", "Kind", [SelectOption("", "Any kind"), *kinds]),
    ]
    words = {"open": "open only", "kind": f"kind: {asked['kind']}", "monitor": f"monitor: {asked['monitor']}"}
    chips = [FilterChip(words[name], _without(asked, name)) for name in words if asked[name]]
    kept = [("monitor", asked["monitor"])] if asked["monitor"] else []
    return FilterBar("Search incidents", asked["q"], selects, chips, "?", kept)


def _without(asked: Mapping[str, str], name: str) -> str:
    return _query({key: value for key, value in asked.items() if key not in (name, "before")})


def _older(asked: Mapping[str, str], last: int) -> str:
    return _query({**asked, "before": str(last)})


def _query(asked: Mapping[str, str]) -> str:
    return "?" + urlencode({name: value for name, value in asked.items() if value})


@require_safe
@page
def incident(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The page of one incident; a 404 for another team's."""
    found = read_incident_page(reader.team, public_id, database_now())
    if found is None:
        raise Http404
    said = request.GET.get("said", "")
    address = reverse("incident-answer", args=[public_id])
    words = SAID[ResponseKind(said)] if said in set(ResponseKind) else ""
    publish = reverse("incident-publish", args=[public_id]) if reader.may_write else ""
    shown = {**incident_context(found), "answer_address": address, "publish_address": publish, "said": words}
    return render_page(request, reader, "incidents", "incident.html", shown)


@require_POST
@page
def answer(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """What a person answers: acknowledge, take_back, snooze, escalate, note or postmortem; then the page again."""
    reader.require_writer()
    found = get_object_or_404(Incident.objects.filter(team=reader.team), public_id=public_id)
    actor = Actor(reader.user.get_full_name() or reader.user.get_username(), "page")
    if request.POST.get("do") == "postmortem":
        return _write_postmortem(request, found, actor)
    done = respond_to(found.pk, actor, request.POST)
    return redirect(f"/incidents/{found.public_id}" + (f"?said={done.value}#said" if done else ""))


def _write_postmortem(request: HttpRequest, found: Incident, actor: Actor) -> HttpResponse:
    try:
        write_postmortem(found, request.POST.get("text", ""), str(actor))
    except ValidationError:
        return redirect(f"/incidents/{found.public_id}?said={ResponseKind.REFUSED.value}#said")
    return redirect(f"/incidents/{found.public_id}#postmortem")


def respond_to(incident: int, actor: Actor, form: Mapping[str, Any]) -> ResponseKind | None:
    """Do what a form asks for; None for a form that asks for nothing."""
    wish, minutes = form.get("do", ""), form.get("minutes", "")
    if wish == "acknowledge":
        return acknowledge(incident, actor)
    if wish == "take_back":
        return take_back(incident, actor)
    if wish == "escalate":
        return escalate(incident, actor)
    if wish == "note":
        return note(incident, actor, form.get("text", ""))
    if wish == "snooze" and minutes in SNOOZES:
        return snooze(incident, actor, database_now() + timedelta(minutes=int(minutes)))
    return None


def incident_context(found: IncidentPage) -> dict[str, Any]:
    """What the template of an incident draws, with or without the frame."""
    tables = [(one, votes_of(one)) for one in found.votes]
    shown = next((table for table in tables if table[0] is found.shown_votes), None)
    written: Postmortem | None = getattr(found.incident, "postmortem", None)
    return {
        "found": found,
        "incident": found.incident,
        "mark": mark(found.state if found.is_open else ShownState.UP, found.headline, pill=True),
        "shown_votes": shown,
        "map": map_of(shown[1]) if shown else None,
        "met": met_by(shown[0]) if shown else None,
        "other_votes": [table for table in tables if table is not shown],
        "timeline": steps_of(found.timeline, found.state),
        "similar": [(one, mark_of(one)) for one in found.similar],
        "members": [(one, mark_of(one)) for one in found.members],
        "snoozes": SNOOZES.items(),
        "note_field": FormField("text", "Note", kind="textarea", hint=f"At most {NOTE_LIMIT:,} characters."),
        "postmortem": written,
        "postmortem_html": as_html(written.text) if written else "",
        "postmortem_field": FormField(
            "text",
            "Postmortem",
            written.text if written else "",
            "textarea",
            "Markdown: what happened, and why.",
        ),
    }


def mark_of(one: Incident) -> StateMark:
    """The mark of an incident in a list."""
    if one.resolved_at is not None:
        return mark(ShownState.UP, "Over", "check")
    kind = IncidentKind(one.kind)
    state = _STATES.get(kind, ShownState.DEGRADED)
    return mark(state, "Open" if state is ShownState.DOWN else kind_in_words(kind))
