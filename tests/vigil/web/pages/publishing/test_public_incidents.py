"""What pages say is written, kept, planned, edited and looked back on from screens; whom it tells is said before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from tests.vigil.incidents.world import World
from tests.vigil.status.subscribing import subscriber
from tests.vigil.web.pages.monitor_forms.test_monitor_forms import errors_in, sent_of, shown
from tests.vigil.web.pages.row_forms.test_alerting_forms import member, press, saved
from vigil.accounts.models import Role, Team
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.silences.models import Silence
from vigil.status.changes import save_status_page
from vigil.status.incident_models import PublicationRule, UpdateTemplate
from vigil.status.models import PublicIncident, PublicUpdate, StatusPage
from vigil.status.public_incidents.prepared import save_update_template

pytestmark = pytest.mark.django_db
NEW, PLAN = "/settings/public-incidents/new", "/settings/scheduled-maintenances/new"


@pytest.fixture
def page(redis_url: str) -> StatusPage:
    components = [{"name": "Chat", "monitor": World().monitor("chat-prod-7")}]
    wanted = {"slug": "acme", "title": "Acme", "components": components}
    return save_status_page(StatusPage(team=default_team()), wanted)


@pytest.fixture
def writer(redis_url: str) -> Client:
    return member(Role.MEMBER)


def written(writer: Client, page: StatusPage, **more: str) -> PublicIncident:
    chat = page.components.get()
    words = {"title": "Chat is slow", "text": "We look.", "page": page.public_id, "components": chat.public_id}
    saved(press(writer, NEW, "save", **{**words, **more}))
    return PublicIncident.objects.latest("pk")


def own(row: PublicIncident) -> str:
    return f"/settings/public-incidents/{row.public_id}"


def test_an_incident_is_written_and_the_form_says_whom_it_tells_before(writer: Client, page: StatusPage) -> None:
    subscriber(page, "ann@example.test")
    assert "Acme: tells 1 by email" in shown(writer.get(NEW))
    seen = shown(press(writer, NEW, "preview", title="Chat is slow", text="We look.", page=page.public_id))
    assert "Subscribers: 1 by email" in seen and not PublicIncident.objects.exists()
    row = written(writer, page)
    assert row.published_at and [one.name for one in row.components.all()] == ["Chat"]
    assert row.updates.get().written_by == "a member of ours"
    assert "It tells 1 by email" in shown(writer.get(own(row)))


def test_a_new_one_begins_with_a_template_its_title_and_its_components(writer: Client, page: StatusPage) -> None:
    wanted = {"name": "First words", "title": "Chat is slow", "text": "We look.", "state": "identified", "page": page}
    chat = page.components.get()
    template = save_update_template(UpdateTemplate(team=default_team()), {**wanted, "components": [chat]})
    assert "First words" in shown(writer.get(NEW)) and "First words" not in shown(writer.get(PLAN))
    filled = sent_of(press(writer, NEW, f"templates.add.{template.public_id}", impact="critical").content.decode())
    assert {name: filled[name] for name in ("title", "text", "state", "impact", "page", "components")} == {
        "title": ["Chat is slow"], "text": ["We look."], "state": ["identified"], "impact": ["critical"],
        "page": [page.public_id], "components": [chat.public_id],
    }  # fmt: skip


def test_a_draft_is_seen_by_the_team_changed_and_published(writer: Client, page: StatusPage) -> None:
    row = written(writer, page, send="draft")
    assert row.published_at is None and "No reader sees it yet." in shown(writer.get(own(row)))
    assert "not public" in shown(writer.get("/settings/publishing"))
    one = row.updates.get().public_id
    saved(writer.post(own(row), {"do": f"edit.{one}", f"text.{one}": "We look into it."}))
    saved(writer.post(own(row), {"do": f"publish.{one}"}))
    update = PublicUpdate.objects.get()
    assert update.published_at and (update.text, update.edited_at) == ("We look into it.", None)


def test_an_update_waits_for_its_moment(writer: Client, page: StatusPage) -> None:
    row = written(writer, page)
    form = {"do": "say", "text": "It works.", "state": "monitoring", "send": "later"}
    assert errors_in(writer.post(own(row), form).content.decode())
    moment = f"{database_now() + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    saved(writer.post(own(row), {**form, "publish_at": moment}))
    assert "To be published" in shown(writer.get(own(row)))
    waiting = PublicUpdate.objects.get(published_at=None)
    saved(writer.post(own(row), {"do": f"delete.{waiting.public_id}"}))
    assert row.updates.count() == 1


def test_an_edit_shows_the_team_what_it_said_before(writer: Client, page: StatusPage) -> None:
    row = written(writer, page)
    one = row.updates.get().public_id
    saved(writer.post(own(row), {"do": f"edit.{one}", f"text.{one}": "We look into slow answers."}))
    seen = shown(writer.get(own(row)))
    assert "for the team only: <bdi>We look.</bdi>" in seen and "edited" in seen


def test_a_template_fills_the_form_in(writer: Client, page: StatusPage) -> None:
    saved(press(writer, "/settings/update-templates/new", "save", name="Known", state="identified", text="We know."))
    row, template = written(writer, page), UpdateTemplate.objects.get()
    filled = sent_of(shown(writer.post(own(row), {"do": f"template.{template.public_id}", "send": "now"})))
    assert (filled["text"], filled["state"]) == (["We know."], ["identified"]) and row.updates.count() == 1


def test_a_postmortem_is_kept_and_published(writer: Client, page: StatusPage) -> None:
    row = written(writer, page, state="resolved", text="Over.")
    saved(writer.post(own(row), {"do": "postmortem.draft", "postmortem": "A disk was full."}))
    assert "A draft." in shown(writer.get(own(row)))
    saved(writer.post(own(row), {"do": "postmortem.publish", "postmortem": "A disk was full."}))
    assert PublicIncident.objects.get().postmortem_at


def test_maintenance_is_planned_with_a_silence_moved_and_deleted(writer: Client, page: StatusPage) -> None:
    begins, ends = (f"{database_now() + timedelta(hours=each):%Y-%m-%dT%H:%M}" for each in (2, 4))
    plan = {
        "title": "New disks", "text": "Chat stops.", "page": page.public_id, "starts_at": begins, "ends_at": ends,
        "silences": "on",
    }  # fmt: skip
    assert errors_in(press(writer, PLAN, "save", **plan).content.decode())
    saved(press(writer, PLAN, "save", **plan, components=page.components.get().public_id))
    row = PublicIncident.objects.get()
    assert row.state == "scheduled" and Silence.objects.get(valid_until=None).excludes
    edit = f"/settings/scheduled-maintenances/{row.public_id}/edit"
    later = f"{database_now() + timedelta(hours=6):%Y-%m-%dT%H:%M}"
    saved(press(writer, edit, "save", ends_at=later))
    assert f"{Silence.objects.get(valid_until=None).ends_at:%Y-%m-%dT%H:%M}" == later
    assert "Maintenance" in shown(writer.get("/settings/publishing")) and "In progress" in shown(writer.get(own(row)))
    saved(writer.post(edit.replace("/edit", "/delete")))
    assert not PublicIncident.objects.exists() and not Silence.objects.filter(valid_until=None).exists()


def test_a_rule_says_in_words_what_it_does(writer: Client, page: StatusPage) -> None:
    rule = "/settings/publication-rules/new"
    words = {"title": "Chat is down", "after": "10m", "component": page.components.get().public_id}
    seen = shown(press(writer, rule, "preview", **words))
    assert "After 10m of an outage, Acme says “Chat is down” without a person." in seen
    saved(press(writer, rule, "save", **words))
    assert PublicationRule.objects.get().after_s == 600 and "Chat is down" in shown(writer.get("/settings/publishing"))


def test_a_viewer_looks_and_writes_nothing_and_another_team_sees_nothing(writer: Client, page: StatusPage) -> None:
    row = written(writer, page)
    viewer = member(Role.VIEWER)
    assert "Write an update" not in shown(viewer.get(own(row))) and "New incident" not in shown(
        viewer.get("/settings/publishing")
    )
    assert viewer.post(own(row), {"do": "say", "text": "x"}).status_code == viewer.get(NEW).status_code == 403
    stranger = member(Role.OWNER, Team.objects.create(name="Other", slug="other"))
    assert stranger.get(own(row)).status_code == 404 and "Chat" not in shown(stranger.get("/settings/publishing"))
