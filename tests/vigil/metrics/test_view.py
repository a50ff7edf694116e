"""The page of metrics: who may read it, what it tells, and that no label grows without end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from probes import keys
from probes.process.dead_letters import letter_of
from probes.wire import Lane
from tests.signed import mark_alive
from tests.vigil.status.subscribing import incident_of, page_of, subscriber
from vigil import guess_limits
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.deadletters import record
from vigil.heartbeats.core.pings.reply import PingOutcome
from vigil.heartbeats.receiving.asgi import AsgiPings
from vigil.incidents.shards import commit
from vigil.metrics import refusals, shards
from vigil.metrics.dead_letters import LOOPS
from vigil.metrics.installation import regions
from vigil.monitors.models import Region
from vigil.status.letters.counts import add_letters
from vigil.status.letters.fan_out import write_letters
from vigil.status.subscriber_models import SubscriberLetter

pytestmark = pytest.mark.django_db
HERE: dict[str, Any] = {"SERVER_NAME": "127.0.0.1", "REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture(autouse=True)
def own_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    guess_limits.SECRETS.forget()
    with redis.Redis.from_url(redis_url) as client:
        for asking in (refusals, regions, shards):
            monkeypatch.setattr(asking, "redis_client", lambda: client)
        yield client


def scraped(**headers: str) -> dict[str, dict[tuple[str, ...], float]]:
    answer = Client(**HERE).get("/metrics", headers=headers)
    assert answer.status_code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_dead_letters_and_refusals_are_told_by_loop_cause_and_origin(own_redis: redis.Redis) -> None:
    Region.objects.create(slug="eu-west", domain="a")
    for step in ("apply", "decode"):
        record.keep(letter_of("ingest", step, "mon_1", ValueError("no")))
    record.keep(letter_of("of a later release", "apply", "mon_1", ValueError("no")))
    own_redis.hset(keys.REFUSED, mapping={"eu-west/unreadable": 7, "eu-west/new cause": 2, "eu-west/over_budget": "x"})
    found = scraped()
    letters = found["vigil_dead_letters"]
    assert letters[("ingest",)] == 2 and letters[("others",)] == 1 and letters[("consensus",)] == 0
    assert found["vigil_refused_total"] == {("unreadable", "eu-west"): 7, ("others", "eu-west"): 2}
    assert [labels[0] for labels in found["vigil_build_info"]] == ["web"]


def test_letters_to_subscribers_are_told_by_kind() -> None:
    page = page_of()
    for kind in ("email", "slack"):
        subscriber(page, f"https://{kind}.example.test/", kind=kind)
    write_letters(incident_of(page).updates.get().pk)
    SubscriberLetter.objects.update(created_at=database_now() - timedelta(seconds=90))
    add_letters({("email", "sent"): 3, ("email", "dead"): 1, ("webhook", "dead"): 2, ("slack", "pending"): 4})
    add_letters({("email", "sent"): 2})
    found = scraped()
    assert found["vigil_letters_waiting"] == {("email",): 1, ("webhook",): 0, ("slack",): 1}
    assert found["vigil_letters_oldest_seconds"][("slack",)] >= 90 > found["vigil_letters_oldest_seconds"][("webhook",)]
    assert found["vigil_letters_sent_total"] == {("email",): 5, ("webhook",): 0, ("slack",): 0}
    assert found["vigil_letters_dead_total"] == {("email",): 1, ("webhook",): 2, ("slack",): 0}


def test_every_loop_with_dead_letters_has_a_label_of_its_own() -> None:
    assert set(LOOPS) == {source.value for source in record.LetterSource}


def test_the_rate_of_pings_is_told_of_web_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scraped()["vigil_pings_total"][("accepted",)] == 0
    receiver = AsgiPings(configuration())
    receiver.log.answers[PingOutcome.ACCEPTED] += 3
    monkeypatch.setattr(AsgiPings, "running", receiver)
    assert scraped()["vigil_pings_total"][("accepted",)] == 3


def test_no_region_makes_the_labels_more(own_redis: redis.Redis) -> None:
    own_redis.hset(keys.REFUSED, mapping={f"made-up-{number}/unreadable": 1 for number in range(2_000)})
    assert scraped()["vigil_refused_total"] == {("unreadable", "others"): 2_000}


def test_a_region_that_overwrites_its_queue_hides_nothing(own_redis: redis.Redis) -> None:
    for slug in ("eu-west", "us-east"):
        Region.objects.create(slug=slug, domain=slug)
    for lane in Lane:
        own_redis.set(keys.celery_prefix("eu-west") + keys.queue("eu-west", lane), "not a list")
    found = scraped()
    assert found["vigil_server_away"][("web", "redis")] == 0 and found["vigil_region_reports"] == {
        ("eu-west",): 0, ("us-east",): 0,
    }  # fmt: skip
    told = {slug for slug in ("eu-west", "us-east") for labels in found["vigil_region_queue_batches"] if slug in labels}
    assert told == {"us-east"}


def test_an_installation_that_is_not_split_has_one_shard(own_redis: redis.Redis) -> None:
    own_redis.set(keys.lease("consensus"), "me", px=60_000)
    mark_alive(own_redis, "ingest")
    led = scraped()["vigil_shard_led"]
    assert led == {("consensus", "whole"): 1, ("record", "whole"): 0, ("ingest", "whole"): 1}


def test_the_shard_that_nobody_leads_is_named(own_redis: redis.Redis) -> None:
    commit(2)
    own_redis.set(keys.lease("consensus/1of2"), "me", px=60_000)
    mark_alive(own_redis, "ingest/0of2", "ingest/1of2")
    led = scraped()["vigil_shard_led"]
    assert {labels for labels, value in led.items() if not value} == {
        ("consensus", "0of2"),
        ("record", "0of2"),
        ("record", "1of2"),
    }
    assert len(led) == 6


@pytest.mark.parametrize(
    ("extra", "headers", "code"),
    [
        ({}, {}, 200),
        ({"REMOTE_ADDR": "::1"}, {}, 200),
        ({"REMOTE_ADDR": "203.0.113.5"}, {}, 401),
        ({"REMOTE_ADDR": "10.0.0.1"}, {}, 401),
        ({"SERVER_NAME": "testserver"}, {}, 401),
        ({}, {"X-Forwarded-For": "203.0.113.5"}, 401),
        ({}, {"X-Forwarded-For": "127.0.0.1"}, 401),
        ({}, {"Via": "1.1 proxy"}, 401),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, {}, 401),
        ({"REMOTE_ADDR": "203.0.113.5"}, {"Authorization": "Bearer vgl_a_b"}, 401),
        ({"REMOTE_ADDR": "203.0.113.5"}, {"Authorization": "Basic eDp5"}, 401),
    ],
)
def test_metrics_are_for_this_machine(extra: dict[str, str], headers: dict[str, str], code: int) -> None:
    assert Client(**(HERE | extra)).get("/metrics", headers=headers).status_code == code


@pytest.mark.parametrize(
    ("scopes", "code"), [([Scope.READ], 200), ([Scope.READ, Scope.WRITE], 200), ([Scope.WRITE], 401)]
)
def test_metrics_are_for_a_token_that_may_read(scopes: list[Scope], code: int) -> None:
    _, plain = issue_token(default_team(), "prometheus", scopes)
    answer = Client(REMOTE_ADDR="203.0.113.5").get("/metrics", headers={"authorization": f"Bearer {plain}"})
    assert answer.status_code == code


def test_a_token_of_one_team_of_several_reads_no_figures_of_others() -> None:
    _, plain = issue_token(default_team(), "prometheus", [Scope.READ])

    def read() -> str:
        answer = Client(REMOTE_ADDR="203.0.113.5").get("/metrics", headers={"authorization": f"Bearer {plain}"})
        return answer.content.decode()

    assert "vigil_ai_" in read()
    Team.objects.create(name="other")
    told = read()
    assert "vigil_ai_" not in told
    assert "vigil_incidents_open" in told


def test_guessing_tokens_here_is_limited_too() -> None:
    client = Client(REMOTE_ADDR="203.0.113.5")
    codes = {client.get("/metrics", headers={"authorization": "Bearer vgl_a_b"}).status_code for _ in range(110)}
    assert codes == {401, 429}


def test_a_redis_that_is_away_costs_its_own_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2, retry=None)
    monkeypatch.setattr(refusals, "redis_client", lambda: nowhere)
    found = scraped()
    assert "vigil_refused_total" not in found and "vigil_dead_letters" in found


def test_a_scraper_may_ask_for_openmetrics() -> None:
    answer = Client(**HERE).get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")
