"""Drift tells field by field what was changed by hand since a document was applied, and which lines would say it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from pytest_django import DjangoAssertNumQueries

from tests.vigil.code.applying import applied, changes, planned
from tests.vigil.code.core.test_document import BASE
from vigil.accounts.sealed import Secrets
from vigil.accounts.teams import default_team
from vigil.code.drift import Drift, drift_of
from vigil.code.models import ManagedObject
from vigil.monitors.changes import update_monitor
from vigil.monitors.dependencies import set_parents
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _applied() -> None:
    Region.objects.create(slug="eu", domain="a")
    applied(BASE)


def owner(key: str) -> ManagedObject:
    return ManagedObject.objects.get(key=key, section__in=["monitors", "heartbeats", "composites"])


def row(name: str) -> Monitor:
    return Monitor.objects.get(name=name)


def drifted(key: str) -> Drift:
    found = drift_of(owner(key))
    assert found is not None
    return found


def told(key: str) -> dict[str, tuple[str, str]]:
    return {one.name: (one.applied, one.now) for one in drifted(key).fields}


def test_nothing_differs_just_after_an_application_and_after_one_that_changed_nothing() -> None:
    applied(BASE)
    keys = [found.key for found in ManagedObject.objects.filter(section__in=["monitors", "heartbeats", "composites"])]
    assert len(keys) == 5
    assert [drift_of(owner(key)) for key in keys] == [None] * 5


def test_each_field_that_was_changed_by_hand_is_told_with_both_values() -> None:
    api = row("api")
    config = {**api.config, "url": "https://api.example/ready"}
    update_monitor(api, {"interval_s": 60, "config": config, "tags": ["prod", "hot"]})
    assert told("api") == {
        "interval": ("2m", "1m (usual)"),
        "tags": ("prod, chat", "prod, hot"),
        "http.url": ("https://api.example/health", "https://api.example/ready"),
    }
    # Other objects are as they were.
    assert drift_of(owner("db")) is None


def test_what_the_document_leaves_as_it_is_and_the_order_of_tags_are_no_drift() -> None:
    update_monitor(row("api"), {"paused": True, "tags": ["chat", "prod"], "regions": []})
    assert drift_of(owner("api")) is None
    assert "monitors.api" not in changes(planned(BASE))


def test_what_is_usual_again_says_so_and_relations_count() -> None:
    db = row("db")
    set_parents(db, [])
    assert told("db") == {"parents": ("api", "none (usual)")}
    assert "parents: []" in drifted("db").patch


def test_a_secret_that_was_changed_by_hand_is_named_and_never_shown() -> None:
    update_monitor(row("api"), {"secrets": {"bearer": "new-value"}})
    found = drifted("api")
    assert told("api") == {"secrets.bearer": ("${env:API_KEY}", "another value, set by hand")}
    assert "secrets.bearer was changed" in found.patch
    assert "new-value" not in f"{found}{owner('api').applied}" and "key-1" not in f"{owner('api').applied}"


def test_the_lines_of_the_patch_make_the_document_say_what_is_there() -> None:
    api = row("api")
    config = {**api.config, "url": "https://api.example/ready"}
    update_monitor(api, {"interval_s": 60, "tags": ["prod", "hot"], "config": config})
    document: dict[str, Any] = yaml.safe_load(BASE)
    # Tags of the group come to those of the object.
    document["groups"]["chat"]["tags"] = []
    document["monitors"]["api"] |= yaml.safe_load(drifted("api").patch)["monitors"]["api"]
    assert "monitors.api" in changes(planned(BASE))
    assert "monitors.api" not in changes(planned(json.dumps(document)))


def test_without_an_application_to_compare_with_nothing_is_claimed() -> None:
    ManagedObject.objects.update(applied={})
    update_monitor(row("api"), {"interval_s": 60})
    assert drift_of(owner("api")) is None
    ManagedObject.objects.filter(key="db").update(applied={"document": {}, "secrets": {}, "left": []})
    Monitor.objects.filter(name="db").update(deleted_at="2026-01-01T00:00Z", secrets=Secrets())
    assert drift_of(owner("db")) is None


def test_it_costs_three_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    update_monitor(row("api"), {"interval_s": 60})
    found = ManagedObject.objects.select_related("team").get(key="api")
    with django_assert_max_num_queries(3):
        assert drift_of(found) is not None
    assert default_team() == found.team
