"""An incident is published from its page: two presses, whom it tells is said before, nothing inner goes out."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.vigil.incidents.world import World
from tests.vigil.web.pages.monitor_forms.test_monitor_forms import errors_in, sent_of, shown
from tests.vigil.web.pages.row_forms.test_alerting_forms import member, press, saved
from vigil.accounts.models import Role, Team
from vigil.accounts.teams import default_team
from vigil.incidents.models import Incident
from vigil.status.changes import save_status_page
from vigil.status.models import PublicIncident, StatusPage
from vigil.status.public_incidents.changes import save_public_incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(redis_url: str) -> Incident:
    world = World()
    chat, console = world.monitor("chat-prod-7", tags=["ai"]), world.monitor("console-3")
    world.see(chat, "fail")
    for slug, components in (
        ("acme", [{"name": "Chat", "monitor": chat}, {"name": "Console", "monitor": console}]),
        ("partners", [{"name": "AI for partners", "tag": "ai"}]),
        ("bare", []),
    ):
        save_status_page(StatusPage(team=default_team()), {"slug": slug, "title": slug, "components": components})
    return Incident.objects.get()


@pytest.fixture
def writer(redis_url: str) -> Client:
    return member(Role.MEMBER)


def address(incident: Incident) -> str:
    return f"/incidents/{incident.public_id}/publish"


def test_two_presses_publish_what_is_touched_with_words_that_are_there(writer: Client, incident: Incident) -> None:
    assert f'href="{address(incident)}">Publish</a>' in shown(writer.get(f"/incidents/{incident.public_id}"))
    form = shown(writer.get(address(incident)))
    assert "/status/acme" in form and "Notifies no subscriber." in form
    assert "We see a problem with Chat and AI for partners and are looking into it." in form
    sent = sent_of(form)
    assert sent["state"] == ["investigating"] and sent["impact"] == ["major"] and not PublicIncident.objects.exists()
    saved(writer.post(address(incident), {**sent, "do": "publish"}))
    saved(writer.post(address(incident), {**sent, "do": "publish"}))
    told = {row.page.slug: row for row in PublicIncident.objects.all()}
    assert sorted(told) == ["acme", "partners"] and told["acme"].title == "Problem with Chat and AI for partners"
    assert [one.name for one in told["acme"].components.all()] == ["Chat"]
    assert [row.updates.count() for row in told.values()] == [1, 1]
    texts = [row.title + row.updates.get().text for row in told.values()]
    assert [word for word in ("chat-prod-7", "refused", "eu", "ai.") if any(word in text for text in texts)] == []


def test_updates_and_the_end_are_published_from_there_too(writer: Client, incident: Incident) -> None:
    saved(press(writer, address(incident), "publish"))
    page = shown(writer.get(f"{address(incident)}?said=1"))
    assert "Published. Readers see it within 2 seconds." in page and "Said on <bdi>acme" in page
    assert sent_of(page)["state"] == ["identified"] and "found the cause" in page
    worded = shown(press(writer, address(incident), "words.resolved"))
    assert "is over." in worded and sent_of(worded)["state"] == ["resolved"]
    assert PublicIncident.objects.filter(state="resolved").count() == 0
    saved(writer.post(address(incident), {**sent_of(worded), "text": "A disk was full.", "do": "publish"}))
    assert {row.state for row in PublicIncident.objects.all()} == {"resolved"}
    last = PublicIncident.objects.filter(page__slug="acme").get().updates.last()
    assert last is not None and (last.text, last.written_by) == ("A disk was full.", "a member of ours")


def test_what_cannot_be_published_says_why_and_publishes_nothing(writer: Client, incident: Incident) -> None:
    ids: dict[str, list[str]] = {page.public_id: [] for page in StatusPage.objects.all()}
    unticked = press(writer, address(incident), "publish", **ids)
    assert "Tick what is affected" in unticked.content.decode()
    for wrong in ({"text": " "}, {"state": "odd"}, {"title": "a\u202eb"}, {"impact": "huge"}, {"text": "a" * 5_001}):
        assert errors_in(press(writer, address(incident), "publish", **wrong).content.decode()), wrong
    assert not PublicIncident.objects.exists()


def test_a_tick_of_what_is_gone_publishes_nothing_about_the_page_as_a_whole(writer: Client, incident: Incident) -> None:
    sent = sent_of(shown(writer.get(address(incident))))
    page = StatusPage.objects.get(slug="acme")
    chat, console = page.components.all()
    chat.delete()
    refused = writer.post(address(incident), {**sent, "do": "publish"})
    assert "One of them is gone. Choose again." in refused.content.decode() and not PublicIncident.objects.exists()
    again = {**sent_of(refused.content.decode()), page.public_id: [console.public_id], "do": "publish"}
    saved(writer.post(address(incident), again))
    told = PublicIncident.objects.get(page=page)
    assert [one.name for one in told.components.all()] == ["Console"]


def test_what_was_said_of_a_page_as_a_whole_is_ended_from_the_form(writer: Client, incident: Incident) -> None:
    page = StatusPage.objects.get(slug="acme")
    told = {"page": page, "incident": incident, "title": "All fails", "text": "We look."}
    row = save_public_incident(PublicIncident(team=default_team()), told)
    form = shown(writer.get(address(incident)))
    assert "The page as a whole" in form and sent_of(form)[page.public_id] == [page.public_id]
    saved(press(writer, address(incident), "publish", state="resolved", text="Over."))
    row.refresh_from_db()
    assert row.state == "resolved" and not row.components.exists()


def test_without_a_status_page_the_button_leads_to_making_one(writer: Client, incident: Incident) -> None:
    StatusPage.objects.all().delete()
    assert writer.get(address(incident))["Location"] == "/settings/status-pages/new"


def test_a_viewer_and_another_team_publish_nothing(incident: Incident) -> None:
    viewer = member(Role.VIEWER)
    assert ">Publish</a>" not in shown(viewer.get(f"/incidents/{incident.public_id}"))
    assert viewer.post(address(incident), {"do": "publish"}).status_code == 403
    stranger = member(Role.OWNER, Team.objects.create(name="Other", slug="other"))
    assert stranger.get(address(incident)).status_code == 404


def test_the_form_costs_a_constant_number_of_queries(
    writer: Client, incident: Incident, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        components = [{"name": f"c{place}", "tag": "ai"} for place in range(5)]
        wanted = {"slug": f"more-{number}", "title": f"More {number}", "components": components}
        save_status_page(StatusPage(team=default_team()), wanted)
    with django_assert_max_num_queries(10):
        shown(writer.get(address(incident)))
