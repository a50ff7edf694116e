"""Base of every page of the admin: lists with bounded counts, searches and actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.sites import site
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from vigil.accounts.models import ApiToken
from vigil.web.admin.lists.filters import search_relations
from vigil.web.admin.lists.pagination import BoundedPaginator

search_relations()

#: Rows of one action, and characters and words of one search: each word is looked for in each column of each row.
ACTION_MOST, SEARCH_MOST, WORDS_MOST = 500, 200, 6


class BoundedListAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Pages of a table that may be very large: a list costs the same queries however many rows it shows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    # One page with everything is what bounds are against.
    list_max_show_all = 0
    # Counts beside each choice of a filter would count the table once more for each.
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "web/admin/list.html"

    @property
    def media(self) -> forms.Media:
        """Also of the filters that are searched."""
        return super().media + AutocompleteSelect(ApiToken._meta.get_field("team"), site).media

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = " ".join(search_term[:SEARCH_MOST].split()[:WORDS_MOST])
        return super().get_search_results(request, queryset, words)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *place: Any) -> HttpResponse | None:
        """The action, unless more rows are chosen than one request can change."""
        try:
            for key in request.POST.getlist("_selected_action"):
                self.opts.pk.to_python(key)
        except ValidationError:
            messages.error(request, "Choose rows of this list. Nothing was changed.")
            return None
        is_everything = request.POST.get("select_across", "0") not in ("", "0")
        chosen = len(request.POST.getlist("_selected_action"))
        if (queryset.order_by()[: ACTION_MOST + 1].count() if is_everything else chosen) > ACTION_MOST:
            messages.error(request, f"Choose at most {ACTION_MOST} at once. Nothing was changed.")
            return None
        return super().response_action(request, queryset, *place)
