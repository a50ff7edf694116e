"""Hosted services: saved answers of their APIs, and the APIs themselves, spoken to over loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.vigil.importers.imports import Result, golden, imported, planned, written
from vigil.importers.api import ApiClient, next_link
from vigil.importers.core.report import SourceError
from vigil.importers.registry import IMPORTERS

ROBOT = [
    {"id": 1, "friendlyName": "Shop", "type": "KEYWORD", "url": "https://shop.example", "interval": 300, "timeout": 30,
     "keywordType": "ALERT_NOT_EXISTS", "keywordValue": "Welcome", "keywordCaseType": 1, "status": "UP",
     "tags": [{"id": 1, "name": "prod"}], "customHttpHeaders": {"X-Key": "obviously-fake"},
     "sslExpirationReminder": True, "config": {"sslExpirationPeriodDays": [7, 30]}},
    {"id": 2, "friendlyName": "Job", "type": "HEARTBEAT", "url": "", "interval": 3600, "gracePeriod": 300,
     "status": "PAUSED"},
    {"id": 3, "friendlyName": "Mail", "type": "PORT", "url": "mail.example", "port": 25, "interval": 60},
    {"id": 4, "friendlyName": "Zone", "type": "DNS", "url": "example.com", "interval": 300,
     "config": {"dnsRecords": {"A": ["192.0.2.1"], "MX": []}}},
]  # fmt: skip
STACK = [
    {"id": "1", "type": "monitor", "attributes": {
        "url": "https://app.example", "pronounceable_name": "App", "monitor_type": "keyword",
        "required_keyword": "Welcome", "check_frequency": 60, "request_timeout": 30, "confirmation_period": 120,
        "request_headers": [{"id": "h1", "name": "Authorization", "value": "Bearer obviously-fake"}],
        "regions": ["us", "eu"], "status": "paused", "ssl_expiration": 30}},
    {"id": "2", "type": "monitor", "attributes": {
        "url": "mail.example", "pronounceable_name": "Mail", "monitor_type": "smtp", "port": "587",
        "check_frequency": 180, "request_timeout": 5000}},
    {"id": "9", "type": "heartbeat", "attributes": {"name": "Backup", "period": 86400, "grace": 300}},
]  # fmt: skip
CHECKS = [
    {"name": "Backup", "slug": "backup", "tags": "prod db", "timeout": 86400, "grace": 3600, "status": "up",
     "unique_key": "a6c7", "channels": "c1,c2", "success_kw": "done, ok", "failure_kw": "", "start_kw": ""},
    {"name": "Report", "tags": "", "schedule": "15 5 * * *", "tz": "Europe/Riga", "grace": 600, "status": "paused",
     "unique_key": "b7d8", "methods": "POST"},
    {"name": "Timer", "tags": "", "schedule": "Mon..Fri *-*-* 08:00", "tz": "UTC", "grace": 600, "unique_key": "c9"},
]  # fmt: skip
SITES = """\
sites:
  - name: Home
    url: https://shop.example
    headers: ["Authorization: Bearer $SITE_TOKEN", "Accept: text/html"]
    expectedStatusCodes: [200, 201]
    maxResponseTime: 5000
    __dangerous__body_down_if_text_missing: Welcome
  - {name: Mail, url: mail.example, check: tcp-ping, port: 25}
workflowSchedule: {uptime: "*/10 * * * *"}
"""


def test_saved_answers_become_files_in_either_envelope(tmp_path: Path) -> None:
    for source, rows in (("uptimerobot", ROBOT), ("betterstack", STACK), ("healthchecks", CHECKS)):
        envelope = {"uptimerobot": "monitors", "betterstack": "data", "healthchecks": "checks"}[source]
        whole = imported(source, written(tmp_path, json.dumps({envelope: rows}), "page.json"))
        assert whole.text == golden(source)
        assert "obviously-fake" not in whole.text
        pages = "".join(json.dumps({"data": [row], "nextLink": None}) + "\n" for row in rows)
        assert imported(source, written(tmp_path, pages, "pages.jsonl")).document == whole.document
        apart = tmp_path / source
        for number, row in enumerate(rows):
            written(apart, json.dumps([row]), f"{number}.json")
        assert imported(source, apart).document == whole.document


def test_sites_of_upptime_become_a_file(tmp_path: Path) -> None:
    made = imported("upptime", written(tmp_path, SITES, ".upptimerc.yml"))
    assert made.text == golden("upptime")
    assert [one.name for one in made.report.variables] == ["SITE_TOKEN"]


@pytest.mark.parametrize("source", ["uptimerobot", "betterstack", "healthchecks", "upptime"])
def test_another_file_is_refused_in_one_line(tmp_path: Path, source: str) -> None:
    with pytest.raises(SourceError, match="this is no"):
        imported(source, written(tmp_path, '{"hello": [1, null, {"a": "b"}]}'))


class Service:
    """A service of the documented form: pages of one row, a key, and a limit that is met once."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]], elsewhere: str = "") -> None:
        self.rows, self.elsewhere = rows, elsewhere
        self.asked: list[tuple[str, str]] = []

    def answer(self, path: str, key: str, host: str) -> tuple[int, dict[str, str], Any]:
        self.asked.append((path, key))
        if "obviously-fake" not in key:
            return 401, {}, {"error": "unauthorized"}
        if len(self.asked) == 2:
            return 429, {"Retry-After": "3", "X-RateLimit-Remaining": "0"}, {"error": "slow down"}
        name, _, query = path.partition("?")
        rows = self.rows[name.strip("/").rpartition("/")[2]]
        place = int(query.rpartition("cursor=")[2] or 0) if "cursor=" in query else 0
        more = place + 1 < len(rows)
        base = self.elsewhere or f"http://{host}"
        link = f"{base}{name}?cursor={place + 1}" if more else None
        return 200, {}, {"data": rows[place : place + 1], "nextLink": link, "pagination": {"next": link}}


@contextmanager
def served(service: Service) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers.get("Authorization") or self.headers.get("X-Api-Key") or ""
            code, headers, document = service.answer(self.path, key, self.headers["Host"])
            body = json.dumps(document).encode()
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v3"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetched(source: str, service: Service) -> Result:
    waits: list[float] = []
    reading = IMPORTERS[source].api
    assert reading is not None
    with served(service) as url:
        pages = reading.fetch(ApiClient(reading.headers("obviously-fake"), waits.append), url)
    assert waits == [3.0]
    return planned(source, pages)


@pytest.mark.parametrize("source", ["uptimerobot", "betterstack", "healthchecks"])
def test_an_api_gives_what_its_saved_answers_give(source: str) -> None:
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {
        "uptimerobot": {"monitors": ROBOT},
        "healthchecks": {"checks": CHECKS},
        "betterstack": {"monitors": STACK[:2], "heartbeats": STACK[2:]},
    }
    made = fetched(source, Service(rows[source]))
    assert made.text.partition("\n")[2] == golden(source).partition("\n")[2]


def test_the_key_goes_to_no_other_server_and_a_refused_one_is_said() -> None:
    hostile = Service({"monitors": ROBOT}, elsewhere="http://elsewhere.example")
    with served(hostile) as url, pytest.raises(SourceError, match="another server"):
        list(ApiClient({"authorization": "obviously-fake"}).pages(f"{url}/monitors", next_link))
    with served(hostile) as url, pytest.raises(SourceError, match="refuses the key"):
        list(ApiClient({"authorization": "wrong"}).pages(f"{url}/monitors", next_link))
    with pytest.raises(SourceError, match="cannot read the API"):
        list(ApiClient({}).pages("http://127.0.0.1:1/", next_link))
    with pytest.raises(SourceError, match="begins with https"):
        list(ApiClient({}).pages("file:///etc/passwd", next_link))


def test_a_page_that_names_itself_as_the_next_is_read_once() -> None:
    class Circle(Service):
        def answer(self, path: str, key: str, host: str) -> tuple[int, dict[str, str], Any]:
            return 200, {}, {"data": [], "nextLink": path}

    with served(Circle({})) as url, pytest.raises(SourceError, match="read already"):
        list(ApiClient({}).pages(url, next_link))


def test_a_wait_that_is_too_long_is_not_waited_for() -> None:
    class Busy(Service):
        def answer(self, path: str, key: str, host: str) -> tuple[int, dict[str, str], Any]:
            return 429, {"Retry-After": "86400"}, {}

    with served(Busy({})) as url, pytest.raises(SourceError, match="asks to wait 86400 s"):
        list(ApiClient({}).pages(url, next_link))
