"""The pages `/metrics/monitors` and `/probe`: of whose monitors, from two reads, clean for Prometheus' checker."""

from __future__ import annotations

import gzip
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from probes import keys, wire
from probes.reasons import Reason, Status
from vigil import guess_limits
from vigil.accounts.models import Team
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token
from vigil.incidents.models import MonitorState
from vigil.metrics.monitors import read as read_side
from vigil.monitors.live import results as live
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
HERE: dict[str, Any] = {"SERVER_NAME": "127.0.0.1", "REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture(autouse=True)
def own_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    guess_limits.SECRETS.forget()
    with redis.Redis.from_url(redis_url) as client:
        for name in ("region_client", "redis_client"):
            monkeypatch.setattr(live, name, lambda: client)
        yield client


def saw(
    client: redis.Redis, monitor: Monitor, region: str, status: Status = Status.UP, reason: Reason = Reason.OK
) -> None:
    now_ms = time.time_ns() // 1_000_000
    seen = wire.Result(
        1, monitor.public_id, now_ms, status, reason, now_ms, wire.Phases(1, 2, 3, 4, 20), code=200,
        facts={"address": "203.0.113.7", "tls": "TLSv1.3", "certificate_days": 9.5},
    )  # fmt: skip
    client.hset(keys.latest(region), monitor.public_id, cast(Any, wire.encode(seen)))


@pytest.fixture
def shop(own_redis: redis.Redis) -> Monitor:
    """A monitor that two regions watch, one of which sees it fail."""
    monitor = Monitor.objects.create(
        team=default_team(), name="Shop", kind="http", config={"url": "https://shop.test/health?key=secret"}
    )
    for region in ("eu-west", "us-east"):
        Region.objects.create(slug=region, domain=region)
    MonitorState.objects.create(monitor=monitor, status=Status.UP)
    saw(own_redis, monitor, "eu-west")
    saw(own_redis, monitor, "us-east", Status.DOWN)
    return monitor


def scraped(path: str = "/metrics/monitors", **headers: str) -> str:
    answer = Client(**HERE).get(path, headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_every_region_is_told_of_under_the_names_that_dashboards_query(shop: Monitor) -> None:
    text = scraped()
    at = f'job="Shop",instance="https://shop.test/health",monitor="{shop.public_id}",team="{shop.team.public_id}"'
    for region, success in (("eu-west", "1"), ("us-east", "0")):
        assert f'probe_success{{{at},region="{region}",probe="{region}"}} {success}\n' in text
    assert f'vigil_monitor_state{{{at},state="up"}} 1\n' in text
    assert 'check_name="http",frequency="60000"} 1\n' in text
    assert "secret" not in text


def test_prometheus_own_checker_finds_nothing_to_say(shop: Monitor, own_redis: redis.Redis) -> None:
    for kind in ("icmp", "dns", "grpc", "websocket", "tls"):
        other = Monitor.objects.create(team=default_team(), name=kind, kind=kind, config={"host": "gw.test"})
        saw(own_redis, other, "eu-west", Status.DEGRADED)
    for text in (scraped(), scraped(f"/probe?target={shop.public_id}"), scraped("/metrics")):
        checked = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_a_scrape_asks_postgresql_twice_however_many_monitors_there_are(shop: Monitor) -> None:
    Monitor.objects.bulk_create(
        Monitor(team=default_team(), name=f"m{number}", kind="http", config={"url": "https://x.test"})
        for number in range(50)
    )
    with CaptureQueriesContext(connection) as seen:
        scraped()
    assert len(seen) == 2


def test_a_token_reads_the_monitors_of_its_team_alone(shop: Monitor) -> None:
    other = Team.objects.create(name="Other", slug="other")
    Monitor.objects.create(team=other, name="Theirs", kind="http", config={"url": "https://theirs.test"})
    _, plain = issue_token(other, "prometheus")
    far = Client(REMOTE_ADDR="203.0.113.5")
    headers = {"authorization": f"Bearer {plain}"}
    text = far.get("/metrics/monitors", headers=headers).content.decode()
    assert 'job="Theirs"' in text and "Shop" not in text
    assert far.get(f"/probe?target={shop.public_id}", headers=headers).status_code == 404
    assert {far.get(path).status_code for path in ("/metrics/monitors", "/probe?target=Shop")} == {401}


@pytest.mark.parametrize(
    "target",
    [
        lambda shop: shop.public_id,
        lambda shop: "Shop",
        lambda shop: "https://shop.test/health?key=secret",
        lambda shop: "https://shop.test/health",
    ],
    ids=["id", "name", "address", "instance"],
)
def test_a_probe_finds_a_stored_monitor_and_asks_its_target_nothing(
    shop: Monitor, target: Callable[[Monitor], str]
) -> None:
    answer = Client(**HERE).get("/probe", {"target": target(shop), "module": "http_2xx"})
    assert answer.status_code == 200
    assert b"probe_success 1\n" in answer.content and b"probe_http_status_code 200\n" in answer.content


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("target=https://elsewhere.test/", 404, "Only stored monitors"),
        ("target=Shop&module=tcp_connect", 404, "Only stored monitors"),
        ("target=Shop&module=nonsense", 400, "Unknown module"),
        ("", 400, "Give ?target="),
        ("target=https://twice.test", 400, "give the id of one"),
    ],
)
def test_what_is_not_one_stored_monitor_is_refused(shop: Monitor, query: str, code: int, words: str) -> None:
    for number in range(2):
        Monitor.objects.create(
            team=default_team(), name=f"m{number}", kind="http", config={"url": "https://twice.test"}
        )
    answer = Client(**HERE).get(f"/probe?{query}")
    assert (answer.status_code, words in answer.content.decode()) == (code, True)


def test_a_probe_of_an_address_means_its_monitor_and_no_longer_address(shop: Monitor) -> None:
    longer = Monitor.objects.create(
        team=default_team(), name="Deep", kind="http", config={"url": "https://shop.test/health?key=secret&deep=1"}
    )
    target = {"target": "https://shop.test/health"}
    assert Client(**HERE).get("/probe", target).status_code == 400, "two monitors are named so in their labels"
    Monitor.objects.filter(pk=longer.pk).update(config={"url": "https://shop.test/health"})
    answer = Client(**HERE).get("/probe", {**target, "debug": "true"})
    assert answer.status_code == 200 and longer.public_id in answer.content.decode()


def test_a_probe_of_a_port_finds_its_monitor(shop: Monitor) -> None:
    for port in (25, 587):
        config = {"host": "mail.test", "port": port}
        Monitor.objects.create(team=default_team(), name=f"mail {port}", kind="tcp", config=config)
    answer = Client(**HERE).get("/probe?target=mail.test:25&module=tcp_connect&debug=true")
    assert answer.status_code == 200 and b"kind tcp" in answer.content
    assert Client(**HERE).get("/probe?target=mail.test&module=tcp_connect").status_code == 400


def test_counts_are_the_same_whichever_process_is_scraped_and_end_by_themselves(
    shop: Monitor, own_redis: redis.Redis
) -> None:
    before = [line for line in scraped().splitlines() if line.startswith("probe_all_")]
    # Nothing is held in the process: what the next scrape tells stands in Redis.
    assert before == [line for line in scraped().splitlines() if line.startswith("probe_all_")]
    assert any(" 1" in line and "_success_count" in line for line in before)
    assert 0 < own_redis.ttl(keys.scraped(shop.public_id)) <= 2 * 86_400


def test_a_probe_from_one_region_says_what_that_region_saw(shop: Monitor) -> None:
    assert "probe_success 0\n" in scraped("/probe?target=Shop&region=us-east")


def test_parts_hold_every_monitor_once(shop: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {f"m{number}" for number in range(7)}
    Monitor.objects.bulk_create(Monitor(team=default_team(), name=name, kind="http", config={}) for name in names)
    told = [
        line.split('job="')[1].split('"')[0]
        for part in ("1/3", "2/3", "3/3")
        for line in scraped(f"/metrics/monitors?part={part}").splitlines()
        if line.startswith("vigil_monitor_state") and 'state="up"' in line
    ]
    assert sorted(told) == sorted({*names, "Shop"})
    monkeypatch.setattr(read_side, "MAX_MONITORS", 5)
    answer = Client(**HERE).get("/metrics/monitors")
    assert answer.status_code == 400 and b"scrape them in parts" in answer.content


@pytest.mark.parametrize("part", ["0/1", "2/1", "1", "1/1000", "a/b"])
def test_a_wrong_part_is_refused(part: str) -> None:
    assert Client(**HERE).get("/metrics/monitors", {"part": part}).status_code == 400


def test_a_large_answer_is_compressed_where_the_scraper_takes_it(shop: Monitor) -> None:
    Monitor.objects.bulk_create(Monitor(team=default_team(), name=f"m{n}", kind="http", config={}) for n in range(30))
    answer = Client(**HERE).get("/metrics/monitors", headers={"accept-encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip" and b"vigil_monitor_state" in gzip.decompress(answer.content)


def test_no_clock_of_this_machine_makes_regions_silent(shop: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 4_000_000_000 * 10**9)
    assert "probe_success{" in scraped() and "probe_http_status_code 200" in scraped("/probe?target=Shop")


def test_a_redis_that_is_away_is_said(shop: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2, retry=None)
    monkeypatch.setattr(live, "region_client", lambda: nowhere)
    monkeypatch.setattr(live, "redis_client", lambda: nowhere)
    for path in ("/metrics/monitors", "/probe?target=Shop"):
        answer = Client(**HERE).get(path)
        assert (answer.status_code, answer.content) == (503, b"Redis is away.\n")
