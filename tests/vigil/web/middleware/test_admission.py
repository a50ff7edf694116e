"""S26: NUL, halves of characters, odd numbers and deep nesting anywhere in a request are a 400, never a 500."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from tests.vigil.api.caller import Api
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel
from vigil.alerts.oncall.ack_links import sign
from vigil.heartbeats.changes import create_heartbeat
from vigil.incidents.models import Incident
from vigil.monitors.changes import create_monitor
from vigil.strict_json import DEPTH_MOST, InputProblem, read_json
from vigil.web.middleware.admission import Utf8Requests

pytestmark = pytest.mark.django_db

HTTP = {"name": "m", "kind": "http", "config": {"url": "https://example.com/"}}
ODD_JSON = [
    r'"\u0000"', r'"\ud83d"', r'{"\u0000": 1}', r'{"a": [{"b": "x\ud83dy"}]}', "NaN", "[Infinity]", "-Infinity",
    "1e999", "1" + "0" * 30, "1" + "0" * 5000, "[" * 100 + "]" * 100, "[" * 100_000, '{"a":' * 50_000,
]  # fmt: skip
SIMPLE_BODIES = [b'{"name": "\\u0000"}', b'{"name": "\\ud83d"}', b'{"name": NaN}', b"\xff", b"[" * 100_000]


@pytest.mark.parametrize("text", ODD_JSON)
def test_s26_json_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(InputProblem):
        read_json(text)


def test_s26_json_that_can_be_stored_is_read() -> None:
    nested = "[" * DEPTH_MOST + "1.5" + "]" * DEPTH_MOST
    assert read_json(nested) == json.loads(nested)
    assert read_json('{"ключ": "\\ud83d\\ude00 \\n"}'.encode()) == {"ключ": "😀 \n"}


def patterns(found: Any = None, before: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every route of the installation, with the names of its parameters."""
    for entry in found or get_resolver().url_patterns:
        text = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns, text)
        elif isinstance(entry, URLPattern):
            yield text, tuple(entry.pattern.regex.groupindex)


def addresses(parameter: str) -> list[str]:
    """An address for each route, each parameter of which is `parameter`."""
    made = set()
    for text, _ in patterns():
        filled = re.sub(r"<[a-z]+:[a-z_]+>|\(\?P<[a-z_]+>(?:\[[^\]]*\]|[^()])*\)", parameter, text)
        filled = re.sub(r"[\^$]|\\Z|\\", "", filled)
        filled = re.sub(r"\(\?[^)]*\)|/\?|\(|\)", "", filled)
        made.add("/" + filled)
    return sorted(made)


def callers() -> list[Client]:
    boss, anonymous = Client(raise_request_exception=False), Client(raise_request_exception=False)
    boss.force_login(ensure_first_admin())
    return [anonymous, boss]


def test_s26_the_crawl_knows_the_routes() -> None:
    found = addresses("x")
    assert len(found) > 100 and "/hooks/x" in found and "/badge/x.x" in found and "/respond/x" in found, found
    assert "/api/v1/monitors/x" in found, found


@pytest.mark.parametrize("odd", ["%00", "a%00b"])
def test_s26_nul_in_a_path_is_a_400_everywhere(odd: str) -> None:
    for client in callers():
        for address in addresses(odd):
            if odd in address:
                assert client.get(address).status_code == 400, address
                assert client.post(address).status_code == 400, address


@pytest.mark.parametrize("odd", ["%ED%A0%BD", "%FF", "%C0%80", "%25%30%30", "%F0%9F%98%80", "mon_1", "1"])
def test_s26_no_path_is_a_500(odd: str) -> None:
    anonymous, boss = callers()
    for address in addresses(odd):
        # A route without a parameter is the same address whatever is odd: one of the cases crawls it.
        if odd in address or odd == "1":
            assert boss.get(address).status_code != 500, address
        # Without a session most routes lead to the login, whatever their parameter is.
        if odd == "1":
            assert anonymous.get(address).status_code != 500, address


def test_s26_nul_in_a_query_is_a_400_everywhere() -> None:
    for client in callers():
        for address in addresses("x"):
            for query in ("a=%00", "%00", "limit=%00&cursor=%00"):
                assert client.get(f"{address}?{query}").status_code == 400, address


def test_s26_an_odd_body_is_no_500_anywhere() -> None:
    boss = callers()[1]
    api = Api(default_team())
    bearer = {"authorization": f"Bearer {api.plain}"}
    for address in addresses("x"):
        for body, method in itertools.product(SIMPLE_BODIES[:1], ("POST", "PATCH")):
            answer = boss.generic(method, address, body, content_type="application/json", headers=bearer)
            assert answer.status_code != 500, (method, address)
        form = urlencode({"name": "a\0b"})
        for client in (boss, Client(raise_request_exception=False)):
            answer = client.generic("POST", address, form, content_type="application/x-www-form-urlencoded")
            assert answer.status_code == 400, address


@pytest.mark.parametrize("path", ["monitors", "channels", "heartbeats", "silences", "routes", "people", "objectives"])
@pytest.mark.parametrize("body", SIMPLE_BODIES)
def test_s26_a_member_gets_a_400_with_a_clear_problem(path: str, body: bytes) -> None:
    api = Api(default_team())
    answer = api.client.generic(
        "POST",
        f"/api/v1/{path}",
        body,
        content_type="application/json",
        headers={"authorization": f"Bearer {api.plain}"},
    )
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] in (["name"], []), answer.content
    assert "It " in answer.json()["detail"]


@pytest.mark.parametrize("odd", ["\0", "x\ud83d"])
def test_s26_channel_settings_and_keywords_of_heartbeats_are_admitted(odd: str) -> None:
    api = Api(default_team())
    settings = {"name": "s", "kind": "slack", "config": {"channel": odd}, "secrets": {"token": "xoxb-1"}}
    assert api("POST", "channels", settings)[0] == 400
    assert api("POST", "heartbeats", {"name": "h", "keywords": {"success": [odd]}})[0] == 400
    assert api("POST", "heartbeats", {"name": "h", "keywords": {odd: ["x"]}})[0] == 400
    row = create_heartbeat(default_team(), {"name": "h"})
    assert api("PATCH", f"heartbeats/{row.monitor.public_id}", {"keywords": {"fail": [odd]}})[0] == 400


@pytest.mark.parametrize(
    "odd", [{"config.url": "https://a.test/\0"}, {"tags": "a\0"}, {"secret.bearer": "a\0"}, {"config.url": "[" * 9999}]
)
def test_s26_texts_of_a_form_of_the_admin_are_admitted(client: Client, odd: dict[str, str]) -> None:
    client.force_login(ensure_first_admin())
    row = create_monitor(default_team(), HTTP)
    form = {
        "name": "m", "config.url": "https://a.test/", "interval_s": 60, "timeout_ms": 10000, "sensitivity": "normal",
    }  # fmt: skip
    answer = client.post(f"/admin/monitors/monitor/{row.pk}/change/", {**form, **odd})
    assert answer.status_code == 400 or answer.context["adminform"].form.errors
    row.refresh_from_db()
    assert row.revision == 1


@pytest.mark.parametrize("cookie", ["vigil_session", "vigil_csrf", "sessionid"])
def test_s26_nul_in_a_cookie_is_a_400(client: Client, cookie: str) -> None:
    assert client.get("/admin/login/", headers={"cookie": f'{cookie}="a\\000b"'}).status_code == 400


@pytest.mark.parametrize("name", ["authorization", "referer", "user-agent", "x-forwarded-for", "accept"])
def test_s26_nul_in_a_header_is_a_400(client: Client, name: str) -> None:
    assert client.get("/api/v1/monitors", headers={name: "a\0b"}).status_code == 400


@pytest.mark.parametrize("charset", ["charset=rot13", "charset=utf-16", "charset=idna", "charset*=rot13'en'x"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_s26_a_strange_charset_is_a_400(charset: str, kind: str) -> None:
    assert through_wsgi(f"{kind}; {charset}", "x=%C3%A4") == 400


@pytest.mark.parametrize("query", ["x=%C3%A4", "&".join(f"x{n}=1" for n in range(3100))])
def test_s26_utf_8_named_is_as_good_as_unnamed(query: str) -> None:
    kind = "application/x-www-form-urlencoded"
    assert (
        through_wsgi(f"{kind}; charset=UTF-8", query) == through_wsgi(kind, query) == (200 if len(query) < 99 else 400)
    )


def through_wsgi(content_type: str, query: str) -> int:
    """The status that the server's own application gives, where Django's test client makes requests of its own."""
    answered: list[str] = []
    environ = RequestFactory().get("/admin/login/", query_params={}).environ
    environ |= {"CONTENT_TYPE": content_type, "QUERY_STRING": query}
    application = Utf8Requests(WSGIHandler())
    list(application(environ, lambda status, headers: answered.append(status)))
    return int(answered[0].split()[0])


@pytest.mark.parametrize("position", ["\0", "abc", "-", "9" * 40, "1.5"])
def test_s26_a_forged_cursor_is_a_400(position: str) -> None:
    cursor = base64.b64encode(urlencode({"p": position}).encode()).decode()
    assert Api(default_team())("GET", f"monitors?cursor={quote(cursor)}")[0] == 400


@pytest.mark.parametrize("field", ["do", "text", "minutes", "other"])
def test_s26_nul_in_an_answer_to_an_alert_is_a_400(client: Client, field: str) -> None:
    config = {"url": "https://x.test"}
    channel = save_channel(Channel(team=default_team()), {"name": "w", "kind": "webhook", "config": config})
    incident = Incident.objects.create(
        team=default_team(), monitor=create_monitor(default_team(), HTTP), kind="outage", title="m is down",
        started_at="2030-01-01T00:00Z", opened_at="2030-01-01T00:00Z",
    )  # fmt: skip
    answer = client.post(f"/respond/{sign(incident, channel)}", {"do": "note", "text": "x", field: "a\0b"})
    assert answer.status_code == 400
    assert not incident.transitions.exists()


@pytest.mark.parametrize("who", ["a\0b", "a\ud83d"])
def test_s26_a_signed_callback_with_odd_text_is_a_400(client: Client, who: str) -> None:
    secrets = {"routing_key": "0" * 32, "webhook_secret": "fake-secret"}
    channel = save_channel(Channel(team=default_team()), {"name": "p", "kind": "pagerduty", "secrets": secrets})
    when = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    event = {"event_type": "incident.acknowledged", "occurred_at": when, "agent": {"summary": who},
             "data": {"incident_key": who}}  # fmt: skip
    body = json.dumps({"event": event}).encode()
    signature = "v1=" + hmac.new(b"fake-secret", body, hashlib.sha256).hexdigest()
    answer = client.post(
        f"/hooks/{channel.public_id}", body, content_type="application/json",
        headers={"x-pagerduty-signature": signature},
    )  # fmt: skip
    assert answer.status_code == 400
