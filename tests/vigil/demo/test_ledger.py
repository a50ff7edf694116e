"""What the demo shows beside its story is valid, and the fake provider answers each of it."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from vigil.demo.endpoints import PROVIDERS
from vigil.demo.exchange import ServedRequest
from vigil.demo.gateways.status_page import status_page
from vigil.demo.ledger import set_more_on_the_stage
from vigil.demo.metered.answers import metered_answer
from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.core.page import declared
from vigil.feeds.formats import parse
from vigil.monitors.models import Monitor, Region


@pytest.mark.django_db
def test_each_monitor_beside_the_story_asks_for_a_recorded_endpoint(redis_url: str) -> None:
    regions = [Region.objects.create(slug=slug, domain=slug).slug for slug in ("eu", "us")]
    set_more_on_the_stage("http://127.0.0.1:9", regions)
    checked = Monitor.objects.exclude(kind__in=("heartbeat", "composite", "canary"))
    for monitor in checked:
        _, provider, path = urlsplit(monitor.config["url"]).path.split("/", 2)
        told = PROVIDERS.get(provider)
        metered = metered_answer(ServedRequest("GET", f"/{provider}/{path}", "", {}), 0.0) is not None
        recorded = told is not None and (told.live is not None or ("GET", f"/{path}") in told.endpoints)
        assert metered or recorded, monitor.name
        assert monitor.regions.count() == 2
    canaries = Monitor.objects.filter(kind="canary")
    assert {urlsplit(one.config["url"]).path for one in canaries} == {"/openai/v1/chat/completions"}
    assert checked.count() == 15 and canaries.count() == 3
    assert Monitor.objects.count() == 20, "a job and a chain as well"


@pytest.mark.parametrize("is_well", [True, False])
def test_the_fake_status_page_is_read_as_a_feed(is_well: bool) -> None:
    form, page = parse(status_page(is_well).body, datetime.now(UTC))
    told = [post.title for post in declared(page, SOURCES["openai"].about)]
    assert (form, told) == ("statuspage", [] if is_well else ["Elevated errors", "API: outage"])
