"""Shared admin parts: pages of owned and read-only rows, tables, and errors of write paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from vigil.accounts.sealed import SealedJSONField, SealedTextField, Secrets
from vigil.accounts.teams import default_team
from vigil.alerts.wording.text import duration
from vigil.code.ownership import managed_in_words, owner_of_row
from vigil.web.admin.lists.pages import BoundedListAdmin

#: Kinds of columns that no page shows.
_UNSHOWN = (models.BinaryField, SealedJSONField, SealedTextField)


class ManagedAdmin(BoundedListAdmin):
    """Pages of objects that a document may own: they say so, and that a change by hand is drift."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        row = self.get_object(request, object_id) if object_id else None
        owner = owner_of_row(row) if row is not None else None
        if owner is not None:
            say = messages.warning if request.method == "POST" else messages.info
            say(request, managed_in_words(owner))
        return super().changeform_view(request, object_id, form_url, extra_context)


class TeamAdminBase(ManagedAdmin):
    """Pages of a team's rows: the default team is chosen already, since most installations have no other."""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"team": default_team().pk, **super().get_changeform_initial_data(request)}


class ReadOnlyAdmin(BoundedListAdmin):
    """Read-only pages of rows that Vigil writes itself: every column but secrets and packed bytes."""

    actions: Sequence[Any] = ()
    #: Columns that are not shown: hashes of secrets, leases.
    hidden: Sequence[str] = ()
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("web/admin.css",)}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if self.fields:
            return list(self.fields)
        columns = [one.name for one in self.opts.concrete_fields if not isinstance(one, _UNSHOWN)]
        return [*(name for name in columns if name not in self.hidden), *self.readonly_fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def as_form_errors(form: forms.BaseForm, check: Callable[[], object]) -> None:
    """Turn errors of a write path into form errors by field."""
    try:
        check()
    except ValidationError as refused:
        for field, problems in refused.message_dict.items():
            form.add_error(field if field in form.fields else None, problems)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> SafeString:
    """An HTML table; everything in it is escaped."""
    head = format_html_join("", "<th>{}</th>", ((heading,) for heading in headings))
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


def age(of: datetime | None, now: datetime) -> str:
    """Age of a time, for people; a dash for never."""
    return f"{duration(max(timedelta(), now - of))} ago" if of else "-"


def secret_names(secrets: Secrets) -> str:
    return ", ".join(sorted(secrets)) if secrets else "none"
