"""Monitors are written through one path: checked, in one transaction, with a new revision each time."""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from vigil.accounts.teams import default_team
from vigil.monitors.changes import (
    create_monitor,
    delete_monitor,
    layout_warnings,
    monitor_warnings,
    set_paused,
    update_monitor,
)
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"name": "m", "kind": "http", "config": {"url": "https://example.com/health"}}


def region(slug: str, domain: str = "d") -> Region:
    return Region.objects.create(slug=slug, domain=domain)


def test_a_monitor_starts_at_revision_1_with_its_regions() -> None:
    monitor = create_monitor(default_team(), {**HTTP, "regions": [region("eu"), region("us")]})
    assert monitor.revision == 1
    assert monitor.public_id.startswith("mon_")
    assert [one.slug for one in monitor.regions.all()] == ["eu", "us"]


def test_without_a_choice_every_enabled_region_checks_a_monitor_and_an_empty_choice_means_none() -> None:
    region("eu"), region("us")
    Region.objects.create(slug="old", domain="d", enabled=False)
    monitor = create_monitor(default_team(), HTTP)
    assert [one.slug for one in monitor.regions.all()] == ["eu", "us"]
    assert list(create_monitor(default_team(), {**HTTP, "name": "n", "regions": []}).regions.all()) == []


def test_a_heartbeat_is_not_warned_about_regions() -> None:
    monitor = Monitor.objects.create(team=default_team(), name="job", kind="heartbeat")
    assert monitor_warnings(monitor) == []


def test_each_change_raises_the_revision_by_one() -> None:
    monitor = create_monitor(default_team(), HTTP)
    assert update_monitor(monitor, {"interval_s": 30}).revision == 2
    assert update_monitor(monitor, {"regions": [region("eu")]}).revision == 3
    assert set_paused(monitor, True).revision == 4
    assert update_monitor(monitor, {"secrets": {"bearer": "x"}}).revision == 5


def test_a_change_that_changes_nothing_is_none() -> None:
    monitor = create_monitor(default_team(), {**HTTP, "secrets": {"bearer": "x"}})
    assert update_monitor(monitor, {"interval_s": 60, "secrets": {"bearer": "x"}, "regions": []}).revision == 1


def test_a_deleted_monitor_keeps_its_row_without_secrets_and_frees_its_name() -> None:
    monitor = create_monitor(default_team(), {**HTTP, "secrets": {"bearer": "x"}})
    delete_monitor(monitor)
    monitor.refresh_from_db()
    assert monitor.deleted_at is not None and monitor.revision == 2
    assert not monitor.secrets
    create_monitor(default_team(), HTTP)
    with pytest.raises(Monitor.DoesNotExist):
        update_monitor(monitor, {"interval_s": 30})


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"interval_s": 4}, "interval_s"),
        ({"interval_s": 86_401}, "interval_s"),
        ({"timeout_ms": 99}, "timeout_ms"),
        ({"timeout_ms": 60_001}, "timeout_ms"),
        ({"interval_s": 5, "timeout_ms": 5_001}, "timeout_ms"),
        ({"name": ""}, "name"),
        ({"kind": "carrier-pigeon"}, "kind"),
        ({"config": {}}, "config"),
        ({"config": {"url": "file:///etc/passwd"}}, "config"),
        ({"config": {"url": "http://0x7f.1/"}}, "config"),
        ({"config": {"url": "https://u:p@example.com/"}}, "config"),
        ({"config": {"url": "https://example.com/", "headers": [["a", "b\r\nc: d"]]}}, "config"),
        ({"config": ["no"]}, "config"),
        ({"sensitivity": "extreme"}, "sensitivity"),
        ({"tags": [f"t{number}" for number in range(21)]}, "tags"),
        ({"tags": "x"}, "tags"),
        ({"secrets": {"bearer": ""}}, "secrets"),
        ({"secrets": {"bearer": 7}}, "secrets"),
        ({"secrets": {"unheard-of": "x"}}, "secrets"),
        ({"revision": 7}, "revision"),
    ],
)
def test_what_could_not_be_watched_is_refused_by_field(wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        create_monitor(default_team(), {**HTTP, **wanted})
    assert field in refused.value.message_dict
    assert not Monitor.objects.exists()


def test_a_refused_change_changes_nothing() -> None:
    monitor = create_monitor(default_team(), HTTP)
    with pytest.raises(ValidationError):
        update_monitor(monitor, {"name": "other", "timeout_ms": 1})
    monitor.refresh_from_db()
    assert (monitor.name, monitor.revision) == ("m", 1)


def test_two_monitors_of_a_team_have_two_names() -> None:
    create_monitor(default_team(), HTTP)
    with pytest.raises(ValidationError, match="already there"):
        create_monitor(default_team(), HTTP)


@pytest.mark.parametrize("slug", ["", "EU", "eu_west", "-eu", "e" * 41, "eu\n", "é"])
def test_a_bad_region_name_does_not_reach_the_database(slug: str) -> None:
    with pytest.raises(ValidationError):
        Region(slug=slug, domain="d").full_clean()
    if len(slug) <= 40 and slug != "eu\n":
        with pytest.raises(IntegrityError), transaction.atomic():
            Region.objects.create(slug=slug, domain="d")


@pytest.mark.parametrize(
    ("domains", "says"),
    [
        ([], "is not being checked"),
        (["a"], "no other confirms"),
        (["a", "b"], "needs a failure in both"),
        (["a", "a", "a"], "All regions are in the domain a"),
        (["a", "a", "b"], "holds 2 of 3"),
    ],
)
def test_a_poor_layout_is_said(domains: list[str], says: str) -> None:
    regions = [Region(slug=f"r{number}", domain=domain) for number, domain in enumerate(domains)]
    assert says in " ".join(layout_warnings(regions))


def test_a_sound_layout_has_no_warnings() -> None:
    assert layout_warnings([Region(slug=f"r{n}", domain=f"d{n}") for n in range(3)]) == []


@pytest.mark.django_db(transaction=True)
def test_every_change_is_notified() -> None:
    name = connection.settings_dict["NAME"]
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(url, autocommit=True) as listening:
        listening.execute("LISTEN vigil_config")

        def heard() -> set[str]:
            return {note.payload for note in listening.notifies(timeout=0.5)}

        eu = region("eu")
        assert heard() == {"region:eu"}
        monitor = create_monitor(default_team(), {**HTTP, "regions": []})
        assert heard() == {monitor.public_id}
        monitor.regions.set([eu])
        assert heard() == {monitor.public_id}
        Monitor.objects.filter(pk=monitor.pk).update(paused=True)
        assert heard() == {monitor.public_id}
        monitor.delete()
        assert heard() == {monitor.public_id}
