"""Status pages are written in the admin as on their own pages: by one write path, with their components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests.vigil.status.subscribing import incident_of, page_of
from tests.vigil.web.admin.browsing import as_sent
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Team, User
from vigil.accounts.teams import default_team
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor
from vigil.status.incident_models import PublicationRule, UpdateTemplate
from vigil.status.models import PublicIncident, StatusPage

pytestmark = pytest.mark.django_db
ADD = "/admin/status/statuspage/add/"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(ensure_first_admin())
    return client


def monitor_of(team: Team) -> Monitor:
    return create_monitor(team, {"name": "m", "kind": "http", "config": {"url": "https://x.test/"}})


def parts(*rows: Mapping[str, object], initial: int = 0) -> dict[str, Any]:
    """Components as the form of a browser sends them."""
    sent = {f"components-{at}-{name}": value for at, row in enumerate(rows) for name, value in row.items()}
    return {"components-TOTAL_FORMS": len(rows), "components-INITIAL_FORMS": initial, **sent}


def errors_of(answer: Any) -> str:
    assert answer.status_code == 200
    form, formsets = answer.context["adminform"].form, answer.context["inline_admin_formsets"]
    return f"{dict(form.errors)} {[str(one.formset.non_form_errors()) for one in formsets]}"


def change(row: StatusPage) -> str:
    return reverse("admin:status_statuspage_change", args=[row.pk])


def test_a_page_is_made_changed_and_deleted_with_its_components(boss: Client) -> None:
    monitor = monitor_of(default_team())
    wanted = as_sent(boss, ADD, title="Acme", slug="acme", visibility="password", password="long enough", networks="")
    chat, batch = {"name": "Chat", "monitor": monitor.pk}, {"name": "Batch", "tag": "batch"}
    assert "Only a page behind a password has one" in errors_of(
        boss.post(ADD, wanted | {"visibility": "public"} | parts())
    )
    assert "Give either a monitor or a tag." in errors_of(boss.post(ADD, wanted | parts({"name": "Chat"})))
    assert not StatusPage.objects.exists()
    assert boss.post(ADD, wanted | parts(chat, batch)).status_code == 302
    row = StatusPage.objects.get()
    assert row.access and [one.name for one in row.components.all()] == ["Chat", "Batch"]
    kept = {one.name: one for one in row.components.all()}
    stored = [{**chat, "id": kept["Chat"].pk, "DELETE": "on"}, {**batch, "id": kept["Batch"].pk, "group": "Jobs"}]
    sent = as_sent(boss, change(row), title="Acme AI")
    assert boss.post(change(row), sent | parts(*stored, initial=2)).status_code == 302
    row.refresh_from_db()
    (batch_now,) = row.components.all()
    assert (row.title, batch_now.public_id, batch_now.group) == ("Acme AI", kept["Batch"].public_id, "Jobs")
    assert row.access and row.revision >= 2
    incident_of(row)
    gone = boss.post(reverse("admin:status_statuspage_delete", args=[row.pk]), {"post": "yes"})
    assert gone.status_code == 302 and not StatusPage.objects.exists() and not PublicIncident.objects.exists()


def test_what_the_write_path_refuses_is_an_error_of_the_form(boss: Client) -> None:
    row = page_of()
    incident_of(row, "Chat API")
    other = Team.objects.create(name="Other", slug="other")
    foreign = monitor_of(other)
    known = list(row.components.all())
    stored = [{"id": one.pk, "name": one.name, "tag": one.tag, "monitor": one.monitor_id or ""} for one in known]
    first = next(at for at, one in enumerate(known) if one.name == "Chat API")
    fewer = [{**one, **({"DELETE": "on"} if at == first else {})} for at, one in enumerate(stored)]
    sent = as_sent(boss, change(row))
    cases = (
        (sent | {"domain": "testserver"} | parts(*stored, initial=len(stored)), "Give a whole name"),
        (sent | {"networks": "10.0.0.1/8"} | parts(*stored, initial=len(stored)), "bits behind its length"),
        (sent | parts(*fewer, initial=len(stored)), "names nothing else"),
        (sent | parts(*stored, {"name": "F", "monitor": foreign.pk}, initial=len(stored)), "another team"),
    )
    for data, said in cases:
        assert said in errors_of(boss.post(change(row), data))
    assert set(row.components.values_list("pk", flat=True)) == {one.pk for one in known}


def test_who_may_not_write_components_changes_the_page_alone(client: Client) -> None:
    row = page_of()
    person = User.objects.create_user("editor", is_staff=True)
    person.user_permissions.add(*Permission.objects.filter(codename__in=("view_statuspage", "change_statuspage")))
    client.force_login(person)
    before = set(row.components.values_list("public_id", flat=True))
    assert client.post(change(row), as_sent(client, change(row), title="New", slug=row.slug)).status_code == 302
    row.refresh_from_db()
    assert row.title == "New" and set(row.components.values_list("public_id", flat=True)) == before


def test_rules_and_templates_are_of_the_pages_of_their_team(boss: Client) -> None:
    page = page_of()
    chat = page.components.get(name="Chat API")
    other = Team.objects.create(name="Other", slug="other")
    rule, template = "/admin/status/publicationrule/add/", "/admin/status/updatetemplate/add/"
    wanted = as_sent(
        boss, rule, component=chat.pk, title="Chat fails", text="We look.", closing_text="Over.", after_s="60"
    )
    assert "Must belong to the same team." in refused(boss.post(rule, wanted | {"team": other.pk}))
    assert boss.post(rule, wanted).status_code == 302
    made = PublicationRule.objects.get()
    assert (made.component, made.after_s, made.team) == (chat, 60, page.team)
    gone = boss.post(reverse("admin:status_publicationrule_delete", args=[made.pk]), {"post": "yes"})
    assert gone.status_code == 302 and not PublicationRule.objects.exists()
    wanted = as_sent(boss, template, name="Slow", text="It is slow.", components=[chat.pk])
    assert "Each must be a component of its page." in refused(boss.post(template, wanted))
    assert boss.post(template, wanted | {"page": page.pk}).status_code == 302
    assert list(UpdateTemplate.objects.get().components.all()) == [chat]


def refused(answer: Any) -> str:
    assert answer.status_code == 200
    return str(dict(answer.context["adminform"].form.errors))
