"""Form of a template: words that a team keeps for its updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.status.core.states import UpdateState
from vigil.status.incident_models import UpdateTemplate
from vigil.status.public_incidents.prepared import save_update_template
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.forms.public.fields import (
    component_boxes,
    components_of,
    page_field,
    read_page,
    states_field,
)
from vigil.web.pages.row_forms.reading import Problems, chosen, ids_of, lines, text
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RowForm
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField


class UpdateTemplatesForm(RowForm[UpdateTemplate]):
    """Its name, and the words, state and components that a form is filled in with."""

    key, noun, section = "update-templates", "update template", "update-templates"
    base, place, in_documents = "settings/update-templates", "settings", False

    def rows(self, team: Team) -> QuerySet[UpdateTemplate]:
        return UpdateTemplate.objects.filter(team=team)

    def blank(self, reader: PageReader) -> UpdateTemplate:
        return UpdateTemplate(team=reader.team)

    def texts(self, row: UpdateTemplate) -> dict[str, str]:
        texts = {name: getattr(row, name) for name in ("name", "state", "title", "text")}
        components = ids_of(row.components.all()) if row.pk else ""
        return {**texts, "page": row.page.public_id if row.page else "", "components": components}

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        own = [
            field("name", "Name", required=True, hint="As the team finds it: first words."),
            field("text", "What readers see", "textarea", required=True),
            states_field(list(UpdateState), sent, errors),
            field("title", "Title of a new incident", hint="May be empty."),
        ]
        about = [page_field(team, sent, errors, none="Every page"), component_boxes(team, sent, errors)]
        return [FormBlock(own), FormBlock(about, "Only for", folds=True)]

    def read(self, team: Team, sent: Sent, row: UpdateTemplate) -> dict[str, Any]:
        problems: Problems = {}
        page = read_page(team, sent, problems) if text(sent, "page") else None
        components = chosen(components_of(team), lines(sent, "components"), "components", problems)
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        texts = {name: text(sent, name) for name in ("name", "state", "title", "text")}
        return {**texts, "page": page, "components": components}

    def write(self, row: UpdateTemplate, wanted: Mapping[str, Any]) -> UpdateTemplate:
        return save_update_template(row, wanted)

    def means(self, row: UpdateTemplate, now: datetime) -> Meaning:
        where = row.page.title if row.page else "every page"
        return Meaning(f"Forms of updates of {where} offer it. Nothing of it is public by itself.")

    def address(self, row: UpdateTemplate) -> str:
        return reverse("publishing")

    def index(self) -> str:
        return reverse("publishing")

    def losses(self, row: UpdateTemplate) -> list[str]:
        return ["What was published with it stays."]
