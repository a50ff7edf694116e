"""A region that is added beside others votes once its signed, scheduled checks agree with what is believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from probes import keys, wire
from probes.process.redis_streams import redis_now_ms
from probes.reasons import Reason, Status
from probes.wire import Result
from tests import signed
from tests.streams import add
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.dispatch.catalogue import load_plans
from vigil.dispatch.core.shadow import AGREED_MOST
from vigil.dispatch.shadow_regions import AGE_MOST_MS, ShadowRegions
from vigil.enrolment.models import RegionShadow
from vigil.incidents.models import MonitorState
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
NEW, OLD = "eu-new", "us-old"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(configuration().redis_url.get_secret_value()) as client:
        signed.trust(client, NEW, OLD)
        yield client


@pytest.fixture
def monitor() -> Monitor:
    """A monitor that is up, watched from a region that votes and from one in shadow."""
    old = Region.objects.create(slug=OLD, domain="gcp", worker_since=database_now())
    new = Region.objects.create(slug=NEW, domain="aws", signing_key=signed.signing_key(NEW))
    RegionShadow.objects.create(region=new)
    monitor = watched("shop", old, new)
    MonitorState.objects.update_or_create(monitor=monitor, defaults={"status": "up"})
    return monitor


def watched(name: str, *regions: Region) -> Monitor:
    settings = {"name": name, "kind": "http", "config": {"url": f"https://{name}.test/"}, "regions": list(regions)}
    return create_monitor(default_team(), settings)


def test_a_canary_pays_for_no_answer_that_has_no_vote(monitor: Monitor) -> None:
    config = {
        "url": "http://gpu.test/v1/chat/completions", "form": "openai_chat", "model": "m", "monthly_budget": 1.0,
        "billing_acknowledged": True, "input_price": 1.0, "output_price": 1.0,
    }  # fmt: skip
    canary = create_monitor(
        default_team(),
        {"name": "c", "kind": "canary", "config": config, "interval_s": 60, "regions": list(monitor.regions.all())},
    )
    [plans] = list(load_plans([canary.public_id]))
    plan = plans[canary.public_id]
    assert ([one.slug for one in plan.regions], plan.interval_ms) == ([OLD], 60_000)


def shadows(monitor: Monitor) -> list[bool]:
    """Whether each region of a monitor is in shadow, as dispatch plans it."""
    [plans] = list(load_plans([monitor.public_id]))
    return [one.shadow for one in plans[monitor.public_id].regions]


def seen(monitor: Monitor, at_ms: int, round: str = "") -> Result:
    return Result(1, monitor.public_id, at_ms, Status.UP, Reason.OK, at_ms, wire.Phases(), round)


def met(client: redis.Redis) -> ShadowRegions:
    """What has met the new region, a moment ago on Redis' clock, by which it reads the stream."""
    found, begun_ms = ShadowRegions(), redis_now_ms(client)
    until(lambda: redis_now_ms(client) > begun_ms)
    found.judge()
    met_ms = redis_now_ms(client)
    until(lambda: redis_now_ms(client) > met_ms)
    return found


def agreed() -> int:
    return RegionShadow.objects.get().agreed


def test_a_region_that_is_added_beside_others_checks_in_shadow_until_it_agrees(
    client: redis.Redis, monitor: Monitor
) -> None:
    alone = watched("new", Region.objects.get(slug=NEW))
    assert shadows(monitor) == [True, False]
    assert shadows(alone) == [False], "no other region looks at this one"
    judge, at_ms = met(client), redis_now_ms(client)
    for slot in range(AGREED_MOST):
        assert RegionShadow.objects.get().voting_since is None
        signed.report(client, NEW, seen(monitor, at_ms + slot))
        judge.judge()
    assert RegionShadow.objects.get().voting_since is not None
    assert shadows(monitor) == [False, False]


def test_only_scheduled_checks_of_now_that_the_region_signed_count(client: redis.Redis, monitor: Monitor) -> None:
    now_ms = redis_now_ms(client)
    three = [seen(monitor, now_ms + slot) for slot in range(AGREED_MOST)]
    signed.report(client, NEW, *three)
    judge = met(client)
    client.hset(keys.latest(NEW), monitor.public_id, wire.encode(three[0]))
    body = wire.encode(three)
    add(client, keys.results(NEW), {keys.BODY: body})
    add(client, keys.results(NEW), signed.results_entry(OLD, body))
    signed.report(client, NEW, *(seen(monitor, one.at_ms, "round-1") for one in three))
    signed.report(client, NEW, *(seen(monitor, one.at_ms - AGE_MOST_MS) for one in three))
    judge.judge()
    assert agreed() == 0, "before this process met it, unsigned, of another region, of a round, and kept for later"
    entry = signed.results_entry(NEW, wire.encode(three[:1]))
    for _ in range(AGREED_MOST):
        add(client, keys.results(NEW), entry)
    judge.judge()
    assert agreed() == 1, "an entry that is written again counts once"


def test_a_worker_that_is_enrolled_again_begins_anew(client: redis.Redis, monitor: Monitor) -> None:
    judge, now_ms = met(client), redis_now_ms(client)
    signed.report(client, NEW, seen(monitor, now_ms), seen(monitor, now_ms + 1))
    judge.judge()
    assert agreed() == AGREED_MOST - 1
    region = Region.objects.get(slug=NEW)
    region.signing_key = signed.signing_key("eu-other")
    region.save()
    RegionShadow.objects.filter(region=region).delete()
    RegionShadow.objects.create(region=region)
    judge.judge()
    begun_ms = redis_now_ms(client)
    until(lambda: redis_now_ms(client) > begun_ms)
    signed.report(client, NEW, seen(monitor, now_ms + 2))
    judge.judge()
    assert agreed() == 1


def test_a_region_whose_stream_cannot_be_read_delays_no_other(client: redis.Redis, monitor: Monitor) -> None:
    broken = Region.objects.create(slug="a-broken", domain="aws")
    RegionShadow.objects.create(region=broken)
    client.set(keys.results("a-broken"), "mine")
    judge, now_ms = met(client), redis_now_ms(client)
    signed.report(client, NEW, *(seen(monitor, now_ms + slot) for slot in range(AGREED_MOST)))
    judge.judge()
    assert [one.region.slug for one in RegionShadow.objects.exclude(voting_since=None)] == [NEW]
