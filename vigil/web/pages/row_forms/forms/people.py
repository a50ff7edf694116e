"""People: the list, the page of one with a real test of each channel, and the form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from vigil.accounts.models import Team
from vigil.alerts.models import Person
from vigil.alerts.routing.changes import MAX_PEOPLE, save_person
from vigil.alerts.test_message import send_trial
from vigil.read_models.users import users_of
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.picking import boxes, channels_of, names_of, people_of
from vigil.web.pages.row_forms.reading import Problems, chosen, ids_of, lines, listed, text
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RowForm
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import FormField

ANSWER_MOST = 200


class PeopleForm(RowForm[Person]):
    """A name, and the channels that reach them."""

    key, noun, section, base = "people", "person", "people", "on-call/people"

    def rows(self, team: Team) -> QuerySet[Person]:
        return people_of(team)

    def blank(self, reader: PageReader) -> Person:
        return Person(team=reader.team)

    def texts(self, row: Person) -> dict[str, str]:
        return {"name": row.name, "channels": ids_of(row.channels.order_by("name")) if row.pk else ""}

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        name = FormField("name", "Name", sent.get("name", ""), errors=list(errors.get("name", ())), required=True)
        hint = "Their own phone, mail or chat. All are used at once."
        return [FormBlock([name, boxes("channels", "Channels", names_of(channels_of(team)), sent, errors, hint)])]

    def read(self, team: Team, sent: Sent, row: Person) -> dict[str, Any]:
        problems: Problems = {}
        channels = chosen(channels_of(team), lines(sent, "channels"), "channels", problems)
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return {"name": text(sent, "name"), "channels": channels}

    def write(self, row: Person, wanted: Mapping[str, Any]) -> Person:
        return save_person(row, wanted)

    def means(self, row: Person, now: datetime) -> Meaning:
        return _means(row)

    def address(self, row: Person) -> str:
        return reverse("person", args=[row.public_id])

    def index(self) -> str:
        return reverse("people")


def _means(row: Person) -> Meaning:
    channels = list(row.channels.all())
    on = [channel.name for channel in channels if channel.enabled]
    off = [channel.name for channel in channels if not channel.enabled]
    warnings = [] if on else [f"Nothing reaches {row.name}: a policy that calls them goes on to its next step."]
    warnings += [f"{name} is switched off." for name in off]
    at_once = " at once" if len(on) > 1 else ""
    return Meaning(f"An alert for {row.name} goes to {listed(on, 'no channel')}{at_once}.", warnings=warnings)


@require_safe
@page
def everyone(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """People of the team, and what reaches them."""
    found = people_of(reader.team).prefetch_related("channels")[:MAX_PEOPLE]
    rows = [(one, listed([channel.name for channel in one.channels.all() if channel.enabled], "")) for one in found]
    shown = {"people": rows, "unreached": sum(not channels for _, channels in rows)}
    return render_page(request, reader, "on-call", "row_forms/people.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@page
@sensitive_variables()
def person(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """One person; a sent form tests the channel that it names."""
    found = get_object_or_404(people_of(reader.team), public_id=public_id[:40])
    shown: dict[str, Any] = {"person": found, "channels": found.channels.all(), "means": _means(found)}
    if request.method == "POST":
        reader.require_writer()
        channel = found.channels.filter(public_id=request.POST.get("test", "")[:40]).first()
        if channel is None:
            raise Http404
        shown |= {"asked_at": timezone.now(), "tested": channel}
        told = send_trial(channel, shown["asked_at"])
        shown |= {"trial": told, "trial_answer": told.answer[:ANSWER_MOST]}
    return render_page(request, reader, "on-call", "row_forms/person.html", {**shown, "users": users_of(found)})
