"""Behaviours of the pages that no other test holds: counts that are links, the advisory, uptime beside reachability."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from tests.vigil.incidents.world import World
from tests.vigil.read_models.test_overview import look
from tests.vigil.web.pages.monitor_forms.test_monitor_forms import sent_of
from tests.vigil.web.pages.test_overview import person
from vigil.accounts.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client: Client) -> Client:
    client.force_login(person("ann", Role.MEMBER))
    client.get("/more")
    return client


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_every_count_leads_to_exactly_what_it_counts(ann: Client, redis_url: str) -> None:
    look(World())
    page = shown(ann, "/")
    counts = page.split('id="counts"')[1].split("</nav>")[0]
    links = re.findall(r'<a href="([^"]+)".*?<b>(\d+)</b>', counts)
    groups = re.findall(r'<a class="small" href="([^"]+)">(\d+) monitors?</a>', page)
    assert len(links) >= 5 and groups
    for address, number in links:
        assert shown(ann, "/" + unescape(address)).count(" data-row ") == int(number), address
    by_tag = re.findall(r'<a class="small" href="([^"]*tag=[^"]+)">(\d+) monitors?</a>', shown(ann, "/?group=tag"))
    assert by_tag
    for address, number in by_tag:
        assert shown(ann, "/" + unescape(address)).count(" data-row ") == int(number), address


def test_a_region_that_disagrees_is_an_advisory_with_what_it_would_take_and_what_to_do(
    ann: Client, redis_url: str
) -> None:
    world = World()
    regional = look(world)["regional"]
    page = shown(ann, f"/monitors/{regional.public_id}")
    advisory = page.split("advisory")[1].split("</section>")[0]
    region = world.regions[0].slug
    assert "1 of 5 regions disagrees" in advisory and "2 more votes would confirm" in advisory
    assert ">Look now<" in advisory and "Change the rule" in advisory and f'href="/regions/{region}"' in advisory
    # It is not the page of an outage.
    assert "Nothing is paged by this" in advisory


def test_the_region_of_an_advisory_is_silenced_from_it_and_the_advisory_says_so(ann: Client, redis_url: str) -> None:
    world = World()
    address, region = f"/monitors/{look(world)['regional'].public_id}", world.regions[0].slug
    link = re.search(r'href="(/on-call/silences[^"]+)">Silence', shown(ann, address))
    assert link is not None
    page = shown(ann, unescape(link[1]).partition("#")[0])
    form = sent_of('id="edit"' + page.partition("/on-call/silences/make")[2])
    assert (form["region"], form["name"]) == ([region], [f"{region} alone sees it"])
    assert ann.post("/on-call/silences/make", form).status_code == 302
    advisory = shown(ann, address).split("advisory")[1].split("</section>")[0]
    assert "Its alerts are held until" in advisory and f"{region} alone sees it" in advisory


def test_uptime_and_reachability_stand_side_by_side_with_unknown_time_and_their_bounds(
    ann: Client, redis_url: str
) -> None:
    well = look(World())["well"]
    page = shown(ann, f"/monitors/{well.public_id}")
    figures = page.split('id="monitor-sums"')[1].split("</section>")[0]
    labels = re.findall(r"<dt>([^<]+)</dt>", figures)
    assert labels[:3] == ["Uptime, 30 d", "Reachability", "Unknown"]
    bounds = re.findall(r"<time[^>]*>(\d+ \w{3} \d\d:\d\d)</time>", figures)
    assert len(bounds) == 2 and "UTC" in figures
