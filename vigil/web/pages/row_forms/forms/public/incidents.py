"""Form of public incidents that a person writes: what is affected, how much, and the first words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.status.core.states import INCIDENT_STATES, PublicImpact, UpdateState
from vigil.status.models import PublicIncident
from vigil.status.public_incidents.changes import delete_public_incident, save_public_incident
from vigil.status.public_incidents.updates import lock_page_of
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.forms.public.fields import (
    IMPACTS,
    NOW,
    component_boxes,
    components_of,
    filled_by_template,
    moment_fields,
    page_field,
    read_moment,
    read_page,
    states_field,
    template_blocks,
    whom,
)
from vigil.web.pages.row_forms.reading import Problems, chosen, ids_of, lines, listed, text
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RowForm
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField


class PublicIncidentsForm(RowForm[PublicIncident]):
    """Its title, impact and components; a new one has its first update too."""

    key, noun, section = "public-incidents", "public incident", "public-incidents"
    base, place, in_documents = "settings/public-incidents", "settings", False

    def rows(self, team: Team) -> QuerySet[PublicIncident]:
        return PublicIncident.objects.filter(team=team, maintenance=None)

    def blank(self, reader: PageReader) -> PublicIncident:
        row = PublicIncident(team=reader.team, impact=PublicImpact.MINOR)
        row.author = reader.user.get_username()  # type: ignore[attr-defined]
        return row

    def texts(self, row: PublicIncident) -> dict[str, str]:
        if not row.pk:
            return {"impact": row.impact, "state": UpdateState.INVESTIGATING.value, "send": NOW}
        return {"title": row.title, "impact": row.impact, "components": ids_of(row.components.all())}

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        what = [field("title", "Title", required=True, hint="In words of readers: Chat answers slowly.")]
        about = [field("impact", "Impact", "select", options=IMPACTS), component_boxes(team, sent, errors)]
        if "revision" in sent or "state" not in sent:
            return [FormBlock([*what, *about])]
        said = [
            field("text", "What readers see", "textarea", required=True), states_field(INCIDENT_STATES, sent, errors),
        ]  # fmt: skip
        return [
            *template_blocks(team, INCIDENT_STATES),
            FormBlock([page_field(team, sent, errors), *what, *said]),
            FormBlock(about, "What is affected"),
            FormBlock(moment_fields(sent, errors), "When it is public"),
        ]

    def read(self, team: Team, sent: Sent, row: PublicIncident) -> dict[str, Any]:
        problems: Problems = {}
        wanted: dict[str, Any] = {
            "title": text(sent, "title"),
            "impact": text(sent, "impact"),
            "components": chosen(components_of(team), lines(sent, "components"), "components", problems),
        }
        if not row.pk:
            said = {name: text(sent, name) for name in ("state", "text")}
            wanted |= {"page": read_page(team, sent, problems), **said}
            wanted |= read_moment(sent, problems)
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return wanted

    def write(self, row: PublicIncident, wanted: Mapping[str, Any]) -> PublicIncident:
        return save_public_incident(row, {**wanted, "written_by": getattr(row, "author", "")})

    def means(self, row: PublicIncident, now: datetime) -> Meaning:
        names = [one.name for one in row.components.all()]
        sentence = f"On {row.page.title}: “{row.title}”, about {listed(names, 'the page as a whole')}."
        return Meaning(sentence, "Whom it tells", whom(row))

    def address(self, row: PublicIncident) -> str:
        return reverse("public-incident", args=[row.public_id])

    def index(self) -> str:
        return reverse("publishing")

    def filled(self, team: Team, sent: Sent, wish: str) -> dict[str, str] | None:
        return filled_by_template(team, sent, wish)

    def lock_first(self, team: Team, public_id: str) -> None:
        lock_page_of(team, public_id)

    def delete(self, row: PublicIncident) -> None:
        delete_public_incident(row)

    def losses(self, row: PublicIncident) -> list[str]:
        return ["Readers see it no more, with all that was said of it."]
