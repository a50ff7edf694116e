"""Filter by a related row that is searched: no list of every team, channel or monitor beside a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import get_model_from_relation
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.http import HttpRequest
from django.utils.safestring import SafeString


class SearchedFilter(admin.RelatedFieldListFilter):
    """A related row by search, as in forms; registered for every relation, so that `list_filter` names the field."""

    template = "web/admin/searched_filter.html"

    def __init__(self, field: Any, request: HttpRequest, params: Any, model: Any, pages: Any, field_path: str) -> None:
        chosen = f"{field_path}__{field.target_field.name}__exact"
        if params.get(chosen) == [""]:
            # The form was sent without a choice.
            del params[chosen]
        super().__init__(field, request, params, model, pages, field_path)
        self._site = pages.admin_site
        self.others: list[tuple[str, str]] = []

    def has_output(self) -> bool:
        return True

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        """None: the search finds them."""
        return []

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        own = {self.lookup_kwarg, self.lookup_kwarg_isnull}
        self.others = [
            (name, value) for name, values in changelist.filter_params.items() for value in values if name not in own
        ]
        return super().choices(changelist)

    @property
    def control(self) -> SafeString:
        """The search, with the row that is chosen."""
        chosen = self.lookup_val[-1] if self.lookup_val else None
        widget = AutocompleteSelect(self.field, self._site)
        widget.choices = _Chosen(get_model_from_relation(self.field)._default_manager.all())
        value = chosen if chosen and chosen.isdigit() else None
        return widget.render(self.lookup_kwarg, value, {"aria-label": str(self.title)})


class _Chosen:
    """What the widget asks for the label of the row that is chosen."""

    empty_values = (None, "")

    def __init__(self, rows: Any) -> None:
        self.queryset, self.field = rows, self

    def label_from_instance(self, row: Any) -> str:
        return str(row)


def search_relations() -> None:
    """Make `list_filter` search each relation that it names; before any page is registered."""
    admin.FieldListFilter.register(lambda field: bool(field.remote_field), SearchedFilter, take_priority=True)
