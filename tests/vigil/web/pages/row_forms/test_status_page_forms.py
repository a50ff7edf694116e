"""Status pages are made in a form with components that are found by name, and previewed before they are served."""

from __future__ import annotations

import pytest

from tests.vigil.incidents.world import World
from tests.vigil.web.pages.monitor_forms.test_monitor_forms import errors_in, sent_of, shown
from tests.vigil.web.pages.row_forms.test_alerting_forms import member, press, saved
from vigil.accounts.models import Role, Team
from vigil.status.models import StatusPage

pytestmark = pytest.mark.django_db

NEW = "/settings/status-pages/new"


def test_a_page_is_made_with_components_that_are_found_by_name_and_by_tag(redis_url: str) -> None:
    writer, world = member(Role.MEMBER), World()
    chat = world.monitor("chat-prod-7", tags=["ai"])
    assert NEW in shown(writer.get("/settings/status-pages"))
    form = sent_of(shown(writer.get(NEW))) | {"title": "Acme <b>", "slug": "acme", "find.components": "chat"}
    found = shown(writer.post(NEW, {**form, "do": "find.components"}))
    assert f'value="components.add.{chat.public_id}"' in found
    form = sent_of(shown(writer.post(NEW, {**form, "do": f"components.add.{chat.public_id}"})))
    form = sent_of(shown(writer.post(NEW, {**form, "find.components": "", "do": "components.add.tag:ai"})))
    unnamed = writer.post(NEW, {**form, "do": "save"})
    assert errors_in(unnamed.content.decode()) and not StatusPage.objects.exists()
    form |= {"components.0.name": "Chat", "components.1.name": "All of AI", "components.1.group": "AI"}
    seen = shown(writer.post(NEW, {**form, "do": "preview"}))
    assert "Everyone who knows its address sees how Chat and All of AI are at" in seen
    assert saved(writer.post(NEW, {**form, "do": "save"})) == "/settings/status-pages"
    row = StatusPage.objects.get()
    assert [(one.name, one.monitor, one.tag) for one in row.components.all()] == [
        ("Chat", chat, ""), ("All of AI", None, "ai"),
    ]  # fmt: skip
    page = shown(writer.get(f"/settings/status-pages/{row.public_id}/preview"))
    assert "Chat" in page and "Acme &lt;b&gt;" in page and "chat-prod-7" not in page
    lines = shown(writer.get(f"/settings/status-pages/{row.public_id}/elsewhere"))
    assert "&lt;iframe src=" in lines and "/status/acme/embed.js" in lines
    assert all(f"/badges/{one.public_id}.svg" in lines for one in row.components.all())
    other = member(Role.MEMBER, Team.objects.create(name="Other", slug="other"))
    assert other.get(f"/settings/status-pages/{row.public_id}/elsewhere").status_code == 404


def test_a_page_is_changed_put_behind_a_password_and_deleted(redis_url: str) -> None:
    writer = member(Role.MEMBER)
    saved(press(writer, NEW, "save", title="Acme", slug="acme"))
    row = StatusPage.objects.get()
    edit = f"/settings/status-pages/{row.public_id}/edit"
    as_code = shown(press(writer, edit, "code", visibility="password", password="long enough secret"))
    assert "status_pages:" in as_code and "slug: acme" in as_code and "long enough" not in as_code
    assert errors_in(press(writer, edit, "save", visibility="password").content.decode())
    saved(press(writer, edit, "save", visibility="password", password="long enough secret"))
    elsewhere = shown(writer.get(edit.replace("/edit", "/elsewhere")))
    assert "Not everyone may read this page." in elsewhere and "iframe" not in elsewhere
    page = shown(writer.get(edit))
    assert "long enough" not in page and StatusPage.objects.get().access
    saved(press(writer, edit, "save", title="Acme Cloud"))
    assert StatusPage.objects.get().access and "behind a password" in shown(writer.get("/settings/status-pages"))
    assert "Its address answers no more" in shown(writer.get(edit.replace("/edit", "/delete")))
    saved(writer.post(edit.replace("/edit", "/delete")))
    assert not StatusPage.objects.exists()


def test_a_viewer_reads_and_another_team_sees_none_of_it(redis_url: str) -> None:
    saved(press(member(Role.MEMBER), NEW, "save", title="Acme", slug="acme"))
    row = StatusPage.objects.get()
    viewer = member(Role.VIEWER)
    assert "Acme" in shown(viewer.get("/settings/status-pages")) and viewer.get(NEW).status_code == 403
    stranger = member(Role.OWNER, Team.objects.create(name="Other", slug="other"))
    assert "Acme" not in shown(stranger.get("/settings/status-pages"))
    for path in ("edit", "delete", "preview"):
        assert stranger.get(f"/settings/status-pages/{row.public_id}/{path}").status_code == 404
