"""S9: stored secrets go to no other destination than the one they were given for."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from structlog.testing import capture_logs

from tests.vigil.api.caller import Api
from tests.vigil.web.admin.browsing import as_sent
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor

pytestmark = pytest.mark.django_db

HTTP = {"url": "https://api.example.com/health", "headers": [["Accept", "*/*"]]}
SAME_PLACE = [
    {**HTTP, "url": "https://API.example.com:443/other?x=1"},
    {**HTTP, "headers": [["Accept", "text/html"]], "method": "HEAD", "expected_status": ["204"]},
    {**HTTP, "body_limit": 1000},
]
ELSEWHERE = [
    {**HTTP, "url": "https://evil.example.net/health"},
    {**HTTP, "url": "http://api.example.com/health"},
    {**HTTP, "url": "https://api.example.com:8443/health"},
    {**HTTP, "headers": [["host", "evil.example.net"]]},
    {**HTTP, "server_name": "evil.example.net"},
    {**HTTP, "verify_tls": False},
]
TCP_LIKE = {
    "redis": ({"host": "cache.example.com", "port": 6379, "tls": True}, {"password": "hush"}),
    "grpc": ({"host": "api.example.com", "port": 443}, {"bearer": "hush"}),
}
CHANNELS: list[tuple[str, dict[str, Any], dict[str, str], dict[str, Any]]] = [
    ("slack", {"channel": "C1"}, {"token": "xoxb-hush"}, {"channel": "C1", "api": "https://evil.example.net/api"}),
    ("telegram", {"chat": "1"}, {"token": "123456:" + "h" * 35}, {"chat": "1", "url": "https://evil.example.net"}),
    ("pagerduty", {}, {"routing_key": "0" * 32}, {"url": "https://evil.example.net/v2/enqueue"}),
    ("opsgenie", {}, {"api_key": "hush"}, {"url": "https://evil.example.net/v2/alerts"}),
    ("jsm", {}, {"api_key": "hush"}, {"url": "http://api.atlassian.com/jsm/ops/integration/v2/alerts"}),
    ("ntfy", {}, {"topic": "hush", "token": "tk_hush"}, {"url": "https://ntfy.sh:8443"}),
    ("webhook", {"url": "https://example.com/a"}, {}, {"url": "https://evil.example.net/a"}),
]


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def monitor(kind: str = "http", config: Any = HTTP, secrets: Any = None) -> Monitor:
    fields = {"name": "m", "kind": kind, "config": config, "secrets": secrets or {"bearer": "hush"}}
    return create_monitor(default_team(), fields)


def channel(kind: str, config: dict[str, Any], secrets: dict[str, str]) -> Channel:
    wanted = {"name": "c", "kind": kind, "config": config, "secrets": secrets}
    return save_channel(Channel(team=default_team()), wanted)


@pytest.mark.parametrize("config", ELSEWHERE)
def test_s09_a_monitor_that_looks_elsewhere_asks_for_its_secrets_again(api: Api, config: dict[str, Any]) -> None:
    row = monitor()
    with capture_logs() as logged:
        status, answer = api("PATCH", f"monitors/{row.public_id}", {"config": config})
    assert status == 400 and "bearer" in answer["secrets"][0] and "hush" not in str(answer)
    assert [line["event"] for line in logged] == ["secrets.repointing_refused"]
    row.refresh_from_db()
    assert (row.config, dict(row.secrets), row.revision) == (HTTP, {"bearer": "hush"}, 1)


@pytest.mark.parametrize("config", SAME_PLACE)
def test_s09_a_monitor_that_asks_the_same_place_something_else_keeps_them(api: Api, config: dict[str, Any]) -> None:
    row = monitor()
    assert api("PATCH", f"monitors/{row.public_id}", {"config": config})[0] == 200
    row.refresh_from_db()
    assert dict(row.secrets) == {"bearer": "hush"}


@pytest.mark.parametrize("secrets", [{"bearer": "new"}, {}])
def test_s09_new_secrets_in_the_same_request_go_along(api: Api, secrets: dict[str, str]) -> None:
    row = monitor()
    with capture_logs() as logged:
        assert api("PATCH", f"monitors/{row.public_id}", {"config": ELSEWHERE[0], "secrets": secrets})[0] == 200
    row.refresh_from_db()
    assert dict(row.secrets) == secrets
    assert "secrets.repointed" in [line["event"] for line in logged] and "hush" not in str(logged)


@pytest.mark.parametrize("kind", TCP_LIKE)
@pytest.mark.parametrize("change", [{"host": "evil.example.net"}, {"port": 7000}, {"server_name": "evil.example.net"}])
def test_s09_host_port_and_server_name_are_the_destination_too(api: Api, kind: str, change: dict[str, Any]) -> None:
    config, secrets = TCP_LIKE[kind]
    row = monitor(kind, config, secrets)
    assert "secrets" in api("PATCH", f"monitors/{row.public_id}", {"config": {**config, **change}})[1]


def test_s09_tls_switched_off_asks_again(api: Api) -> None:
    config, secrets = TCP_LIKE["redis"]
    row = monitor("redis", config, secrets)
    assert "secrets" in api("PATCH", f"monitors/{row.public_id}", {"config": {**config, "tls": False}})[1]


def test_s09_another_kind_asks_again(api: Api) -> None:
    row = monitor()
    wanted = {"kind": "grpc", "config": {"host": "api.example.com", "port": 443}}
    assert "secrets" in api("PATCH", f"monitors/{row.public_id}", wanted)[1]


def test_s09_a_monitor_without_secrets_may_look_anywhere(api: Api) -> None:
    row = create_monitor(default_team(), {"name": "m", "kind": "http", "config": HTTP})
    assert api("PATCH", f"monitors/{row.public_id}", {"config": ELSEWHERE[0]})[0] == 200


@pytest.mark.parametrize(("kind", "config", "secrets", "elsewhere"), CHANNELS)
def test_s09_a_channel_that_sends_elsewhere_asks_for_its_secrets_again(
    api: Api, kind: str, config: dict[str, Any], secrets: dict[str, str], elsewhere: dict[str, Any]
) -> None:
    row = channel(kind, config, secrets)
    stored = dict(row.secrets)
    status, answer = api("PATCH", f"channels/{row.public_id}", {"config": elsewhere})
    assert status == 400 and all(name in answer["secrets"][0] for name in stored), answer
    row.refresh_from_db()
    assert (row.config, dict(row.secrets)) == (config, stored)
    assert api("PATCH", f"channels/{row.public_id}", {"config": elsewhere, "secrets": stored})[0] == 200


def test_s09_another_kind_of_channel_asks_again(api: Api) -> None:
    row = channel("pagerduty", {}, {"routing_key": "0" * 32})
    status, answer = api(
        "PATCH", f"channels/{row.public_id}", {"kind": "webhook", "config": {"url": "https://evil.example.net"}}
    )
    assert status == 400 and "routing_key" in answer["secrets"][0]


def test_s09_a_channel_may_tell_another_room_of_the_same_receiver(api: Api) -> None:
    row = channel("slack", {"channel": "C1"}, {"token": "xoxb-hush"})
    assert api("PATCH", f"channels/{row.public_id}", {"config": {"channel": "C2"}})[0] == 200


def test_s09_a_stale_copy_of_a_channel_does_not_carry_the_secrets_elsewhere() -> None:
    row = channel("slack", {"channel": "C1"}, {"token": "xoxb-hush"})
    stale = Channel.objects.get(pk=row.pk)
    moved = {"channel": "C1", "api": "https://evil.example.net/api"}
    save_channel(row, {"config": moved, "secrets": {"token": "xoxb-other"}})
    save_channel(stale, {"config": moved})
    row.refresh_from_db()
    assert dict(row.secrets) == {"token": "xoxb-other"}


def test_s09_the_admin_asks_for_the_secrets_of_a_monitor_again(client: Client) -> None:
    client.force_login(ensure_first_admin())
    row = monitor()
    page = f"/admin/monitors/monitor/{row.pk}/change/"
    form = as_sent(client, page, **{"config.url": "https://evil.example.net/health"})
    answer = client.post(page, form)
    assert answer.status_code == 200 and "another destination" in str(answer.context["adminform"].form.errors)
    row.refresh_from_db()
    assert row.config == HTTP
    assert client.post(page, {**form, "secret.bearer": "new"}).status_code == 302
    row.refresh_from_db()
    assert (row.config, dict(row.secrets)) == (ELSEWHERE[0], {"bearer": "new"})


def test_s09_the_admin_asks_for_the_secrets_of_a_channel_again(client: Client) -> None:
    client.force_login(ensure_first_admin())
    row = channel("pagerduty", {}, {"routing_key": "0" * 32})
    page = f"/admin/alerts/channel/{row.pk}/change/"
    form = as_sent(client, page, **{"config.url": "https://evil.example.net/v2/enqueue"})
    answer = client.post(page, form)
    assert answer.status_code == 200 and "another destination" in str(answer.context["adminform"].form.errors)
    row.refresh_from_db()
    assert row.config == {}
    assert client.post(page, {**form, "secret.routing_key": "1" * 32}).status_code == 302
    row.refresh_from_db()
    assert dict(row.secrets) == {"routing_key": "1" * 32}
