"""What is due becomes public once, whoever looks and whenever it is killed; what was over stays over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.planting import Fault, plant
from tests.vigil.incidents.world import World
from tests.vigil.status.rows import everything, made, shown
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence
from vigil.status.changes import save_status_page
from vigil.status.core.states import PublicImpact, RuleKind
from vigil.status.incident_models import AutomaticPublication, PublicationRule
from vigil.status.models import PublicIncident, PublicUpdate, StatusPage
from vigil.status.public_incidents import automation, due, updates
from vigil.status.public_incidents.automation import apply_rules, pages_with_rules
from vigil.status.public_incidents.changes import delete_public_incident, save_public_incident
from vigil.status.public_incidents.due import move_maintenance, publish_waiting
from vigil.status.public_incidents.maintenance import save_maintenance
from vigil.status.public_incidents.updates import add_update, change_update
from vigil.status.published import PublishedPages
from vigil.status.publisher import PagePublisher

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def told(page: StatusPage, **more: Any) -> PublicIncident:
    wanted = {"page": page, "title": "Chat fails", "text": "We look.", **more}
    return save_public_incident(PublicIncident(team=default_team()), wanted)


def planned(page: StatusPage, **more: Any) -> PublicIncident:
    now = database_now()
    wanted = {
        "page": page, "title": "New disks", "text": "We change disks.", "components": list(page.components.all()),
        "starts_at": now + HOUR, "ends_at": now + 2 * HOUR, **more,
    }  # fmt: skip
    return save_maintenance(PublicIncident(team=default_team()), wanted)


def at_once(work: Callable[[], object]) -> None:
    """Two threads do it at the same time."""
    gate = threading.Barrier(2)

    def run() -> None:
        try:
            gate.wait(30)
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)


def test_an_update_is_published_at_its_moment_and_once(redis_url: str) -> None:
    page, _ = made(World())
    row = told(page)
    moment = database_now() + HOUR
    waiting = add_update(row, {"state": "monitoring", "text": "It works.", "publish_at": moment})
    assert not publish_waiting(waiting.pk, moment - timedelta(seconds=1))
    at_once(lambda: publish_waiting(waiting.pk, moment))
    stored = PublicUpdate.objects.get(pk=waiting.pk)
    assert stored.published_at is not None and stored.publish_at is None
    assert PublicIncident.objects.get().state == "monitoring" and not publish_waiting(waiting.pk, moment)


def test_a_process_that_dies_while_it_publishes_leaves_it_for_the_next(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, _ = made(World())
    moment = database_now() + HOUR
    waiting = add_update(told(page), {"state": "resolved", "text": "Over.", "publish_at": moment})
    for step in ("note_state", "note_change"):
        with monkeypatch.context() as patched:
            plant(patched, updates, step)
            with pytest.raises(Fault):
                publish_waiting(waiting.pk, moment)
        assert PublicUpdate.objects.get(pk=waiting.pk).published_at is None
        assert PublicIncident.objects.get().resolved_at is None
    assert publish_waiting(waiting.pk, moment) and PublicIncident.objects.get().resolved_at is not None


def test_an_update_that_waits_is_held_back_where_its_incident_is_over_by_then(redis_url: str) -> None:
    page, _ = made(World())
    row = told(page)
    moment = database_now() + HOUR
    waiting = add_update(row, {"state": "identified", "text": "We know why.", "publish_at": moment})
    add_update(row, {"state": "resolved", "text": "Over."})
    assert not publish_waiting(waiting.pk, moment)
    stored = PublicUpdate.objects.get(pk=waiting.pk)
    assert (stored.published_at, stored.publish_at, stored.held_at) == (None, None, moment)
    assert PublicIncident.objects.get().state == "resolved"
    change_update(stored, {"publish": True})
    assert PublicIncident.objects.get().state == "identified"


def test_an_update_that_waits_neither_moves_planned_work_back_nor_ends_it_twice(redis_url: str) -> None:
    page, _ = made(World())
    row, moment = planned(page), database_now() + HOUR
    back = add_update(row, {"state": "scheduled", "text": "It comes.", "publish_at": moment})
    ends = add_update(row, {"state": "completed", "text": "Done.", "publish_at": moment})
    add_update(row, {"state": "in_progress", "text": "We begin."})
    assert not publish_waiting(back.pk, moment) and PublicIncident.objects.get().state == "in_progress"
    add_update(row, {"state": "completed", "text": "Done early."})
    assert not publish_waiting(ends.pk, moment)
    assert set(row.updates.exclude(held_at=None)) == {back, ends} and row.updates.published().count() == 3


def test_maintenance_begins_and_ends_by_itself_and_once(redis_url: str) -> None:
    page, _ = made(World())
    row = planned(page)
    window = row.maintenance  # type: ignore[attr-defined]
    assert not move_maintenance(row.pk, window.starts_at - timedelta(seconds=1))
    at_once(lambda: move_maintenance(row.pk, window.starts_at))
    row.refresh_from_db()
    assert row.state == "in_progress" and row.updates.count() == 2
    at_once(lambda: move_maintenance(row.pk, window.ends_at))
    row.refresh_from_db()
    window.refresh_from_db()
    assert (row.state, row.updates.count(), window.due_at) == ("completed", 3, None)
    assert row.resolved_at is not None and window.began_at == window.starts_at


def test_a_window_that_moves_is_a_change_of_the_maintenance_and_what_stays_is_none(redis_url: str) -> None:
    page, _ = made(World())
    row, draft = planned(page), planned(page, is_draft=True)
    components = list(row.components.all())

    def edited(of: PublicIncident, **wanted: Any) -> datetime | None:
        save_maintenance(of, wanted)
        return PublicIncident.objects.get(pk=of.pk).edited_at

    window = row.maintenance  # type: ignore[attr-defined]
    assert edited(row, ends_at=window.ends_at, title="New disks", components=components) is None
    first = edited(row, ends_at=window.ends_at + HOUR)
    assert first is not None and first > database_now() - HOUR
    assert edited(row, components=components, silences=False) == first
    second = edited(row, components=components[:1])
    third = edited(row, title="Newer disks")
    assert second is not None and third is not None and first < second < third
    assert edited(draft, title="Nobody has seen it") is None


def test_maintenance_that_a_person_holds_or_has_not_published_stays(redis_url: str) -> None:
    page, _ = made(World())
    held, draft = planned(page, is_automatic=False), planned(page, is_draft=True)
    later = database_now() + 3 * HOUR
    assert not move_maintenance(held.pk, later) and not move_maintenance(draft.pk, later)
    change_update(draft.updates.get(), {"publish": True})
    assert move_maintenance(draft.pk, later)


def test_a_silence_is_made_moved_and_ended_with_its_maintenance(redis_url: str) -> None:
    page, monitor = made(World())
    row = planned(page, silences=True, is_draft=True)
    assert not Silence.objects.exists()
    change_update(row.updates.get(), {"publish": True})
    silence = Silence.objects.get(valid_until=None)
    assert (silence.mutes, silence.excludes, list(silence.monitors.all())) == (True, True, [monitor])
    later = database_now() + 5 * HOUR
    row = PublicIncident.objects.get()
    save_maintenance(row, {"ends_at": later})
    assert Silence.objects.get(valid_until=None).ends_at == later
    save_maintenance(PublicIncident.objects.get(), {"starts_at": database_now()})
    add_update(row, {"state": "in_progress", "text": "We begin."})
    add_update(row, {"state": "completed", "text": "Done early."})
    assert not Silence.objects.filter(valid_until=None).exists()


def test_a_silence_that_is_wanted_no_more_or_was_deleted_is_not_there(redis_url: str) -> None:
    page, _ = made(World())
    planned(page, silences=True)
    save_maintenance(PublicIncident.objects.get(), {"silences": False})
    assert not Silence.objects.filter(valid_until=None).exists()


# --- rules


@pytest.fixture
def failing(redis_url: str) -> tuple[World, StatusPage, Monitor]:
    world = World()
    page, monitor = made(world)
    world.see(monitor, "fail")
    Incident.objects.update(started_at=database_now())
    for component in page.components.all():
        PublicationRule.objects.create(
            team=default_team(), component=component, kind=RuleKind.OUTAGE, after_s=300, impact=PublicImpact.MAJOR,
            title=f"{component.name} is down", text="We are looking into it.", closing_text="It works again.",
        )  # fmt: skip
    return world, page, monitor


def later() -> datetime:
    return database_now() + timedelta(minutes=6)


def test_an_outage_is_public_by_its_rule_and_over_with_it(failing: tuple[World, StatusPage, Monitor]) -> None:
    world, page, monitor = failing
    assert pages_with_rules() == [page] and apply_rules(page, database_now()) == 0
    assert apply_rules(page, later()) == 1 and apply_rules(page, later()) == 0
    row = PublicIncident.objects.get()
    assert (row.title, row.is_automatic, row.incident) == ("Chat API is down", True, Incident.objects.get())
    assert {one.name for one in row.components.all()} == {"Chat API", "All of it"}
    world.see(monitor, "pass", "pass", "pass")
    assert Incident.objects.get().resolved_at is not None
    assert apply_rules(page, later()) == 1
    row.refresh_from_db()
    assert row.state == "resolved" and row.updates.newest_first()[0].text == "It works again."


def test_readers_are_told_what_an_automatic_incident_takes_in_later(failing: tuple[World, StatusPage, Monitor]) -> None:
    _, page, _ = failing
    PublicationRule.objects.filter(component__name="All of it").update(after_s=600, impact=PublicImpact.CRITICAL)
    apply_rules(page, later())
    assert apply_rules(page, later() + timedelta(minutes=6)) == 1
    row = PublicIncident.objects.get()
    assert [one.text for one in row.updates.newest_first()] == [
        "Now also affected: All of it.",
        "We are looking into it.",
    ]
    assert (row.state, row.impact, row.is_automatic) == ("investigating", "critical", True)


def test_readers_are_told_that_an_automatic_incident_is_worse(failing: tuple[World, StatusPage, Monitor]) -> None:
    _, page, _ = failing
    apply_rules(page, later())
    PublicationRule.objects.filter(component__name="Chat API").update(impact=PublicImpact.CRITICAL)
    assert apply_rules(page, later()) == 1 and apply_rules(page, later()) == 0
    text = PublicUpdate.objects.newest_first()[0].text
    assert text == "Chat API is down: We are looking into it." and PublicIncident.objects.get().impact == "critical"


def test_a_standing_incident_covers_a_failure_while_it_is_open_and_minutes_after(
    failing: tuple[World, StatusPage, Monitor],
) -> None:
    _, page, _ = failing
    standing = told(page, title="Sign-in is slow")
    assert apply_rules(page, later()) == 1 and AutomaticPublication.objects.get().public == standing
    add_update(standing, {"state": "resolved", "text": "Over."})
    assert apply_rules(page, database_now() + timedelta(minutes=4)) == 0
    assert apply_rules(page, later()) == 1 and apply_rules(page, later()) == 0
    row = PublicIncident.objects.latest("pk")
    assert row.is_automatic and AutomaticPublication.objects.get().public == row


def test_a_notice_without_impact_covers_nothing(failing: tuple[World, StatusPage, Monitor]) -> None:
    _, page, _ = failing
    told(page, title="New prices", impact=PublicImpact.NONE)
    assert apply_rules(page, later()) == 1 and PublicIncident.objects.filter(is_automatic=True).exists()
    assert apply_rules(page, later()) == 0


def test_a_page_whose_team_has_no_failure_costs_nothing(failing: tuple[World, StatusPage, Monitor]) -> None:
    world, page, monitor = failing
    save_status_page(StatusPage(team=default_team()), {"slug": "calm", "title": "Calm"})
    assert pages_with_rules() == [page]
    world.see(monitor, "pass", "pass", "pass")
    with CaptureQueriesContext(connection) as asked:
        assert pages_with_rules() == []
    assert len(asked) == 1


def test_of_two_processes_one_makes_the_public_incident(failing: tuple[World, StatusPage, Monitor]) -> None:
    _, page, _ = failing
    at_once(lambda: apply_rules(page, later()))
    assert PublicIncident.objects.count() == AutomaticPublication.objects.count() == 1


def test_a_process_that_dies_between_the_incident_and_its_mark_leaves_neither(
    failing: tuple[World, StatusPage, Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, page, _ = failing
    for place, step in ((updates, "publish_update"), (automation.AutomaticPublication.objects, "update_or_create")):
        with monkeypatch.context() as patched:
            plant(patched, place, step)
            with pytest.raises(Fault):
                apply_rules(page, later())
        assert not PublicIncident.objects.exists() and not AutomaticPublication.objects.exists()
    assert apply_rules(page, later()) == 1


def test_a_person_who_writes_takes_it_over_and_what_was_deleted_stays_so(
    failing: tuple[World, StatusPage, Monitor],
) -> None:
    _, page, _ = failing
    apply_rules(page, later())
    row = PublicIncident.objects.get()
    add_update(row, {"state": "identified", "text": "A disk is full.", "is_draft": True})
    assert PublicIncident.objects.get().is_automatic
    add_update(row, {"state": "identified", "text": "A disk is full."})
    assert not PublicIncident.objects.get().is_automatic
    delete_public_incident(row)
    assert apply_rules(page, later()) == 0 and not PublicIncident.objects.exists()


def test_nothing_is_said_of_what_fails_in_maintenance(failing: tuple[World, StatusPage, Monitor]) -> None:
    _, page, monitor = failing
    row = planned(page, starts_at=database_now())
    add_update(row, {"state": "in_progress", "text": "We begin."})
    assert apply_rules(page, later()) == 0
    delete_public_incident(row)
    now = database_now()
    silenced = {"name": "work", "excludes": True, "starts_at": now, "ends_at": now + HOUR}
    create_silence(Silence(team=default_team()), silenced, [monitor])
    assert apply_rules(page, later()) == 0


def test_the_publisher_does_what_is_due(
    failing: tuple[World, StatusPage, Monitor], pages: PublishedPages, making: PagePublisher
) -> None:
    Incident.objects.update(started_at=database_now() - HOUR)
    making.turn()
    assert "We are looking into it." in everything(shown(pages))


def test_what_fails_alone_holds_up_nothing_else(
    failing: tuple[World, StatusPage, Monitor], pages: PublishedPages, making: PagePublisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    Incident.objects.update(started_at=database_now() - HOUR)
    plant(monkeypatch, due, "apply_rules")
    making.turn()
    assert pages.find("acme") is not None
