"""Offers kept of the last results: the newest once, of one region, with one notice of what changed; and who is best."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.test import Client

from probes import keys, wire
from probes.ai.offers.offer import Offer, facts_of
from probes.reasons import Reason, Status
from probes.wire import Phases, Result
from tests.vigil.api.caller import Api
from tests.vigil.incidents.world import World
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.teams import default_team
from vigil.alerts.delivery.alert_rows import alerts_of
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.notice_outbox import enqueue_notices
from vigil.alerts.outbox import enqueue
from vigil.clock import database_now
from vigil.metrics.offers import OfferCollector
from vigil.monitors.changes import create_monitor, update_monitor
from vigil.monitors.models import Monitor, Region
from vigil.notices.models import StoredNotice
from vigil.offers.alternatives import alternatives_of
from vigil.offers.models import MonitorOffers
from vigil.offers.watch import A_DAY_MOST, AHEAD, OfferWatch, keep

pytestmark = pytest.mark.django_db
ENDPOINTS = "https://openrouter.ai/api/v1/models/vendor/gpt-x/endpoints"
A = Offer("openai", "OpenAI", "0", 99.0, 99.0, None, [400, 1, 1, 1], [40, 1, 1, 1], "0.1", "0.4", "fp8", 8_192)
B = Offer("azure", "Azure", "0", 99.5, 99.5, None, [500, 1, 1, 1], [30, 1, 1, 1], "0.2", "0.8", "fp8", 8_192)
DEARER = Offer("openai", "OpenAI", "0", 99.0, 99.0, None, [400, 1, 1, 1], [40, 1, 1, 1], "0.3", "0.4", "fp8", 8_192)


@pytest.fixture
def now() -> datetime:
    return database_now()


@pytest.fixture
def gateway() -> Monitor:
    return create_monitor(
        default_team(),
        {
            "name": "openrouter",
            "kind": "http",
            "config": {"url": ENDPOINTS, "provider": "openrouter"},
            "interval_s": 300,
        },
    )


def result(monitor: Monitor, at: datetime, *offers: Offer, status: Status = Status.UP) -> Result:
    at_ms = int(at.timestamp() * 1000)
    return Result(
        1, monitor.public_id, at_ms, status, Reason.OK, at_ms, Phases(), facts=facts_of(offers),
        revision=monitor.revision,
    )  # fmt: skip


def read(monitor: Monitor, at: datetime, *offers: Offer, region: str = "eu") -> bool:
    return keep(monitor, {region: result(monitor, at, *offers)}, database_now(), enqueue_notices)


def kept() -> MonitorOffers:
    return MonitorOffers.objects.get()


def test_a_change_that_is_read_twice_is_one_notice_with_before_and_after(gateway: Monitor, now: datetime) -> None:
    Channel.objects.create(team=default_team(), name="hook", kind="webhook", config={"url": "https://x.test/"})
    start = now - timedelta(hours=1)
    assert read(gateway, start, A) and not read(gateway, start, A)
    assert read(gateway, start + timedelta(minutes=5), DEARER, B) and not StoredNotice.objects.exists()
    assert read(gateway, start + timedelta(minutes=10), DEARER, B)
    told = StoredNotice.objects.get()
    assert (told.kind, told.monitor, told.title) == ("offers_changed", gateway, "vendor/gpt-x: 2 changes of its offers")
    assert "OpenAI: $0.10 in" in told.before and "Azure: not offered" in told.before
    assert "OpenAI: $0.30 in" in told.after and "Azure: $0.20 in" in told.after
    assert Delivery.objects.count() == 1
    read(gateway, start + timedelta(minutes=15), DEARER, B)
    assert StoredNotice.objects.count() == 1 and len(kept().series) == 1
    read(gateway, start + timedelta(minutes=40), DEARER, B)
    assert len(kept().series) == 2


def test_a_gateway_that_changes_all_the_time_is_told_ten_times_a_day(gateway: Monitor, now: datetime) -> None:
    start = now - timedelta(hours=20)
    for number in range(60):
        price = Offer("openai", "OpenAI", price_in=str(number // 2 + 1))
        read(gateway, start + number * timedelta(minutes=5), price)
    assert StoredNotice.objects.count() == A_DAY_MOST
    assert kept().told != kept().last


def test_a_region_with_a_clock_ahead_or_a_price_of_its_own_misleads_nobody(gateway: Monitor, now: datetime) -> None:
    start = now - timedelta(hours=1)
    keep(gateway, {"eu": result(gateway, start, A)}, start, enqueue_notices)
    for minutes in range(5, 40, 5):
        later = start + timedelta(minutes=minutes)
        told = {
            "eu": result(gateway, later, A),
            "us": result(gateway, later, A),
            "ap": result(gateway, later + AHEAD, DEARER),
        }
        assert keep(gateway, told, later, enqueue_notices)
    assert not StoredNotice.objects.exists() and kept().read_at <= now


def test_one_region_is_followed_until_it_is_silent(gateway: Monitor, now: datetime) -> None:
    start = now - timedelta(hours=2)
    both = {"eu": result(gateway, start, A), "us": result(gateway, start - timedelta(seconds=9), A, B)}
    keep(gateway, both, database_now(), enqueue_notices)
    for minutes in (5, 10, 15):
        later = start + timedelta(minutes=minutes)
        both = {"eu": result(gateway, later, A), "us": result(gateway, later + timedelta(seconds=30), A, B)}
        keep(gateway, both, database_now(), enqueue_notices)
    assert (kept().region, len(kept().offers)) == ("eu", 1) and not StoredNotice.objects.exists()
    later = start + timedelta(minutes=40)
    keep(gateway, {**both, "us": result(gateway, later, A, B)}, database_now(), enqueue_notices)
    assert (kept().region, len(kept().offers)) == ("us", 2)


def test_another_address_begins_anew_and_what_is_no_offer_is_left_out(gateway: Monitor, now: datetime) -> None:
    read(gateway, now - timedelta(minutes=30), A)
    assert not keep(gateway, {"eu": result(gateway, now, A, status=Status.UNKNOWN)}, database_now(), enqueue_notices)
    update_monitor(gateway, {"config": {"url": ENDPOINTS.replace("gpt-x", "gpt-y"), "provider": "openrouter"}})
    moved = Monitor.objects.get(pk=gateway.pk)
    assert not keep(moved, {"eu": result(gateway, now, A)}, database_now(), enqueue_notices)
    for minutes in (20, 10):
        assert read(moved, now - timedelta(minutes=minutes), B)
    assert (kept().model, kept().offers) == ("vendor/gpt-y", [B]) and not StoredNotice.objects.exists()


def test_the_watch_takes_offers_out_of_the_last_results(gateway: Monitor, now: datetime, redis_url: str) -> None:
    region = Region.objects.create(slug="eu", domain="aws")
    gateway.regions.add(region)
    create_monitor(default_team(), {"name": "other", "kind": "http", "config": {"url": "https://openrouter.ai/"}})
    with redis.Redis.from_url(redis_url) as broker:
        broker.hset(keys.latest("eu"), gateway.public_id, wire.encode(result(gateway, now, A, B)))
    watch = OfferWatch()
    assert (watch.turn(enqueue_notices), watch.turn(enqueue_notices)) == (1, 0)
    assert kept().offers == [B, A]


def test_pages_the_api_and_metrics_show_offers_and_the_best(gateway: Monitor, now: datetime, client: Client) -> None:
    api = Api(default_team())
    empty = api("GET", f"monitors/{gateway.public_id}/offers")[1]
    assert (empty["offers"], empty["best"], empty["read_at"]) == ([], None, None)
    read(gateway, now, A, B)
    status, found = api("GET", f"monitors/{gateway.public_id}/offers?by=price")
    assert status == 200 and found["best"] == "openai" and found["model"] == "vendor/gpt-x"
    assert found["offers"][0]["first_token_ms"] == {"p50": 400.0, "p75": 1.0, "p90": 1.0, "p99": 1.0}
    assert api("GET", f"monitors/{gateway.public_id}/offers?by=luck")[0] == 400
    samples = {one.name: one.value for family in OfferCollector().collect() for one in family.samples
               if one.labels["provider"] == "azure"}  # fmt: skip
    assert samples["vigil_ai_offer_uptime_percent"] == 99.5

    client.force_login(ensure_first_admin())
    client.get("/more")
    page = client.get(f"/monitors/{gateway.public_id}").content.decode()
    assert "Who serves <bdi>vendor/gpt-x</bdi>" in page and "best now" in page and "$0.10 / $0.40" in page


def test_a_gateway_that_fails_itself_is_no_alternative(gateway: Monitor, now: datetime) -> None:
    read(gateway, now, A, B)
    config = {"url": "https://api.openai.com/v1/models", "provider": "openai", "model": "gpt-x"}
    chat = Monitor.objects.create(team=default_team(), name="chat", kind="http", config=config, interval_s=60)
    assert "at OpenRouter" in alternatives_of([chat.public_id])[chat.public_id]
    world = World()
    world.see(gateway, "fail", enqueue=enqueue)
    assert alternatives_of([chat.public_id]) == {}


def test_offers_that_are_old_have_no_best_one(gateway: Monitor, now: datetime, client: Client) -> None:
    read(gateway, now - timedelta(hours=2), A, B)
    assert Api(default_team())("GET", f"monitors/{gateway.public_id}/offers")[1]["best"] is None
    client.force_login(ensure_first_admin())
    assert "read too long ago" in client.get(f"/monitors/{gateway.public_id}").content.decode()


@pytest.mark.parametrize(("model", "age", "said"), [("gpt-x", 1, True), ("gpt-z", 1, False), ("gpt-x", 60, False)])
def test_the_alert_of_a_failing_model_names_the_best_alternative(
    gateway: Monitor, now: datetime, model: str, age: int, said: bool
) -> None:
    read(gateway, now - timedelta(minutes=age), A, B)
    Channel.objects.create(team=default_team(), name="hook", kind="webhook", config={"url": "https://x.test/"})
    listed: dict[str, Any] = {"type": "jsonpath", "path": "$.data[*].id", "contains": model, "reason": "model_missing"}
    world = World()
    failing = world.monitor("chat", config={"url": "https://api.openai.com/v1/models", "assertions": [listed]})
    world.see(failing, "fail", enqueue=enqueue)
    [[alert]] = alerts_of([Delivery.objects.get().pk]).values()
    named = [line for line in alert.context if line.startswith("Best alternative now, at OpenRouter: Azure: $0.20 in")]
    assert bool(named) is said


def test_the_alert_of_a_provider_names_it_for_a_member(gateway: Monitor, now: datetime) -> None:
    read(gateway, now - timedelta(minutes=1), A, B)
    Channel.objects.create(team=default_team(), name="hook", kind="webhook", config={"url": "https://x.test/"})
    world = World()
    for name in ("gpt-z", "gpt-x"):
        listed = {"type": "jsonpath", "path": "$.data[*].id", "contains": name, "reason": "model_missing"}
        config = {"url": "https://api.openai.com/v1/models", "assertions": [listed]}
        world.see(world.monitor(name, config=config), "fail", enqueue=enqueue)
    joint = Delivery.objects.get(incident__monitor=None)
    [[alert]] = alerts_of([joint.pk]).values()
    assert "Azure: $0.20 in" in alert.context[-1]


def test_a_time_of_the_future_hides_no_later_read(gateway: Monitor, now: datetime) -> None:
    assert not read(gateway, now + timedelta(days=300), A)
    far = Result(1, gateway.public_id, 2**62, Status.UP, Reason.OK, 2**62, Phases(), facts=facts_of([A]))
    assert not keep(gateway, {"eu": far}, now, enqueue_notices)
    assert read(gateway, now, B) and kept().offers == [B]
