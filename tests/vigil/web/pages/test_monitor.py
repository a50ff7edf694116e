"""A monitor's page: what it shows, what it costs, its days, results and replay, and what is done on it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.vigil.code.applying import applied
from tests.vigil.code.core.test_document import BASE
from tests.vigil.web.pages.test_overview import person, watched
from vigil.accounts.models import Role, Team
from vigil.accounts.teams import default_team
from vigil.bench.pages.rows import write_scene
from vigil.bench.pages.sample_votes import REGIONS
from vigil.code.models import ManagedObject
from vigil.heartbeats.changes import update_heartbeat
from vigil.heartbeats.models import Heartbeat
from vigil.monitors.changes import delete_monitor, update_monitor
from vigil.monitors.composites import Member, create_composite
from vigil.monitors.models import Monitor
from vigil.web import assets
from vigil.web.parts.form_specimens import ARABIC

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


@pytest.fixture
def ann(client: Client) -> Client:
    client.force_login(person("ann", Role.MEMBER))
    # The first answer of a session writes it.
    client.get("/more")
    return client


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_the_page_costs_fourteen_queries_and_ninety_kilobytes(
    ann: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    here = f"/monitors/{write_scene(30).monitor}"
    with django_assert_max_num_queries(14):
        page = ann.get(here)
    text = page.content.decode()
    assert "4 of 4 regions" in text or "regions saw connection refused" in text
    assert "Reachability" in text and "Unknown" in text and "Last 90 days" in text
    used = ("vigil.css", "htmx.js", "vigil.js", "icons.svg", "chart.js", "chart.css")
    series = ann.get(f"{here}/latency.json?range=90d&region=eu-west")
    weight = sum(len(brotli.compress(body)) for body in (page.content, series.content))
    assert weight + sum(len(assets.bundle(name).brotlied) for name in used) <= 90_000
    with django_assert_max_num_queries(14):
        assert "Last results" in shown(ann, f"/live{here}")
    with django_assert_max_num_queries(14):
        assert 'id="told"' in shown(ann, f"{here}/told")


def test_latency_is_the_same_as_series_as_a_table_and_as_csv(
    ann: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    here = f"/monitors/{write_scene(30).monitor}"
    with django_assert_max_num_queries(14):
        found = ann.get(f"{here}/latency.json?region=eu-west&phases=1").json()
    assert len(found["t"]) == len(found["p95"]) == len(found["regions"]["eu-west"]) == len(found["of"]) <= 180
    point = next(at for at, value in enumerate(found["p95"]) if value)
    assert found["of"][point] == "5 of 5" and any(band["state"] == "down" for band in found["bands"])
    assert sum(found["phases"][name][point] for name in ("first byte", "transfer")) > 0
    lines = shown(ann, f"{here}/latency.csv").splitlines()
    assert lines[0] == "at,region,p50_ms,p95_ms,up,degraded,down,unknown"
    assert {line.split(",")[1] for line in lines[1:]} == {"all", *REGIONS}
    assert "5 of 5" in shown(ann, f"{here}/latency")
    strange = shown(ann, f"{here}?range=foo")
    assert "`range=foo` is not a range" in strange
    chosen = ann.get(f"{here}/latency.json?from=0001-01-01T00:00:00-12:00&to=x")
    assert chosen.status_code == 200


def test_each_day_opens_and_days_that_are_none_are_not_found(
    ann: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    here = f"/monitors/{write_scene(30).monitor}"
    today = timezone.now()
    with django_assert_max_num_queries(14):
        page = shown(ann, f"{here}/days/{today:%Y-%m-%d}")
    assert "is down" in page and "not over" in page and "up</h1>" in page
    before = today - timedelta(days=1)
    assert "Reachability" in shown(ann, f"{here}/days/{before:%Y-%m-%d}")
    assert shown(ann, f"{here}/days").count('scope="row"') == 90
    for day in ("2020-01-01", f"{today + timedelta(days=2):%Y-%m-%d}", "x", "0000-00-00"):
        assert ann.get(f"{here}/days/{day}").status_code == 404


def test_results_are_filtered_and_turned_over_without_reading_all(
    ann: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    here = f"/monitors/{write_scene(1).monitor}/results"
    with django_assert_max_num_queries(14):
        first = shown(ann, f"{here}?region=eu-west&status=up")
    assert first.count('<th scope="row">') == 50 and "Show older" in first
    older = first.split('class="more-rows"><a class="btn" href="')[1].split('"')[0].replace("&amp;", "&")
    second = shown(ann, f"{here}{older}")
    assert second.count('<th scope="row">') == 50 and "Show older" in second and older not in second
    assert "No result matches" in shown(ann, f"{here}?status=unknown&region=eu-west&after=1.1.1")
    assert ann.get(f"{here}?after=foo&at=99999999999&status=x&region=nowhere").status_code == 200


def test_a_replay_is_shown_before_its_sensitivity_is_saved_and_can_be_undone(ann: Client) -> None:
    shop = watched("shop")
    here = f"/monitors/{shop.public_id}"
    page = shown(ann, f"{here}/rehearsal?sensitivity=high")
    assert "No check is stored yet" in page and "Use high" in page and "Nothing is saved" in page
    answer = ann.post(f"{here}/sensitivity/high")
    assert Monitor.objects.get(pk=shop.pk).sensitivity == "high"
    assert f"{here}/sensitivity/normal" in shown(ann, answer["Location"])
    assert ann.post(f"{here}/sensitivity/loud").status_code == 404
    ManagedObject.objects.create(
        team=default_team(), project="p", section="monitors", key="shop", public_id=shop.public_id, file="vigil.yaml"
    )
    assert "Use low anyway" in shown(ann, f"{here}/rehearsal?sensitivity=low")
    assert "managed by code: <bdi>vigil.yaml \u203a shop</bdi>" in shown(ann, here)


def test_a_monitor_that_was_changed_by_hand_shows_its_drift_and_the_patch_to_copy(
    ann: Client, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    applied(BASE)
    api = Monitor.objects.get(name="api")
    here = f"/monitors/{api.public_id}"
    assert "Differs from" not in shown(ann, here)
    config = {**api.config, "url": "https://api.example/ready?api_key=hunter2hunter2"}
    update_monitor(api, {"interval_s": 60, "config": config})
    with django_assert_max_num_queries(16):
        page = shown(ann, here)
    assert "Differs from <bdi>vigil.yaml</bdi>" in page and "Copy the patch" in page
    assert "<del><bdi>2m</bdi></del>" in page and "<ins><bdi>1m (usual)</bdi></ins>" in page
    # The lines stand there as text, so that they can be picked without a script.
    assert "monitors:\n  api:\n" in page and "    interval: 1m\n" in page
    client.force_login(person("vic", Role.VIEWER))
    read = shown(client, here)
    assert "http.url" in read and "hunter2" not in read and "Copy the patch" not in read


def test_a_job_that_was_changed_by_hand_shows_its_drift_too(ann: Client) -> None:
    applied(BASE)
    job = Heartbeat.objects.get(monitor__name="nightly")
    here = f"/heartbeats/{job.monitor.public_id}"
    assert "managed by code" in shown(ann, here) and "Differs from" not in shown(ann, here)
    update_heartbeat(job, {"grace_s": 60})
    assert "<del><bdi>20m</bdi></del>" in shown(ann, here)


def test_pausing_on_the_page_leads_back_to_it_with_its_undoing(ann: Client) -> None:
    shop = watched("shop")
    form = {"do": "pause", "id": shop.public_id, "press": secrets.token_hex(16), "back": shop.public_id}
    answer = ann.post("/do", form)
    page = shown(ann, answer["Location"])
    assert "shop paused." in page and "Resume" in page and answer["Location"].startswith("/monitors/")
    undo = page.split('action="/done/')[1].split('"')[0]
    assert ann.post(f"/done/{undo}")["Location"] == f"/monitors/{shop.public_id}"
    assert not Monitor.objects.get(pk=shop.pk).paused
    assert ann.post("/do", form | {"back": "//evil.test", "press": secrets.token_hex(16)})["Location"].startswith("/?")


def test_a_look_is_begun_and_shows_what_each_region_does(ann: Client) -> None:
    shop = watched("shop")
    answer = ann.post(f"/monitors/{shop.public_id}/look")
    assert answer.status_code == 302 and "?look=" in answer["Location"]
    page = shown(ann, answer["Location"].split("#")[0])
    # No worker reports from the region, so it is not asked.
    assert "Looked now" in page and "Not asked" in page
    assert "no longer kept" in shown(ann, f"/monitors/{shop.public_id}/looks/trial_x")


def test_a_viewer_reads_without_credentials_and_is_refused_every_write(client: Client) -> None:
    client.force_login(person("vic", Role.VIEWER))
    shop = watched("shop", config={"url": "https://shop.test/sk-abcdefgh12345678/"})
    here = f"/monitors/{shop.public_id}"
    page = shown(client, here)
    assert "sk-abcdefgh" not in page and "Look now" not in page and 'name="do"' not in page and "/edit" not in page
    for address in (f"{here}/look", f"{here}/sensitivity/high"):
        assert client.post(address).status_code == 403
    assert "Use high" not in shown(client, f"{here}/rehearsal?sensitivity=high")


def test_another_teams_and_a_deleted_monitor_are_not_found(ann: Client) -> None:
    other = Team.objects.create(name="Other", slug="other")
    gone = watched("gone")
    delete_monitor(gone)
    for monitor in (watched("foreign", other), gone):
        here = f"/monitors/{monitor.public_id}"
        today = f"{timezone.now():%Y-%m-%d}"
        for part in ("", "/latency", "/latency.json", "/latency.csv", "/days", f"/days/{today}", "/results",
                     "/rehearsal", "/told", "/looks/trial_x"):  # fmt: skip
            assert ann.get(here + part).status_code == 404, part
        assert ann.get(f"/live{here}").status_code == 404
        for part in ("/look", "/sensitivity/high"):
            assert ann.post(here + part).status_code == 404


def test_pages_of_a_new_a_paused_and_a_combined_monitor_say_what_they_are(ann: Client) -> None:
    config = {"url": "https://shop.test/", "assertions": [{"type": "latency", "degraded_ms": 2000}]}
    new, paused = watched(ARABIC, config=config), watched("b" * 200, config=config, paused=True)
    wanted: dict[str, Any] = {"name": "whole", "rule": "chain", "members": [Member(new), Member(paused, rank=1)]}
    whole = create_composite(default_team(), wanted).monitor
    assert "No region is connected" in shown(ann, f"/monitors/{new.public_id}")
    assert "Nothing is checked." in shown(ann, f"/monitors/{paused.public_id}")
    page = shown(ann, f"/monitors/{whole.public_id}")
    assert "fallback 1" in page and "serves" in page and "The first serves" in page and "data-chart" not in page
