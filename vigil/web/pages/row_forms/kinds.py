"""Kinds of rows that have a form, by their key in addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vigil.web.pages.row_forms.forms.composites import CompositesForm
from vigil.web.pages.row_forms.forms.objectives import ObjectivesForm
from vigil.web.pages.row_forms.forms.people import PeopleForm
from vigil.web.pages.row_forms.forms.policies import PoliciesForm
from vigil.web.pages.row_forms.forms.public.incidents import PublicIncidentsForm
from vigil.web.pages.row_forms.forms.public.maintenances import MaintenancesForm
from vigil.web.pages.row_forms.forms.public.rules import PublicationRulesForm
from vigil.web.pages.row_forms.forms.public.templates import UpdateTemplatesForm
from vigil.web.pages.row_forms.forms.rotations import RotationsForm
from vigil.web.pages.row_forms.forms.routes import RoutesForm
from vigil.web.pages.row_forms.forms.silences import SilencesForm
from vigil.web.pages.row_forms.forms.status_pages import StatusPagesForm
from vigil.web.pages.row_forms.shape import RowForm

FORMS: Mapping[str, RowForm[Any]] = {
    form.key: form
    for form in (
        PeopleForm(),
        RotationsForm(),
        PoliciesForm(),
        RoutesForm(),
        SilencesForm(),
        CompositesForm(),
        ObjectivesForm(),
        StatusPagesForm(),
        PublicIncidentsForm(),
        MaintenancesForm(),
        PublicationRulesForm(),
        UpdateTemplatesForm(),
    )
}
