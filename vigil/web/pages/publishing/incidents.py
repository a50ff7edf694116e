"""Publication of an incident: what it touches, whom it tells, a text to begin with, and one press that publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from vigil.incidents.models import Incident
from vigil.status.addresses import address_of
from vigil.status.audience import audiences
from vigil.status.core.languages import words_of
from vigil.status.core.languages.words import PageWords
from vigil.status.core.states import INCIDENT_STATES, PublicImpact, UpdateState
from vigil.status.public_incidents.changes import GONE
from vigil.status.public_incidents.core.first_words import impact_of, next_state, text_of, title_of
from vigil.status.publication import TouchedPage, publish, touched_pages
from vigil.web.forms.errors import errors_by_field
from vigil.web.pages.row_forms.reading import lines, sent_texts, text
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import FormField, problems

#: What the button of a text asks for, before the state of its words.
WORDS = "words."
_IMPACTS = [
    (PublicImpact.NONE.value, "None: they work"),
    (PublicImpact.MINOR.value, "Minor: they are slow"),
    (PublicImpact.MAJOR.value, "Major: they are partly down"),
    (PublicImpact.CRITICAL.value, "Critical: they are down"),
]
Errors = Mapping[str, Sequence[str]]


@require_http_methods(["GET", "HEAD", "POST"])
@page
def publish_incident(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The form; `publish` publishes, `words.STATE` puts other words in. Without a status page it leads to a new one."""
    reader.require_writer()
    rows = Incident.objects.filter(team=reader.team).select_related("monitor")
    incident = get_object_or_404(rows, public_id=public_id[:40])
    pages = touched_pages(incident)
    if not pages:
        return redirect("status-pages-new")
    sent, errors = _prefilled(incident, pages), {}
    if request.method == "POST":
        sent, wish = sent_texts(request.POST), request.POST.get("do", "")[:40]
        state = wish.removeprefix(WORDS)
        if wish == "publish":
            try:
                _publish(incident, pages, sent, reader)
                return redirect(f"{reverse('incident-publish', args=[public_id])}?said=1#said")
            except ValidationError as refused:
                errors = errors_by_field(refused)
        elif state in set(INCIDENT_STATES):
            sent |= {"state": state, "text": text_of(UpdateState(state), _names(pages, sent), _words(pages))}
    notified = audiences([one.page for one in pages])
    shown = {
        "incident": incident,
        "fields": _fields(pages, sent, errors),
        "problems": problems(errors),
        "told": [(one, address_of(one.page)) for one in pages if one.told],
        "readers": [(one.page, address_of(one.page), notified[one.page.pk]) for one in pages],
        "words": [(f"{WORDS}{state.value}", state.value.capitalize()) for state in INCIDENT_STATES],
        "said": request.GET.get("said") == "1",
    }
    return render_page(request, reader, "incidents", "publishing/incident.html", shown)


def _publish(incident: Incident, pages: Sequence[TouchedPage], sent: Mapping[str, str], reader: PageReader) -> None:
    on, gone = {}, {}
    for one in pages:
        ticked = set(lines(sent, one.page.public_id))
        if ticked - {public_id for public_id, _ in _options(one)}:
            gone[one.page.public_id] = [GONE]
        elif ticked:
            # Its own id is the page as a whole.
            whole = one.page.public_id in ticked
            on[one.page] = [] if whole else [part for part in one.components if part.public_id in ticked]
    if gone:
        raise ValidationError(gone)
    said = {name: text(sent, name) for name in ("title", "impact", "state", "text")}
    publish(incident, on, {**said, "written_by": reader.user.get_username()})


def _prefilled(incident: Incident, pages: Sequence[TouchedPage]) -> dict[str, str]:
    """What the form holds at first: what is touched is ticked; what was said before stays, and its next state."""
    told = [one.told for one in pages if one.told is not None]
    ticked = {}
    for one in pages:
        parts = list(one.told.components.all()) if one.told else one.touched
        ids = [part.public_id for part in parts]
        ticked[one.page.public_id] = "\n".join(ids or ([one.page.public_id] if one.told else []))
    before = [UpdateState(one.state) for one in (told[0].updates.all() if told else ()) if one.published_at]
    state = next_state(before, incident.resolved_at is None)
    names, words = _names(pages, ticked), _words(pages)
    return {
        **ticked,
        "title": told[0].title if told else title_of(names, words),
        "impact": told[0].impact if told else impact_of(incident.kind).value,
        "state": state.value,
        "text": text_of(state, names, words),
    }


def _words(pages: Sequence[TouchedPage]) -> PageWords:
    """The language that texts begin in: of the first page, since one text is for all."""
    return words_of(pages[0].page.language)


def _names(pages: Sequence[TouchedPage], sent: Mapping[str, str]) -> list[str]:
    """Public names of what is ticked, once each."""
    named = [part.name for one in pages for part in one.components if part.public_id in lines(sent, one.page.public_id)]
    return list(dict.fromkeys(named))


def _options(one: TouchedPage) -> list[tuple[str, str]]:
    """What can be ticked on a page: its components; the page as a whole without any, or where that was said before."""
    options = [(part.public_id, part.name) for part in one.components]
    if not options or (one.told is not None and not one.told.components.all()):
        options.append((one.page.public_id, "The page as a whole"))
    return options


def _fields(pages: Sequence[TouchedPage], sent: Mapping[str, str], errors: Errors) -> list[FormField]:
    def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
        return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

    states = [(state.value, state.value.capitalize()) for state in INCIDENT_STATES]
    parts = []
    for place, one in enumerate(pages):
        wrong = [*errors.get("components", ()), *errors.get(one.page.public_id, ())]
        wrong += errors.get("on", ()) if place == 0 else ()
        parts.append(
            FormField(
                one.page.public_id, f"Affected on {one.page.title}", sent.get(one.page.public_id, ""), "checks",
                errors=wrong, options=_options(one),
            )
        )  # fmt: skip
    return [
        field("text", "What readers see", "textarea", required=True),
        field("state", "State", "select", options=states),
        field("title", "Title", required=True),
        field("impact", "Impact", "select", options=_IMPACTS),
        *parts,
    ]
