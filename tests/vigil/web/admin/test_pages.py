"""Contracts of the admin: every model has pages or a reason, and no page escapes the bounds and the rights."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from vigil.web.admin.lists.filters import SearchedFilter
from vigil.web.admin.lists.pages import BoundedListAdmin

reverse("admin:index")
PAGES = sorted(admin.site._registry.items(), key=lambda one: one[0]._meta.label)
#: Models without pages, and why.
WITHOUT = {
    "auth.Permission": "chosen on the pages of people and groups",
    "contenttypes.ContentType": "names of models",
    "sessions.Session": "a key that signs a person in",
    "accounts.Membership": "rows of a person's page",
    "accounts.StoredAnswer": "sealed answers of a day",
    "accounts.LoginLink": "a hash of what signs a person in",
    "deadletters.DeadLetterCount": "counts, shown as metrics",
    "monitors.CompositeMember": "rows of a composite's page",
    "monitors.Dependency": "a field of a monitor's page",
    "feeds.FeedPost": "shown on its feed's page",
    "incidents.IngestPosition": "positions in streams, shown by doctor",
    "incidents.CommittedShards": "one row, shown by doctor",
    "model_watch.RetirementFeed": "a key that gives access",
    "notices.ForgottenNotices": "counts, shown as metrics",
    "history.Chunk": "packed bytes",
    "history.PackedHour": "packed bytes",
    "history.RolledHours": "packed bytes",
    "history.RolledDay": "packed bytes",
    "history.RecordedDay": "progress of the recorder, as recorded hours have it",
    "history.Unwatched": "shown in uptime",
    "history.SizeSample": "shown by doctor",
    "heartbeats.SpooledEntry": "packed bytes that wait to be applied",
    "heartbeats.Reception": "one row, shown by doctor",
    "alerts.Gathering": "state of the grouping of messages",
    "alerts.RotationMember": "rows of a rotation's page",
    "alerts.RotationOverride": "rows of a rotation's page",
    "alerts.EscalationStep": "rows of a policy's page",
    "alerts.Pursuit": "shown on its incident's page",
    "alerts.Escalation": "steps of its incident say what was done",
    "alerts.OutsidePing": "one row, shown by doctor",
    "status.AutomaticPublication": "a mark; the public incident has its page",
    "status.EarlierText": "shown beside its update on the pages",
    "status.PagePicture": "bytes of a picture",
    "status.LetterCount": "counts, shown as metrics",
    "web.SavedView": "a name of one person for a query",
}
#: Filters whose choices are few by themselves.
BOUNDED = (
    SearchedFilter,
    admin.BooleanFieldListFilter,
    admin.ChoicesFieldListFilter,
    admin.DateFieldListFilter,
    admin.SimpleListFilter,
)


def test_every_model_has_pages_or_a_reason_to_have_none() -> None:
    # Tables of relations alone are shown as fields.
    models = {one._meta.label for one in apps.get_models()}
    assert models - {one._meta.label for one, _ in PAGES} == set(WITHOUT)


@pytest.mark.parametrize(("model", "pages"), PAGES, ids=[model._meta.label for model, _ in PAGES])
def test_a_list_is_bounded_searched_and_joined(model: Any, pages: Any) -> None:
    assert isinstance(pages, BoundedListAdmin)
    assert pages.search_fields or model._meta.label in {"history.RecordedHour", "heartbeats.ReceptionGap"}
    assert pages.date_hierarchy is None
    for name in pages.list_filter:
        assert issubclass(filter_of(model, name), BOUNDED), name


@pytest.mark.parametrize(("model", "pages"), PAGES, ids=[model._meta.label for model, _ in PAGES])
def test_an_action_asks_for_a_right(model: Any, pages: Any) -> None:
    for name in pages.actions:
        function, _, _ = pages.get_action(name)
        assert getattr(function, "allowed_permissions", ()), name
        assert all(hasattr(pages, f"has_{one}_permission") for one in function.allowed_permissions)


def filter_of(model: Any, name: Any) -> type:
    """The class of a filter, as Django chooses it for a field."""
    if isinstance(name, type):
        return name
    for part in name.split("__"):
        field = model._meta.get_field(part)
        model = field.related_model or model
    known: Any = admin.FieldListFilter
    chosen: type = next(one for test, one in known._field_list_filters if test(field))
    return chosen
