"""The same commands act on this machine's installation, and with VIGIL_URL and VIGIL_TOKEN on another one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from vigil.accounts.models import ApiToken, Scope
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token
from vigil.cli import main
from vigil.cli.remote.incidents import follow, said
from vigil.client import Vigil
from vigil.client.models import Incident as Seen
from vigil.clock import database_now
from vigil.incidents.models import Incident
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["here", "elsewhere"])
def installation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, live_server: LiveServer) -> str:
    if request.param == "elsewhere":
        monkeypatch.setenv("VIGIL_URL", live_server.url)
        monkeypatch.setenv("VIGIL_TOKEN", issue_token(default_team(), "ci", [Scope.READ, Scope.WRITE])[1])
    return str(request.param)


@pytest.fixture
def incident() -> Incident:
    team, now = default_team(), database_now()
    monitor = Monitor.objects.create(team=team, name="Chat API", kind="http", config={"url": "https://x.test"})
    return Incident.objects.create(
        team=team, monitor=monitor, kind="outage", title="Chat API is down", started_at=now, opened_at=now, steps=0
    )


def shown(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    assert main(list(argv)) == code
    return capsys.readouterr().out


def test_incidents_are_listed_acknowledged_and_silenced(
    capsys: pytest.CaptureFixture[str], installation: str, incident: Incident
) -> None:
    assert "Chat API is down" in shown(capsys, "incidents")
    assert shown(capsys, "ack", incident.public_id, "--note", "mine") == f"acknowledged {incident.public_id}\n"
    assert "was already acknowledged" in shown(capsys, "ack", incident.public_id)
    assert list(incident.transitions.order_by("seq").values_list("step", flat=True)) == ["acknowledged", "note"]
    assert "Chat API" in shown(capsys, "monitors", "--kind", "http", "--fail-on", "unknown", code=1)
    assert json.loads(shown(capsys, "monitors", "--tag", "none", "--json")) == []
    made = json.loads(shown(capsys, "silence", "add", "deploy", "--monitor", "Chat API", "--json"))
    assert made["id"] in shown(capsys, "silence", "list")
    assert json.loads(shown(capsys, "silence", "end", "deploy", "--json")) == {"ended": [made["id"]]}
    # A command's own token ends with it.
    assert ApiToken.objects.count() == (1 if installation == "elsewhere" else 0)


def test_what_is_wrong_with_the_address_or_token_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, live_server: LiveServer
) -> None:
    monkeypatch.setenv("VIGIL_URL", "vigil.example")
    said_of = []
    for url, token in ((None, "x"), (live_server.url, None), (live_server.url, "vgl_wrong_token")):
        for name, value in (("VIGIL_URL", url), ("VIGIL_TOKEN", token)):
            if value:
                monkeypatch.setenv(name, value)
            elif name == "VIGIL_TOKEN":
                monkeypatch.delenv(name)
        assert main(["monitors"]) == 2
        said_of.append(capsys.readouterr().err)
    assert "must be an address" in said_of[0] and "needs VIGIL_TOKEN" in said_of[1] and "unknown, expired" in said_of[2]


@pytest.fixture
def vigil(live_server: LiveServer) -> Iterator[Vigil]:
    with Vigil(live_server.url, issue_token(default_team(), "follower", [Scope.READ])[1]) as made:
        yield made


def test_following_says_what_opens_and_what_resolves(vigil: Vigil, incident: Incident) -> None:
    following = follow(vigil, every_s=0, most=2)
    assert next(following).id == incident.public_id
    Incident.objects.update(resolved_at=database_now())
    assert next(following).resolved_at is not None
    assert list(following) == []


def test_what_did_not_change_is_not_said_again() -> None:
    def seen(at: int, **more: Any) -> Seen:
        opened = datetime(2026, 1, 1, 0, 0, at, tzinfo=UTC)
        return Seen(id=f"inc_{at}", monitor=None, kind="outage", title="t", opened_at=opened, **more)

    known = {"inc_1": seen(1), "inc_2": seen(2)}
    flapping = seen(2, flapping=True)
    over = seen(3, resolved_at=datetime(2026, 1, 1, 0, 1, tzinfo=UTC))
    assert said(known, {"inc_1": seen(1), "inc_2": flapping}, [over]) == [flapping, over]


def test_a_check_from_the_regions_shows_each_of_them(
    capsys: pytest.CaptureFixture[str], redis_url: str, installation: str
) -> None:
    Region.objects.create(slug="eu", domain="aws")
    text = shown(capsys, "check", "--from", "eu", "https://x.test/", code=1)
    assert text.splitlines()[0] == "https://x.test/ (http)" and "eu (aws): not asked" in text
