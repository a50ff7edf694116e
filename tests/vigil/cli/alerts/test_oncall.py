"""whom, routes and silence, as people at a terminal and deployments call them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.models import Channel, Route
from vigil.cli import main
from vigil.monitors.models import Monitor
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db


@pytest.fixture
def monitor() -> Monitor:
    config = {"url": "https://x.test"}
    save_channel(Channel(team=default_team()), {"name": "ops", "kind": "webhook", "config": config})
    return Monitor.objects.create(team=default_team(), name="Chat API", kind="http", config=config, tags=["ai"])


def shown(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    assert main(list(argv)) == code
    return capsys.readouterr().out


def parsed(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    return json.loads(shown(capsys, *argv, "--json"))


def test_whom_says_who_and_why(capsys: pytest.CaptureFixture[str], monitor: Monitor) -> None:
    assert "ops (webhook): alerted at once (everyone)" in shown(capsys, "whom", "Chat API")
    assert parsed(capsys, "whom", monitor.public_id, "--at", "2030-01-05T03:00Z")["at"] == "2030-01-05T03:00:00+00:00"
    Route.objects.create(team=default_team(), name="nights", kinds=["degraded"])
    text = shown(capsys, "whom", "Chat API", code=1)
    assert "no one would be alerted" in text and "nights: no: kind" in text


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["whom", "nothing"], "there is no monitor 'nothing'"),
        (["whom", "--kind", "sunshine"], "there is no kind 'sunshine'"),
        (["whom", "--at", "soon"], "is not a time"),
        (["silence", "add", "x", "--everything", "--minutes", "0"], "must be from 1"),
        (["silence", "add", "x", "--tag", "y" * 51], "no more than 50 characters"),
        (["silence", "end", "x"], "there is no silence 'x'"),
        (["routes", "typical"], "VIGIL_PAGERDUTY_ROUTING_KEY is not set"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(capsys: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    assert main(argv) == 2
    told = capsys.readouterr().err
    assert said in told and len(told.splitlines()) == 1


def test_the_usual_set_up_reads_its_keys_from_the_environment(
    capsys: pytest.CaptureFixture[str], monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_PAGERDUTY_ROUTING_KEY", "0" * 32)
    monkeypatch.setenv("VIGIL_SLACK_URL", "https://hooks.slack.example/fake")
    text = shown(capsys, "routes", "typical")
    assert "made channel PagerDuty" in text and "0" * 32 not in text
    assert "AI API failures: kinds outage, account; tags ai, litellm -> PagerDuty" in shown(capsys, "routes", "list")
    assert "PagerDuty (pagerduty): alerted at once (routed: AI API failures)" in shown(capsys, "whom", "Chat API")


def test_a_silence_is_begun_listed_seen_and_ended(capsys: pytest.CaptureFixture[str], monitor: Monitor) -> None:
    made = parsed(capsys, "silence", "add", "deploy", "--monitor", "Chat API", "--minutes", "5", "--pause")
    assert "mutes, pauses, holds until" in shown(capsys, "silence", "list")
    assert "held: silenced by deploy until" in shown(capsys, "whom", "Chat API")
    assert parsed(capsys, "silence", "end", "deploy") == {"ended": [made["id"]]}
    assert "no silence is active" in shown(capsys, "silence", "list")
    assert not Silence.objects.filter(valid_until=None).exists()
