"""Every list and page of the admin costs the same queries for 3 rows and for 60, and shows no secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.vigil.web.admin.rows import HIDDEN, make_rows
from vigil.accounts.login import ensure_first_admin
from vigil.monitors.models import Region

pytestmark = pytest.mark.django_db
reverse("admin:index")
PAGES = sorted(admin.site._registry.items(), key=lambda one: one[0]._meta.label)
LABELS = [model._meta.label for model, _ in PAGES]
#: Queries of a list: the session, the person, the count, the rows, and what belongs to them.
QUERIES_MOST = 12
#: What a form lists with a box each: permissions are of the release, regions 200 at most.
LISTED = (Permission, Region)
#: Bytes by which a page may grow with 57 rows more, since keys have another digit.
GROWTH_MOST = 1_000
#: The address of its calendar is a secret, shown on purpose to who may change it.
SHOWN = frozenset({"/alerts/rotation/"})
#: A feed is of a provider of the catalogue, and there are as many as it has.
FIXED = frozenset({"feeds.Feed"})


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def cost(client: Client, page: str) -> tuple[int, int]:
    """Queries and bytes of a page."""
    with CaptureQueriesContext(connection) as asked:
        answer: Any = client.get(page)
    text = answer.content.decode()
    assert answer.status_code == 200, page
    assert HIDDEN not in text or ("/change/" in page and any(one in page for one in SHOWN)), page
    return len(asked), len(text)


@pytest.mark.parametrize(("model", "pages"), PAGES, ids=LABELS)
def test_a_list_and_a_page_cost_the_same_for_3_rows_and_for_60(boss: Client, model: Any, pages: Any) -> None:
    prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    listed, is_fixed = reverse(f"{prefix}_changelist"), model._meta.label in FIXED
    assert boss.get(listed + "?q=x").status_code == 200
    row = model.objects.first() if is_fixed else make_rows(model, 3)[0]
    change = reverse(f"{prefix}_change", args=[row.pk])
    # Permissions and kinds are known from here on.
    assert boss.get(change).status_code == 200
    (list_before, _), (page_before, size_before) = cost(boss, listed), cost(boss, change)
    if not is_fixed:
        make_rows(model, 57)
        for field in model._meta.many_to_many:
            if field.related_model not in LISTED:
                make_rows(field.related_model, 57)
    (list_after, _), (page_after, size_after) = cost(boss, listed), cost(boss, change)
    assert (list_after, page_after) == (list_before, page_before)
    assert list_before <= QUERIES_MOST
    # A form offers no list of all others.
    assert size_after - size_before < GROWTH_MOST
    assert boss.get(reverse(f"{prefix}_add")).status_code in (200, 403)
