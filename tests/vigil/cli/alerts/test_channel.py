"""`manage.py channel` says what each kind needs, and prints what a receiver answered to a test."""

from __future__ import annotations

import json

import pytest

from tests.vigil.alerts.crashing import provider
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.channels import CHANNELS
from vigil.alerts.models import Channel
from vigil.cli import main
from vigil.demo.alert_receivers import ReceiverReply


def test_every_kind_is_shown_with_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["channel", "kinds", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [page["kind"] for page in shown] == list(CHANNELS)
    assert main(["channel", "kinds", "telegram"]) == 0
    assert "config chat: " in capsys.readouterr().out


def test_a_kind_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["channel", "kinds", "pigeon"]) == 2
    assert "there is no kind 'pigeon'" in capsys.readouterr().err


@pytest.mark.django_db
def test_a_test_prints_the_receivers_own_answer_and_fails_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    with provider() as (receiver, url):
        wanted = {
            "name": "Ops", "kind": "discord", "config": {}, "secrets": {"url": f"{url}/discord/webhooks/1/fake"},
        }  # fmt: skip
        save_channel(Channel(team=default_team()), wanted)
        assert main(["channel", "test", "Ops"]) == 0
        assert capsys.readouterr().out.startswith("Ops: accepted: 200")
        receiver.script["/discord/webhooks/1/fake"].append(
            ReceiverReply(404, {"message": "Unknown Webhook", "code": 10015})
        )
        assert main(["channel", "test", "Ops"]) == 1
        assert "not accepted: Discord answered 404: Unknown Webhook" in capsys.readouterr().out
    assert main(["channel", "test", "nobody"]) == 2
    assert "no channel is called 'nobody'" in capsys.readouterr().err
