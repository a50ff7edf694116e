"""What is shown everywhere alike: times in one form, links from the base URL, credentials only to who may write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.vigil.api.caller import Api
from tests.vigil.api.test_every_route import addresses, rows
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.monitors.core.clear_credentials import credentials_in, hidden
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT")
ONE_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def texts(shown: Any) -> Iterator[str]:
    if isinstance(shown, dict | list):
        for part in shown.values() if isinstance(shown, dict) else shown:
            yield from texts(part)
    elif isinstance(shown, str):
        yield shown


def test_every_time_is_in_utc_with_z_and_with_microseconds_or_none(api: Api) -> None:
    Region.objects.create(slug="eu", domain="a")
    found = 0
    for address in sorted(addresses(rows(api))):
        if not address.startswith("/api/v1/") or address.endswith(".json"):
            continue
        answer = api.ask("GET", address.removeprefix("/api/v1/"))
        if answer.status_code == 200 and answer["Content-Type"] == "application/json":
            for text in texts(answer.json()):
                found += bool(INSTANT.match(text))
                assert not INSTANT.match(text) or ONE_FORM.fullmatch(text), (address, text)
    assert found > 30


def test_links_begin_with_the_base_url_whatever_host_was_asked(api: Api) -> None:
    Monitor.objects.bulk_create(Monitor(team=default_team(), name=f"m{number}", kind="http") for number in range(3))
    page = api.ask("GET", "monitors?limit=2", host="web:8000").json()
    assert page["next"].startswith("http://testserver/api/v1/monitors?")
    assert api.ask("GET", page["next"].split("/api/v1/")[1]).json()["previous"].startswith("http://testserver/api/v1/")


CLEAR = {
    "url": "https://api.test/v1?model=x&api_key=abc123",
    "headers": [["Authorization", "Bearer sk-abcdef123456"], ["X-Trace", "sk-abcdef123456"], ["Accept", "text/html"]],
}


def test_a_credential_in_clear_is_warned_of_and_hidden_from_readers(api: Api) -> None:
    made = api("POST", "monitors", {"name": "m", "kind": "http", "config": CLEAR})[1]
    warned = [line for line in made["warnings"] if "in clear" in line]
    assert [line.split(" ")[0] for line in warned] == [
        "config.url", "config.headers.Authorization", "config.headers.X-Trace",
    ]  # fmt: skip
    assert made["config"]["headers"] == CLEAR["headers"]
    seen = Api(default_team(), Scope.READ).ask("GET", f"monitors/{made['id']}").content.decode()
    assert "abc123" not in seen and "sk-abcdef" not in seen and "text/html" in seen and "model=x" in seen


def test_readers_do_not_find_a_monitor_by_a_credential_that_they_do_not_see(api: Api) -> None:
    config = {"url": "https://ann:pass1234@api.test/v1/hook9876?api_key=abc123"}
    monitor = Monitor.objects.create(team=default_team(), name="shop", kind="http", config=config)
    tcp = api("POST", "monitors", {"name": "db", "kind": "tcp", "config": {"host": "db.test", "port": 5432}})[1]["id"]
    reader = Api(default_team(), Scope.READ)
    found = {"SHO": monitor.public_id, "api.tes": monitor.public_id, "db.test": tcp}
    for words, one in found.items():
        for caller in (api, reader):
            assert [row["id"] for row in caller("GET", f"monitors?q={words}")[1]["results"]] == [one], words
    for words in ("abc12", "pass1", "ann", "hook9", "https"):
        assert api("GET", f"monitors?q={words}")[1]["results"], words
        assert reader("GET", f"monitors?q={words}")[1]["results"] == [], words


@pytest.mark.parametrize("config", [{"url": "https://x.test/token?model=gpt"}, {"headers": [["Host", "x"]]}, {"a": 1}])
def test_what_is_no_credential_is_shown(config: Any) -> None:
    assert hidden(config) == config and credentials_in(config) == []
