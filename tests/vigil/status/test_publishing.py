"""Pages are made anew of what changes, hold nothing that was not published, and outlive the process that made them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from tests.planting import plant
from tests.vigil.heartbeats.jobs import job
from tests.vigil.incidents.world import World
from tests.vigil.status.facts import FRAME, NOW, page
from tests.vigil.status.rows import SECRET, everything, made, shown
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.deadletters.models import DeadLetter
from vigil.heartbeats.models import Heartbeat
from vigil.incidents.models import Incident
from vigil.monitors.composites import Member, create_composite
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence
from vigil.status import publisher
from vigil.status.changes import delete_status_page, save_status_page
from vigil.status.core.document import project
from vigil.status.incident_models import PublicationRule, UpdateTemplate
from vigil.status.models import PublicIncident, PublicUpdate, StatusPage
from vigil.status.public_incidents import reading
from vigil.status.public_incidents.changes import save_postmortem, save_public_incident
from vigil.status.public_incidents.maintenance import save_maintenance
from vigil.status.public_incidents.prepared import save_publication_rule, save_update_template
from vigil.status.public_incidents.updates import add_update, change_update
from vigil.status.published import PublishedPages
from vigil.status.publisher import PagePublisher

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_change_of_a_monitor_or_of_a_page_is_on_the_page_at_the_next_turn(
    pages: PublishedPages, making: PagePublisher
) -> None:
    world = World()
    row, monitor = made(world)
    assert making.turn() == 1 and "Not measured" in everything(shown(pages))
    world.see(monitor, "fail")
    assert making.turn() == 1 and "major_outage" in everything(shown(pages))
    assert making.turn() == 0
    save_status_page(row, {"title": "Acme Cloud"})
    assert making.turn() == 1 and "Acme Cloud" in everything(shown(pages))
    save_status_page(row, {"enabled": False})
    making.turn()
    assert pages.find("acme") is None
    save_status_page(row, {"enabled": True, "slug": "acme-cloud"})
    making.turn()
    assert pages.find("acme") is None and shown(pages, "acme-cloud").id == row.public_id
    delete_status_page(row)
    making.turn()
    assert pages.find("acme-cloud") is None


def test_jobs_and_composites_are_components_and_maintenance_is_told(
    pages: PublishedPages, making: PagePublisher
) -> None:
    nightly, chat = job(), World().monitor("chat")
    rule = create_composite(default_team(), {"name": "any", "rule": "any", "members": [Member(chat)]})
    parts = [{"name": "Backups", "monitor": nightly.monitor}, {"name": "Chat", "monitor": rule.monitor}]
    save_status_page(StatusPage(team=default_team()), {"slug": "acme", "title": "Acme AI", "components": parts})
    Heartbeat.objects.update(status="down")
    around = {"starts_at": database_now() - timedelta(hours=1), "ends_at": database_now() + timedelta(hours=1)}
    create_silence(Silence(team=default_team()), {"name": SECRET, "excludes": True, **around}, [rule.monitor])
    making.turn()
    summary = json.loads(shown(pages).files["api/v2/summary.json"].plain)
    states = {one["name"]: one["status"] for one in summary["components"]}
    assert states == {"Backups": "major_outage", "Chat": "under_maintenance"}
    assert SECRET not in everything(shown(pages))


def test_nothing_that_was_not_published_is_in_any_file(pages: PublishedPages, making: PagePublisher) -> None:
    world = World()
    row, monitor = made(world, visibility="password", password=f"{SECRET}-password")
    world.see(monitor, "fail")
    inner = Incident.objects.get()
    Incident.objects.update(title=f"{SECRET} is down", cause_key=SECRET)
    told = save_public_incident(
        PublicIncident(team=default_team()),
        {
            "page": row, "incident": inner, "title": "Chat fails", "impact": "major", "state": "identified",
            "text": "We know why.", "components": list(row.components.all()), "written_by": f"{SECRET}-author",
        },
    )  # fmt: skip
    add_update(told, {"state": "monitoring", "text": "It works again.", "written_by": f"{SECRET}-author"})
    making.turn()
    found = shown(pages)
    text = everything(found)
    assert "Chat fails" in text and "We know why." in text and "It works again." in text
    inside = [SECRET, monitor.public_id, inner.public_id, default_team().name, row.access, "refused"]
    inside += [region.slug for region in world.regions]
    assert [word for word in inside if word in text] == []
    kinds = {"", "json", "atom", "rss", "ics", "md", "txt", "svg", "html", "js"}
    assert {path.rpartition(".")[2] for path in found.files} >= kinds and "history" in found.files
    assert {f"{path}?{tag}" for tag, files in found.in_languages.items() for path in files} >= {"?de", "history?de"}


def test_nothing_prepared_planned_or_edited_is_in_any_file_before_it_is_published(
    pages: PublishedPages, making: PagePublisher
) -> None:
    row, monitor = made(World())
    parts, now, team = list(row.components.all()), database_now(), default_team()
    told = save_public_incident(
        PublicIncident(team=team), {"page": row, "title": "Slow", "text": f"{SECRET}-first", "components": parts}
    )
    first = told.updates.get()
    change_update(first, {"text": "We look.", "written_by": f"{SECRET}-author"})
    later = {"text": f"{SECRET}-later", "publish_at": now + timedelta(hours=1)}
    add_update(told, {"state": "identified", **later})
    add_update(told, {"state": "monitoring", "text": f"{SECRET}-draft", "is_draft": True})
    over = save_public_incident(PublicIncident(team=team), {"page": row, "title": "Old", "text": "x"})
    add_update(over, {"state": "resolved", "text": "Over."})
    save_postmortem(over, f"{SECRET}-postmortem", publish=False)
    window = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=2), "silences": True}
    work = {"page": row, "title": "New disks", "text": "We change disks.", "components": parts, **window}
    save_maintenance(PublicIncident(team=team), work)
    save_maintenance(PublicIncident(team=team), {**work, "title": f"{SECRET}-plan", "is_draft": True})
    words = {"title": f"{SECRET}-rule", "text": f"{SECRET}-words", "closing_text": f"{SECRET}-end"}
    save_publication_rule(PublicationRule(team=team), {"component": parts[0], **words})
    template = {"name": f"{SECRET}-name", "text": f"{SECRET}-template", "page": row, "components": parts}
    save_update_template(UpdateTemplate(team=team), template)
    making.turn()
    text = everything(shown(pages))
    assert "We look." in text and "New disks" in text and f"incidents/{told.public_id}" in shown(pages).files
    silence = Silence.objects.get(valid_until=None)
    assert [word for word in (SECRET, monitor.public_id, silence.public_id) if word in text] == []
    save_postmortem(over, "A disk was full.", publish=True)
    making.turn()
    assert "A disk was full." in shown(pages).files[f"incidents/{over.public_id}"].plain.decode()


def test_a_page_shows_open_incidents_and_those_of_the_last_days(pages: PublishedPages, making: PagePublisher) -> None:
    row, _ = made(World())
    wanted = {"page": row, "title": "Old", "state": "resolved", "text": "Over."}
    old = save_public_incident(PublicIncident(team=default_team()), wanted)
    PublicIncident.objects.update(resolved_at=database_now() - timedelta(days=15))
    save_public_incident(PublicIncident(team=default_team()), {**wanted, "title": "New"})
    making.turn()
    names = [one["name"] for one in json.loads(shown(pages).files["api/v2/incidents.json"].plain)["incidents"]]
    assert names == ["New", "Old"] and old.state == "resolved"
    assert ">New<" in shown(pages).files[""].plain.decode() and ">Old<" not in shown(pages).files[""].plain.decode()


def test_an_incident_has_a_page_of_its_own_for_a_year_and_one_with_a_postmortem_before_others(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, _ = made(World())
    rows = []
    for days in (364, 366, 300, 200):
        wanted = {"page": row, "title": f"{days} days ago", "state": "resolved", "text": "Over."}
        rows.append(save_public_incident(PublicIncident(team=default_team()), wanted))
        PublicIncident.objects.filter(pk=rows[-1].pk).update(resolved_at=database_now() - timedelta(days=days))

    def own() -> set[str]:
        making.turn()
        return {one.title for one in rows if f"incidents/{one.public_id}" in shown(pages).files}

    assert own() == {"364 days ago", "300 days ago", "200 days ago"}
    monkeypatch.setattr(reading, "INCIDENTS_MOST", 1)
    monkeypatch.setattr(reading, "EARLIER_MOST", 1)
    save_postmortem(rows[0], "A disk was full.", publish=True)
    assert own() == {"364 days ago", "200 days ago"}


def test_a_draft_is_in_no_file_and_is_not_the_state_of_its_incident(
    pages: PublishedPages, making: PagePublisher
) -> None:
    row, _ = made(World())
    wanted = {"page": row, "title": "Slow", "state": "investigating", "text": "We look."}
    told = save_public_incident(PublicIncident(team=default_team()), wanted)
    PublicUpdate.objects.create(incident=told, state="resolved", text=f"{SECRET} words")
    hidden = PublicIncident.objects.create(
        team=default_team(), page=row, title=f"{SECRET} title", started_at=database_now()
    )
    PublicUpdate.objects.create(incident=hidden, state="identified", text="x", publish_at=database_now())
    making.turn()
    assert "We look." in everything(shown(pages)) and SECRET not in everything(shown(pages))
    add_update(told, {"state": "monitoring", "text": "It works."})
    assert [one.state for one in told.updates.published()] == ["investigating", "monitoring"]


def test_the_same_words_twice_are_one_update_and_a_resolved_incident_may_open_again() -> None:
    row, _ = made(World())
    told = save_public_incident(
        PublicIncident(team=default_team()),
        {"page": row, "title": "Slow", "state": "investigating", "text": "We look."},
    )
    add_update(told, {"state": "investigating", "text": "We look."})
    assert told.updates.count() == 1
    add_update(told, {"state": "resolved", "text": "Over."})
    assert told.resolved_at is not None
    add_update(told, {"state": "investigating", "text": "It is back."})
    stored = PublicIncident.objects.get()
    assert (stored.resolved_at, stored.state) == (None, "investigating")


def test_what_a_page_cannot_be_is_refused_by_field() -> None:
    row, monitor = made(World())
    other = Team.objects.create(name="Other", slug="other")
    theirs = StatusPage(team=other)
    one = {"name": "x", "monitor": monitor}
    wrong: list[tuple[dict[str, object], str]] = [
        ({"slug": "Acme AI"}, "slug"),
        ({"slug": "acme"}, "slug"),
        ({"title": "a\nb"}, "title"),
        ({"visibility": "password"}, "password"),
        ({"visibility": "password", "password": "short"}, "password"),
        ({"password": "long enough"}, "password"),
        ({"components": [one]}, "components"),
        ({"components": [{"name": "x"}]}, "components"),
        ({"components": [{"name": "x", "tag": "a"}] * 101}, "components"),
        ({"components": [{"name": "x", "tag": "a"}, {"name": "x", "tag": "b"}]}, "components"),
    ]
    for more, field in wrong:
        with pytest.raises(ValidationError) as refused:
            save_status_page(theirs, {"slug": "theirs", "title": "Theirs", "visibility": "public", **more})
        assert list(refused.value.message_dict) == [field], more
    of_incidents: list[tuple[dict[str, object], str]] = [({"page": row}, "page"), ({"title": "a\u202eb"}, "title")]
    for more, field in of_incidents:
        with pytest.raises(ValidationError) as refused:
            own = {"page": save_status_page(StatusPage(team=other), {"slug": f"o-{field}", "title": "O"}), "title": "t"}
            save_public_incident(PublicIncident(team=other), {**own, "text": "x", **more})
        assert field in refused.value.message_dict


def test_components_that_stay_keep_their_ids() -> None:
    row, monitor = made(World())
    before = {one.name: one.public_id for one in row.components.all()}
    save_status_page(row, {"components": [{"name": "New", "tag": "a"}, {"name": "Chat API", "monitor": monitor}]})
    after = {one.name: one.public_id for one in row.components.all()}
    assert list(after) == ["New", "Chat API"] and after["Chat API"] == before["Chat API"]


def test_a_page_that_fails_alone_holds_up_no_other(
    pages: PublishedPages, making: PagePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(World())
    save_status_page(StatusPage(team=default_team()), {"slug": "second", "title": "Second"})
    planted = plant(monkeypatch, publisher, "read_facts", times=2)
    making.turn()
    assert planted.raised == 2 and pages.find("second") is None
    assert making.turn() == 2 and not DeadLetter.objects.exists()


def test_pages_are_on_the_disk_for_the_next_process(pages: PublishedPages, tmp_path: Path) -> None:
    pages.publish(project(page(), FRAME))
    folder = tmp_path / "status"
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]
    (folder / "broken.page").write_bytes(b"\xc1")
    again = PublishedPages(folder)
    again.load()
    found = again.find("acme")
    assert found == pages.find("acme") and found is not None and found.heard_at == NOW
    again.keep_only({})
    assert again.find("acme") is None and list(folder.iterdir()) == []
