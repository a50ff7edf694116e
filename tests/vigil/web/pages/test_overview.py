"""The overview: what it shows, what it costs, what is done on it, and how it stays live."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, Team, User
from vigil.accounts.teams import default_team
from vigil.bench.pages.rows import write_scene
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region
from vigil.silences.models import Silence
from vigil.web import assets
from vigil.web.models import BulkAction
from vigil.web.pages.live import poll_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]
JSON = {"Accept": "application/json"}


@pytest.fixture
def ann(client: Client) -> Client:
    client.force_login(person("ann", Role.MEMBER))
    return client


def person(name: str, role: Role, team: Team | None = None) -> User:
    user = User.objects.create_user(name)
    Membership.objects.create(user=user, team=team or default_team(), role=role)
    return user


def watched(name: str, team: Team | None = None, **more: Any) -> Monitor:
    region, _ = Region.objects.get_or_create(slug="eu", defaults={"domain": "a"})
    wanted = {"name": name, "kind": "http", "config": {"url": f"https://{name}.test/"}, "regions": [region], **more}
    return create_monitor(team or default_team(), wanted)


def sent(do: str, *monitors: Monitor, **more: str) -> dict[str, Any]:
    return {"do": do, "id": [one.public_id for one in monitors], "press": secrets.token_hex(16), **more}


def test_two_thousand_monitors_cost_twelve_queries_and_sixty_kilobytes(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(ensure_first_admin())
    write_scene(2_000)
    # The first visit writes the session.
    client.get("/more")
    with django_assert_max_num_queries(12):
        page = client.get("/")
    text = page.content.decode()
    assert text.count("data-row") <= 200 and "Show more" in text and "of 2,000 need attention" in text
    # Trouble stands before the groups, with its why-line and its word.
    assert text.index('class="why"') < text.index("data-groups")
    used = ("vigil.css", "htmx.js", "vigil.js", "icons.svg")
    weight = len(brotli.compress(page.content)) + sum(len(assets.bundle(name).brotlied) for name in used)
    assert weight <= 60_000
    with django_assert_max_num_queries(12):
        found = client.get("/?q=chat&sort=name&state=up").content.decode()
    assert "words: chat" in found and "state: up" in found


def test_an_empty_overview_says_so_and_a_search_without_a_match_offers_the_way_back(ann: Client) -> None:
    assert "Nothing is watched yet" in ann.get("/").content.decode()
    watched("shop")
    page = ann.get("/?q=nowhere&sort=foo").content.decode()
    assert "None of 1 monitors matches" in page and "Clear all" in page
    assert "`sort=foo` is not an order; showing problems first." in page


def test_another_team_and_its_names_are_not_shown_nor_found_nor_changed(ann: Client) -> None:
    other = Team.objects.create(name="Other", slug="other")
    foreign = watched("secret-plan", other, tags=["hidden-tag"])
    watched("shop")
    assert "secret" not in ann.get("/").content.decode() and "hidden-tag" not in ann.get("/").content.decode()
    assert "secret" not in ann.get("/find?q=secret").content.decode()
    refused = ann.post("/do", sent("pause", foreign), headers=JSON)
    assert refused.status_code == 409 and not Monitor.objects.get(pk=foreign.pk).paused
    assert ann.get(f"/monitors/{foreign.public_id}").status_code == 404


def test_a_viewer_reads_but_sees_no_way_to_change_and_is_refused(client: Client) -> None:
    client.force_login(person("vic", Role.VIEWER))
    shop = watched("shop")
    page = client.get("/").content.decode()
    assert "shop" in page and 'id="acting"' not in page and 'type="checkbox" name="id"' not in page
    assert client.post("/do", sent("pause", shop), headers=JSON).status_code == 409
    assert client.post("/do", sent("pause", shop)).status_code == 403
    assert not Monitor.objects.get(pk=shop.pk).paused


def test_a_double_press_is_one_action_and_undo_restores_each_as_it_was(ann: Client) -> None:
    shop, blog = watched("shop"), watched("blog", paused=True)
    form = sent("pause", shop, blog)
    first, second = (ann.post("/do", form, headers=JSON).json() for _ in range(2))
    assert first == second and first["text"] == "shop paused."
    assert BulkAction.objects.count() == 1 and Monitor.objects.filter(paused=True).count() == 2
    assert "shop paused." in ann.get("/done").content.decode()
    assert ann.post(first["undo"], headers=JSON).json()["text"] == "Undone: shop paused."
    # The one that was paused before stays so, and a second undo changes nothing.
    assert list(Monitor.objects.filter(paused=True)) == [blog]
    assert ann.post(first["undo"]).status_code == 302
    assert list(Monitor.objects.filter(paused=True)) == [blog]


def test_picked_monitors_are_silenced_and_tagged_until_it_is_undone(ann: Client) -> None:
    shop, blog = watched("shop", tags=["prod"]), watched("blog")
    silent = ann.post("/do", sent("silence", shop, blog, minutes="60"), headers=JSON).json()
    assert silent["text"] == "2 silent for 1 h." and Silence.objects.get().monitors.count() == 2
    ann.post(silent["undo"], headers=JSON)
    assert not Silence.objects.filter(valid_until=None).exists()
    tagged = ann.post("/do", sent("tag", shop, blog, tag="prod"), headers=JSON).json()
    assert Monitor.objects.get(pk=blog.pk).tags == ["prod"]
    ann.post(tagged["undo"], headers=JSON)
    assert [Monitor.objects.get(pk=one.pk).tags for one in (shop, blog)] == [["prod"], []]
    refused = ann.post("/do", sent("tag", shop, tag="x" * 51), headers=JSON)
    assert refused.status_code == 409 and refused.json()["text"] == "A tag has 1 to 50 characters."


def test_without_a_script_an_action_comes_back_with_its_undoing(ann: Client) -> None:
    done = ann.post("/do", sent("pause", watched("shop")))
    page = ann.get(done["Location"]).content.decode()
    assert "shop paused." in page and f'action="/done/{BulkAction.objects.get().public_id}/undo"' in page


@pytest.mark.parametrize("bad", [{"press": "x"}, {"do": "delete"}, {"id": []}, {"do": "silence", "minutes": "7"}])
def test_a_form_that_was_not_made_here_changes_nothing(ann: Client, bad: dict[str, Any]) -> None:
    shop = watched("shop")
    assert ann.post("/do", {**sent("pause", shop), **bad}, headers=JSON).status_code == 409
    assert not Monitor.objects.get(pk=shop.pk).paused and not BulkAction.objects.exists()


def test_an_unchanged_poll_is_a_304_without_a_query_and_a_change_brings_the_parts(
    ann: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shop = watched("shop")
    version = ann.get(f"/live?k={poll_key(default_team())}")["X-Live-Version"]
    asked = f"/live?k={poll_key(default_team())}&v={version}"
    with django_assert_num_queries(0):
        same = ann.get(asked)
    assert same.status_code == 304 and not same.content
    assert len(b"".join(f"{name}: {value}\r\n".encode() for name, value in same.items())) < 300
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with CaptureQueriesContext(connection) as asking:
        changed = ann.get(asked.replace(version, f"{version}x"))
    parts = changed.content.decode()
    assert (
        len(asking) <= 12
        and f'id="m-{shop.public_id}"' in parts
        and 'id="counts"' in parts
        and '<nav class="nav"' not in parts
    )


def test_a_poll_with_a_key_that_is_not_ours_signs_in_first(client: Client) -> None:
    forged = signing.TimestampSigner(salt="another").sign(str(default_team().pk))
    assert client.get(f"/live?k={forged}&v=x").status_code == 302
    assert client.get(f"/live?k={poll_key(default_team())}&v=x").status_code == 302


def test_a_saved_view_is_a_name_for_a_query_and_a_person_has_their_own(ann: Client, client: Client) -> None:
    watched("shop", tags=["prod"])
    saved = ann.post("/views", {"name": "Production", "query": "tag=prod"})
    assert saved["Location"] == "/?tag=prod"
    page = ann.get("/?tag=prod").content.decode()
    assert '<a href="/?tag=prod" aria-current="page"><bdi>Production</bdi></a>' in page
    bob = Client()
    bob.force_login(person("bob", Role.MEMBER))
    assert "Production" not in bob.get("/").content.decode()
    ann.post("/views", {"name": "Production", "do": "delete"})
    assert "Production" not in ann.get("/").content.decode()


def test_a_saved_view_says_how_many_in_it_need_attention_within_the_queries_of_the_page(
    ann: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    write_scene(600)
    views = {
        "Everything": "sort=name", "Prod": "tag=prod&tag=eu", "Calm": "q=nothing-is-called-so",
        "Down": "state=down&kind=http&region=eu-west&provider=&q=chat", "Failed": "failed=24h",
    }  # fmt: skip
    for name, query in views.items():
        ann.post("/views", {"name": name, "query": query})
    with django_assert_max_num_queries(12):
        page = ann.get("/").content.decode()
    tabs = page.split('id="views"')[1].split("</nav>")[0]
    told = dict(re.findall(r"<bdi>(\w+)</bdi>(?: <b class=.in-trouble.>(\d+))?", tabs))
    for name, query in views.items():
        assert int(told[name] or 0) == ann.get(f"/?{query}").content.decode().count('<li class="trouble')
    assert told["Calm"] == "" and int(told["Everything"]) > int(told["Down"]) > 0
    # A poll brings the tabs too, so that the counts stay live.
    poll = f"/live?k={poll_key(default_team())}&v=old"
    with django_assert_max_num_queries(12):
        assert 'id="views"' in ann.get(poll).content.decode()


def test_the_palette_finds_monitors_places_and_actions_that_name_their_object(ann: Client) -> None:
    shop = watched("shop")
    groups = {group["name"]: group["items"] for group in ann.get("/find?q=sho").json()["groups"]}
    assert groups["Monitors"][0]["address"] == f"/monitors/{shop.public_id}"
    pause = next(item for item in groups["Actions"] if item["name"] == "Pause shop")
    assert pause["post"] == {"do": "pause", "id": shop.public_id}
    assert any(item["name"] == "Overview" for item in ann.get("/find?q=").json()["groups"][3]["items"])


def test_names_are_shown_as_text_whatever_they_hold(ann: Client) -> None:
    watched("<img src=x onerror=alert(1)>", config={"url": "https://x.test/"}, tags=['"><script>'])
    page = ann.get("/?q=%22%3E%3Cscript%3E").content.decode() + ann.get("/").content.decode()
    assert "<img src=x" not in page and '"><script>' not in page
    assert "<img" in json.loads(ann.get("/find?q=img").content)["groups"][0]["items"][0]["name"]
