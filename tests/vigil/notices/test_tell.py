"""A notice is told once, quietly, on the channels that routes pick, and it stands on its page and in the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import pytest
from django.test import Client
from prometheus_client import CollectorRegistry

from tests.vigil.api.caller import Api
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.notice_outbox import enqueue_notices
from vigil.alerts.routing.changes import save_route
from vigil.alerts.routing.rules import Route
from vigil.metrics.ai.notices import NoticeCollector
from vigil.model_watch.notice_feed import notice_feed_address
from vigil.monitors.models import Monitor
from vigil.notices.core.notice import Notice, NoticeKind
from vigil.notices.models import StoredNotice
from vigil.notices.tell import MOST, forget, tell

pytestmark = pytest.mark.django_db
AT = datetime(2030, 1, 1, tzinfo=UTC)


def notice(key: str = "gpt-x/30", team: Team | None = None, **more: Any) -> Notice:
    owner = (team or default_team()).pk
    title = str(more.pop("title", f"{key} retires"))
    return Notice(owner, NoticeKind.RETIREMENT, key, title, AT, before="2030-02-02", after="2030-01-31", **more)


def channel(name: str, kind: str = "webhook", **more: Any) -> Channel:
    return Channel.objects.create(team=default_team(), name=name, kind=kind, config={"url": "https://x.test"}, **more)


def told() -> list[tuple[str, str]]:
    rows = Delivery.objects.select_related("channel").order_by("pk")
    return [(row.channel.name, row.because) for row in rows if row.event == "notice" and row.incident is None]


def test_a_notice_is_told_once_whoever_tells_it() -> None:
    channel("ops")
    assert [row.key for row in tell([notice(), notice()], enqueue_notices)] == ["gpt-x/30"]
    assert tell([notice()], enqueue_notices) == []
    assert told() == [("ops", "")]
    assert [row.key for row in tell([notice(), notice("gpt-x/7")], enqueue_notices)] == ["gpt-x/7"]


def test_a_notice_pages_nobody() -> None:
    for kind in ("pagerduty", "opsgenie", "jsm", "sms"):
        channel(kind, kind)
    channel("switched off", enabled=False)
    channel("told none", notices=False)
    channel("chat", "slack")
    tell([notice()], enqueue_notices)
    assert told() == [("chat", "")]


def route(name: str, *channels: Channel, **fields: Any) -> None:
    save_route(Route(team=default_team()), {"name": name, "channels": list(channels), **fields})


def test_routes_pick_the_channels_by_kind_and_monitor() -> None:
    pager, chat, ai = channel("pager"), channel("chat"), channel("ai")
    route("Outages", pager, position=1, kinds=["outage"])
    route("AI", ai, position=2, kinds=["notice"], tags=["ai"])
    route("Others", chat, position=3)
    monitor = Monitor.objects.create(team=default_team(), name="m", kind="http", config={}, tags=["ai"], interval_s=60)
    tell([notice("plain"), notice("of a monitor", monitor=monitor.pk)], enqueue_notices)
    assert told() == [("chat", "Others"), ("ai", "AI")]


def test_each_monitor_that_a_notice_concerns_is_routed() -> None:
    first, second, rest = channel("first"), channel("second"), channel("rest")
    route("First", first, position=1, tags=["first"])
    route("Second", second, position=2, tags=["second"])
    route("Rest", rest, position=3)
    keys = [
        Monitor.objects.create(team=default_team(), name=name, kind="http", config={}, tags=[tag], interval_s=60).pk
        for name, tag in (("a", "first"), ("b", "second"), ("c", "first"))
    ]
    tell([notice(monitor=keys[0], others=(keys[1], keys[2], 0))], enqueue_notices)
    assert told() == [("first", "First"), ("second", "Second")]


def test_a_route_of_severe_incidents_gets_no_notice() -> None:
    route("Severe", channel("pager"), severities=["critical", "error"])
    tell([notice()], enqueue_notices)
    assert told() == []


def test_too_many_at_once_are_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at most"):
        tell([notice(str(number)) for number in range(MOST + 1)], enqueue_notices)


def test_the_api_and_the_page_show_the_notices_of_the_team(client: Client) -> None:
    tell([notice(), notice("theirs", Team.objects.create(name="Other", slug="other"))], enqueue_notices)
    api = Api(default_team(), Scope.READ)
    status, listed = api("GET", "notices?kind=retirement")
    assert status == 200
    (shown,) = listed["results"]
    assert (shown["key"], shown["before"], shown["after"]) == ("gpt-x/30", "2030-02-02", "2030-01-31")
    assert api("GET", f"notices/{shown['id']}")[1]["title"] == "gpt-x/30 retires"
    theirs = StoredNotice.objects.get(key="theirs").public_id
    assert api("GET", f"notices/{theirs}")[0] == 404
    client.force_login(ensure_first_admin())
    text = client.get("/notices").content.decode()
    assert "gpt-x/30 retires" in text and "theirs" not in text
    assert "No notice matches" in client.get("/notices?q=nothing").content.decode()


def test_the_feed_is_read_by_its_secret_address(client: Client) -> None:
    tell([notice(title="gpt <x> retires"), notice("theirs", Team.objects.create(name="O", slug="o"))], enqueue_notices)
    path = "/" + notice_feed_address(default_team()).split("/", 3)[3]
    answer = client.get(path)
    assert answer["Content-Type"].startswith("application/atom+xml")
    (entry,) = feedparser.parse(answer.content).entries
    assert (entry.title, "2030-01-31" in entry.summary) == ("gpt <x> retires", True)
    assert client.get(path.replace(".atom", "x.atom")).status_code == 404


def test_notices_are_kept_for_more_than_a_year() -> None:
    (row,) = tell([notice()], enqueue_notices)
    assert forget(row.created_at + timedelta(days=399)) == 0
    assert forget(row.created_at + timedelta(days=401)) == 1


def test_the_metric_counts_by_kind() -> None:
    tell([notice(), notice("gpt-x/7")], enqueue_notices)
    registry = CollectorRegistry()
    registry.register(NoticeCollector())
    assert registry.get_sample_value("vigil_notices_total", {"kind": "retirement"}) == 2
    assert registry.get_sample_value("vigil_notices_total", {"kind": "models_changed"}) == 0
    # A counter that falls would look like a restart, and all it counted like new.
    assert forget(StoredNotice.objects.latest("pk").created_at + timedelta(days=401)) == 2
    tell([notice("gpt-x/1")], enqueue_notices)
    assert registry.get_sample_value("vigil_notices_total", {"kind": "retirement"}) == 3
