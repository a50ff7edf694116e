"""Dead letters, tests of channels and what each kind needs, over the API; another team's are not there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.vigil.alerts.crashing import provider as serving
from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.channels import CHANNELS
from vigil.alerts.models import Channel, Delivery
from vigil.clock import database_wall_now, followed_clock
from vigil.demo.alert_receivers import AlertReceiver, ReceiverReply
from vigil.incidents.models import Incident, Transition

pytestmark = pytest.mark.django_db
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def api() -> Api:
    return Api(default_team(), Scope.READ, Scope.WRITE)


@pytest.fixture
def provider() -> Iterator[tuple[AlertReceiver, str]]:
    """A provider's stand-in that serves while the test runs."""
    with serving() as place:
        yield place


def pagerduty(url: str, team: Team | None = None) -> Channel:
    channel = Channel(team=team or default_team())
    config, secrets = {"url": f"{url}/pagerduty/v2/enqueue"}, {"routing_key": "f" * 32}
    return save_channel(channel, {"name": "pd", "kind": "pagerduty", "config": config, "secrets": secrets})


def dead_letter(channel: Channel) -> Delivery:
    incident = Incident.objects.create(
        team=channel.team, kind="blind", cause_key="x", title="t", started_at=NOW, opened_at=NOW
    )
    step = Transition.objects.create(incident=incident, seq=1, step="opened", reason="region_dark", at=NOW)
    return Delivery.objects.create(
        team=channel.team, incident=incident, transition=step, channel=channel, event="trigger", state="dead",
        created_at=NOW, due_at=NOW, attempts=4, last_error="PagerDuty answered 400",
    )  # fmt: skip


def test_a_dead_letter_is_listed_with_its_error_and_sent_again(api: Api) -> None:
    letter = dead_letter(pagerduty("https://events.test"))
    status, page = api("GET", "deliveries?state=dead")
    assert status == 200
    (shown,) = page["results"]
    assert (shown["id"], shown["last_error"]) == (letter.public_id, "PagerDuty answered 400")
    assert api("POST", f"deliveries/{letter.public_id}/resend")[1]["state"] == "pending"
    status, refused = api("POST", f"deliveries/{letter.public_id}/resend")
    assert status == 400 and "pending" in refused["state"][0]


def test_another_teams_deliveries_are_not_there(api: Api) -> None:
    letter = dead_letter(pagerduty("https://events.test", Team.objects.create(name="o", slug="o")))
    assert api("GET", "deliveries")[1]["results"] == []
    assert api("POST", f"deliveries/{letter.public_id}/resend")[0] == 404


def test_a_reader_sends_nothing_again(api: Api) -> None:
    letter = dead_letter(pagerduty("https://events.test"))
    assert Api(default_team(), Scope.READ)("POST", f"deliveries/{letter.public_id}/resend")[0] == 403


def test_a_test_message_shows_the_providers_own_answer(api: Api, provider: tuple[AlertReceiver, str]) -> None:
    receiver, url = provider
    channel = pagerduty(url)
    status, outcome = api("POST", f"channels/{channel.public_id}/test")
    assert status == 200
    assert outcome["accepted"] is True and outcome["answer"] == "202: Event processed"
    assert receiver.took[0].body["payload"]["summary"].startswith("TEST: ")
    # F15: what the test opens it ends, and it wakes nobody.
    assert [took.body["event_action"] for took in receiver.took] == ["trigger", "resolve"]
    assert len({took.body["dedup_key"] for took in receiver.took}) == 1
    assert receiver.took[0].body["payload"]["severity"] == "info"
    refusal: dict[str, Any] = {"message": "Event object is invalid", "errors": ["routing_key is unknown"]}
    receiver.script["/pagerduty/v2/enqueue"].append(ReceiverReply(400, refusal))
    refused = api("POST", f"channels/{channel.public_id}/test")[1]
    assert refused["accepted"] is False
    assert refused["answer"] == "PagerDuty answered 400: Event object is invalid: routing_key is unknown"
    receiver.script["/pagerduty/v2/enqueue"] = deque([ReceiverReply(202, {}), ReceiverReply(400, refusal)])
    still_open = api("POST", f"channels/{channel.public_id}/test")[1]
    assert still_open["accepted"] is False
    assert still_open["answer"].startswith("the test was taken, and is still open there: PagerDuty answered 400")


def test_a_test_message_is_signed_at_the_database_s_time(
    api: Api, provider: tuple[AlertReceiver, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, url = provider
    monkeypatch.setattr(followed_clock, "_ahead_s", 0.0)
    wanted = {"name": "hook", "kind": "webhook", "config": {"url": f"{url}/webhook/a"}}
    channel = save_channel(Channel(team=default_team()), wanted)
    assert api("POST", f"channels/{channel.public_id}/test")[1]["accepted"] is True
    signed_s = int(receiver.took[0].headers["webhook-timestamp"])
    assert abs(signed_s - database_wall_now().timestamp()) < 300


def test_every_kind_says_what_it_needs(api: Api) -> None:
    status, listed = api("GET", "channels/kinds")
    assert status == 200
    kinds = listed["results"]
    assert [kind["kind"] for kind in kinds] == list(CHANNELS)
    for kind in kinds:
        assert kind["words"] and all(setting["words"] for setting in kind["config"] + kind["secrets"])
