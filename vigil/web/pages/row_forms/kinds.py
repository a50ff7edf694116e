"""Kinds of rows that have a form, by their key in addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vigil.web.pages.row_forms.composites import CompositesForm
from vigil.web.pages.row_forms.objectives import ObjectivesForm
from vigil.web.pages.row_forms.people import PeopleForm
from vigil.web.pages.row_forms.policies import PoliciesForm
from vigil.web.pages.row_forms.rotations import RotationsForm
from vigil.web.pages.row_forms.routes import RoutesForm
from vigil.web.pages.row_forms.shape import RowForm
from vigil.web.pages.row_forms.silences import SilencesForm

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
    )
}
