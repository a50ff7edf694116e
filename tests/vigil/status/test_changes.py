"""Writes keep an incident about what it is about, in the state that was said last, also when two write."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from tests.vigil.incidents.world import World
from tests.vigil.status.rows import made
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.status import page_checks
from vigil.status.changes import save_status_page
from vigil.status.models import PageComponent, PublicIncident, PublicUpdate, StatusPage
from vigil.status.public_incidents.changes import delete_public_incident, save_public_incident
from vigil.status.public_incidents.reading import INCIDENTS_MOST, UPDATES_MOST
from vigil.status.public_incidents.updates import add_update
from vigil.status.reading import read_facts

pytestmark = pytest.mark.django_db(transaction=True)


def told(page: StatusPage, components: Sequence[PageComponent] = (), **more: Any) -> PublicIncident:
    wanted = {"page": page, "title": "Chat fails", "text": "We look.", "components": list(components), **more}
    return save_public_incident(PublicIncident(team=default_team()), wanted)


def parts_of(page: StatusPage) -> dict[str, PageComponent]:
    return {one.name: one for one in page.components.all()}


def test_a_component_with_a_new_name_stays_what_an_incident_is_about(redis_url: str) -> None:
    page, monitor = made(World())
    before = parts_of(page)
    row = told(page, [before["Chat API"], before["All of it"]])
    renamed = [{"name": "Chat", "monitor": monitor}, {"name": "Everything", "tag": before["All of it"].tag}]
    save_status_page(page, {"components": renamed})
    after = parts_of(page)
    assert after["Chat"].public_id == before["Chat API"].public_id
    assert after["Everything"].public_id == before["All of it"].public_id
    assert {one.name for one in row.components.all()} == {"Chat", "Everything"}


def test_names_come_before_monitors_where_both_match(redis_url: str) -> None:
    page, monitor = made(World())
    before = parts_of(page)
    save_status_page(page, {"components": [{"name": "New", "monitor": monitor}, {"name": "Chat API", "tag": "other"}]})
    after = parts_of(page)
    assert after["Chat API"].public_id == before["Chat API"].public_id
    assert after["New"].public_id not in {one.public_id for one in before.values()}


def test_all_that_an_open_incident_names_cannot_be_removed(redis_url: str) -> None:
    page, monitor = made(World())
    row = told(page, [parts_of(page)["All of it"]])
    kept = {"components": [{"name": "Chat API", "monitor": monitor}]}
    with pytest.raises(ValidationError) as refused:
        save_status_page(page, kept)
    assert "All of it: the open incident “Chat fails” names nothing else." in str(refused.value.message_dict)
    assert set(parts_of(page)) == {"Chat API", "All of it"}
    add_update(row, {"state": "resolved", "text": "Over."})
    save_status_page(page, kept)
    assert set(parts_of(page)) == {"Chat API"}


def test_a_row_that_was_read_before_an_update_takes_nothing_back(redis_url: str) -> None:
    page, _ = made(World())
    row = told(page)
    stale, stale_page = PublicIncident.objects.get(), StatusPage.objects.get()
    add_update(row, {"state": "resolved", "text": "Over."})
    save_public_incident(stale, {"title": "Chat failed"})
    stored = PublicIncident.objects.get()
    assert (stored.title, stored.state, stored.resolved_at is None) == ("Chat failed", "resolved", False)
    save_status_page(StatusPage.objects.get(), {"visibility": "password", "password": "long enough"})
    revision = StatusPage.objects.get().revision
    save_status_page(stale_page, {"title": "Acme Cloud"})
    after = StatusPage.objects.get()
    assert (after.title, after.visibility, after.revision) == ("Acme Cloud", "password", revision + 1)
    assert after.access


def test_what_was_deleted_meanwhile_is_refused_by_field(redis_url: str) -> None:
    page, _ = made(World())
    row, component = told(page), parts_of(page)["Chat API"]
    gone = PublicIncident.objects.get()
    delete_public_incident(row)
    for write in (
        lambda: add_update(gone, {"state": "resolved", "text": "Over."}),
        lambda: save_public_incident(gone, {"title": "New"}),
    ):
        with pytest.raises(ValidationError) as refused:
            write()
        assert list(refused.value.message_dict) == ["incident"]
    PageComponent.objects.filter(pk=component.pk).delete()
    with pytest.raises(ValidationError) as refused:
        told(page, [component])
    assert refused.value.message_dict == {"components": ["One of them is gone. Choose again."]}
    assert not PublicIncident.objects.exists()


def test_of_two_updates_at_once_the_last_one_written_is_the_newest(redis_url: str) -> None:
    page, _ = made(World())
    row = told(page)
    begun, said = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                # Its transaction begins before that of the other update, and writes after it.
                database_now()
                begun.set()
                assert said.wait(10)
                add_update(row, {"state": "resolved", "text": "Over."})
        finally:
            connection.close()

    writer = threading.Thread(target=late)
    writer.start()
    assert begun.wait(10)
    add_update(PublicIncident.objects.get(), {"state": "identified", "text": "We know why."})
    said.set()
    writer.join(10)
    newest, before = PublicUpdate.objects.newest_first()[:2]
    assert newest.published_at is not None and before.published_at is not None
    assert (
        newest.published_at > before.published_at and newest.state == PublicIncident.objects.get().state == "resolved"
    )


def test_an_open_incident_is_shown_however_many_are_over(redis_url: str) -> None:
    page, _ = made(World())
    now = database_now()
    opened = told(page, title="Old and open", started_at=now - timedelta(days=10))
    PublicIncident.objects.bulk_create(
        [
            PublicIncident(team=default_team(), page=page, title="Over", state="resolved", started_at=now,
                           published_at=now, resolved_at=now)
            for _ in range(INCIDENTS_MOST + 1)
        ]
    )  # fmt: skip
    shown = read_facts(page, now).incidents
    assert len(shown) == INCIDENTS_MOST and shown[-1].id == opened.public_id
    assert [one.title for one in shown].count("Over") == INCIDENTS_MOST - 1


def test_the_newest_updates_of_an_incident_are_shown_the_oldest_of_them_first(redis_url: str) -> None:
    page, _ = made(World())
    row = told(page)
    for number in range(UPDATES_MOST + 4):
        add_update(row, {"state": "identified", "text": f"Step {number}."})
    [shown] = read_facts(page, database_now()).incidents
    assert [one.text for one in shown.updates] == [f"Step {number}." for number in range(4, UPDATES_MOST + 4)]


def test_a_page_gets_no_domain_that_a_pattern_gives_to_vigil_and_keeps_one_that_it_had(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, _ = made(World(), domain="status.acme.test")
    monkeypatch.setattr(page_checks, "own_hosts", lambda: frozenset({".acme.test", "*"}))
    save_status_page(row, {"title": "Acme Cloud"})
    with pytest.raises(ValidationError, match="VIGIL_ALLOWED_HOSTS"):
        save_status_page(row, {"domain": "login.acme.test"})
    row.refresh_from_db()
    assert row.domain == "status.acme.test"
    save_status_page(row, {"domain": "status.other.test"})
