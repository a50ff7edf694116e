"""Alertmanager: a real one opens, keeps and ends the alerts that Vigil sends; renewals stand in the outbox."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from tests.probes.loopback import closed_port
from tests.vigil.alerts.told import alert
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.alerts.channel_changes import save_channel
from vigil.alerts.channels import CHANNELS, ChannelSettingsError, alertmanager, check_channel
from vigil.alerts.channels.kind import ChannelError, ReceiverAnswer, ReceiverCall
from vigil.alerts.core.retry import TOLD_AFTER
from vigil.alerts.delivery.attempt import HeldMessage, attempt, attempt_together, together
from vigil.alerts.delivery.claim_rows import Destination
from vigil.alerts.delivery.claims import Claim, claim
from vigil.alerts.delivery.outcomes import AttemptOutcome, AttemptResult
from vigil.alerts.models import Channel, Delivery
from vigil.alerts.outbox import enqueue
from vigil.alerts.renewals import renew
from vigil.alerts.wording.message import message_of
from vigil.incidents.models import Incident, Transition

Step = Callable[..., Transition]
URL = {"url": "http://alertmanager.test:9093"}
EVERY = timedelta(seconds=alertmanager.RENEW_S)


def labels(about: str, event: str) -> dict[str, str]:
    [one] = alertmanager.render(message_of(alert(about, event)), alertmanager.AlertmanagerConfig(**URL))
    return one.labels


@pytest.mark.parametrize("about", ["outage", "degraded", "account", "regional", "heartbeat", "provider", "composite"])
def test_every_message_of_an_incident_has_the_labels_of_its_trigger(about: str) -> None:
    assert labels(about, "trigger") == labels(about, "acknowledge") == labels(about, "resolve")


def test_an_alert_ends_after_it_has_started_and_only_when_it_is_resolved() -> None:
    config = alertmanager.AlertmanagerConfig(**URL)
    [opened] = alertmanager.render(message_of(alert("outage", "trigger")), config)
    [ended] = alertmanager.render(message_of(alert("outage", "resolve")), config)
    assert opened.ends_at == "" and ended.ends_at > ended.starts_at
    assert 3 * CHANNELS["alertmanager"].renew_s < alertmanager.LIFE_S


@pytest.mark.parametrize(
    ("config", "secrets", "words"),
    [
        ({"url": "ftp://x.test"}, {}, "web address"),
        ({"url": "http://x.test/api/v2/alerts"}, {}, "without /api/v2/alerts"),
        (URL, {"bearer": "t", "basic": "a:b"}, "not both"),
        (URL, {"basic": "a"}, "user:password"),
        (URL, {"bearer": "a\nb"}, "letters"),
    ],
)
def test_wrong_settings_are_refused(config: dict[str, str], secrets: dict[str, str], words: str) -> None:
    with pytest.raises(ChannelSettingsError, match=words):
        check_channel("alertmanager", config, secrets)


@pytest.fixture
def channel(db: None) -> Channel:
    return made("http://127.0.0.1:9")


def made(url: str) -> Channel:
    return save_channel(
        Channel(team=default_team()), {"name": "Alertmanager", "kind": "alertmanager", "config": {"url": url}}
    )


def told(opened: Transition, age: timedelta = timedelta()) -> None:
    """A step whose messages were accepted so long ago."""
    with transaction.atomic():
        enqueue(opened)
    Delivery.objects.filter(state="pending").update(state="sent", sent_at=Now() - age)


def test_an_open_alert_is_due_again_once_its_time_is_over(channel: Channel, step: Step) -> None:
    told(step(), EVERY - timedelta(seconds=20))
    assert renew() == 0
    Delivery.objects.update(sent_at=F("sent_at") - timedelta(seconds=30))
    assert (renew(), renew()) == (1, 0)
    again = Delivery.objects.get()
    assert (again.state, again.attempts, again.event) == ("pending", 0, "trigger")


def test_an_alert_whose_renewal_was_refused_for_good_is_tried_again_while_it_is_open(
    channel: Channel, step: Step
) -> None:
    told(step(), 2 * EVERY)
    Delivery.objects.update(state="dead", due_at=Now())
    assert renew() == 0
    Delivery.objects.update(due_at=Now() - 2 * EVERY)
    assert renew() == 1
    # It ended its senders: it would be given up again every two minutes, and a dead letter each.
    Delivery.objects.update(state="dead", due_at=Now() - 2 * EVERY, unfinished=TOLD_AFTER + 1)
    assert renew() == 0
    Delivery.objects.update(state="dead", due_at=Now() - 2 * EVERY, unfinished=0, sent_at=None)
    assert renew() == 0


class Away:
    """A receiver that does not answer."""

    def now(self) -> float:
        return 0.0

    async def call(self, call: ReceiverCall) -> ReceiverAnswer:
        raise ChannelError("no answer")


def test_a_receiver_that_forgets_is_tried_again_before_it_has_forgotten() -> None:
    waits = []
    for number in range(20):
        destination = Destination(1, "alertmanager", URL, {}, gather=False, refused=False)
        held_one = Claim(number, uuid4(), destination, 30, timedelta(hours=1), 1)
        message = replace(message_of(alert("outage", "trigger")), id=f"dlv_{number}")
        waits.append(asyncio.run(attempt(Away(), held_one, message, 0.0)).wait_s)
    assert max(waits) == alertmanager.RENEW_S


class Server:
    """An Alertmanager that refuses lists with one of `refuses`, and says `busy_s` once, if that is set."""

    def __init__(self, refuses: Sequence[str] = (), busy_s: int = 0) -> None:
        self.refuses, self.busy_s = refuses, busy_s
        self.lists: list[list[str]] = []
        self.bytes_most = 0

    def now(self) -> float:
        return 0.0

    async def call(self, call: ReceiverCall) -> ReceiverAnswer:
        keys = [one["labels"]["incident"] for one in json.loads(call.body)]
        self.lists.append(keys)
        self.bytes_most = max(self.bytes_most, len(call.body))
        if self.busy_s:
            return ReceiverAnswer(503, {"retry-after": str(self.busy_s)})
        return ReceiverAnswer(400 if set(keys) & set(self.refuses) else 200, {})


def held(count: int, **changed: Any) -> list[HeldMessage]:
    destination = Destination(1, "alertmanager", URL, {}, gather=False, refused=False)
    about = alert("outage", "trigger")
    return [
        (
            Claim(number, uuid4(), destination, 1, timedelta(), 1),
            message_of(replace(about, dedup_key=f"inc_{number}", **changed)),
        )
        for number in range(count)
    ]


def sent(server: Server, messages: list[HeldMessage]) -> dict[int, AttemptResult]:
    results = [one for part in together(messages) for one in asyncio.run(attempt_together(server, part, 0.0))]
    assert sorted(one.claim.id for one in results) == [claim.id for claim, _ in messages]
    return {one.claim.id: one for one in results}


def test_alerts_that_are_due_at_once_are_one_request_of_a_bounded_size() -> None:
    server = Server()
    results = sent(server, held(150))
    assert [len(keys) for keys in server.lists] == [64, 64, 22]
    assert {one.outcome for one in results.values()} == {AttemptOutcome.SENT}
    wide = Server()
    sent(wide, held(64, title="\u2603" * 20_000, link="https://x.test/" + "a" * 30_000))
    assert wide.bytes_most <= alertmanager.BODY_MOST and sum(map(len, wide.lists)) == 64


def test_one_alert_that_is_refused_takes_no_other_with_it() -> None:
    server = Server(refuses=["inc_3", "inc_40"])
    results = sent(server, held(64))
    assert {key for key, one in results.items() if one.outcome is AttemptOutcome.DEAD} == {3, 40}
    assert {one.outcome for key, one in results.items() if key not in {3, 40}} == {AttemptOutcome.SENT}


def test_a_server_that_refuses_everything_is_asked_few_times_and_nothing_is_given_up_unasked() -> None:
    server = Server(refuses=[f"inc_{number}" for number in range(64)])
    results = sent(server, held(64))
    assert len(server.lists) < 30
    alone = {keys[0] for keys in server.lists if len(keys) == 1}
    assert {f"inc_{key}" for key, one in results.items() if one.outcome is AttemptOutcome.DEAD} == alone


def test_a_wait_that_the_server_asks_for_is_that_of_all_its_alerts() -> None:
    server = Server(busy_s=77)
    results = sent(server, held(64))
    assert len(server.lists) == 1
    assert {(one.outcome, one.rest_s) for one in results.values()} == {(AttemptOutcome.RETRY, 77.0)}
    assert min(one.wait_s for one in results.values()) >= 77


def test_a_pass_claims_the_alerts_of_each_free_request(channel: Channel, step: Step) -> None:
    Delivery.objects.bulk_create(
        Delivery(
            team=default_team(), channel=channel, incident=opened.incident, transition=opened, event="trigger",
            state="sent", sent_at=opened.at - 2 * EVERY, created_at=opened.at, due_at=opened.at,
        )
        for opened in [step() for _ in range(150)]
    )  # fmt: skip
    assert renew() == 150
    claims = claim({}, 2, [])
    assert len(claims) == 2 * alertmanager.TOGETHER_MOST


def test_of_several_triggers_the_newest_is_sent_again(channel: Channel, step: Step) -> None:
    first = step()
    told(first, 2 * EVERY)
    told(step("changed", first.incident), 2 * EVERY)
    assert renew() == 1
    assert [row.state for row in Delivery.objects.order_by("pk")] == ["sent", "pending"]


def test_what_a_channel_told_in_a_group_when_it_was_of_another_kind_is_sent_alone(channel: Channel, step: Step) -> None:
    for _ in range(3):
        told(step(), 2 * EVERY)
    leader, *others = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=leader.pk).update(tells=3, thread=leader)
    Delivery.objects.filter(pk__in=[one.pk for one in others]).update(leader=leader, thread=leader)
    assert renew() == 3
    assert list(Delivery.objects.values_list("state", "leader", "thread", "tells")) == [("pending", None, None, 1)] * 3


def test_what_is_resolved_held_or_of_another_kind_is_not_sent_again(
    channel: Channel, step: Step, webhook: Callable[..., Channel]
) -> None:
    webhook("/a")
    ended = step()
    told(ended, 2 * EVERY)
    assert renew() == 1
    Delivery.objects.update(state="sent", sent_at=Now() - 2 * EVERY)
    Incident.objects.update(resolved_at=Now())
    assert renew() == 0
    Incident.objects.update(resolved_at=None)
    Delivery.objects.update(state="withheld")
    assert renew() == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager; its address."""
    folder, port = Path(tmp_path_factory.mktemp("alertmanager")), closed_port()
    config = folder / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    options = [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", f"--storage.path={folder}"]
    command = ["prometheus-alertmanager", f"--config.file={config}", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: answers(url), "Alertmanager", within_s=60)
            yield url
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{url}/-/ready", timeout=5).status == 200)
    except OSError:
        return False


def active(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts?active=true", timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def ends_in_s(url: str) -> float:
    ends_at = datetime.fromisoformat(active(url)[0]["endsAt"].replace("Z", "+00:00"))
    return (ends_at - datetime.now(UTC)).total_seconds()


@pytest.mark.django_db(transaction=True)
def test_a_real_alertmanager_opens_keeps_and_ends_an_alert(server: str, step: Step, sender: None) -> None:
    made(server)
    opened = step()
    with transaction.atomic():
        enqueue(opened)
    until(lambda: active(server) != [], "the alert", within_s=60)
    [seen] = active(server)
    assert seen["labels"]["alertname"] == "VigilOutage" and seen["labels"]["incident"] == opened.incident.public_id
    assert seen["generatorURL"].endswith(f"/incidents/{opened.incident.public_id}")
    before_s = seen["endsAt"]
    until(lambda: Delivery.objects.get().state == "sent", "its record", within_s=60)
    # Its time is over: the clockwork of the sender finds that in the row.
    Delivery.objects.update(sent_at=Now() - EVERY)
    until(lambda: active(server)[0]["endsAt"] > before_s, "a renewal", within_s=60)
    assert ends_in_s(server) > alertmanager.LIFE_S - 60
    Incident.objects.update(resolved_at=Now())
    with transaction.atomic():
        enqueue(step("resolved", opened.incident))
    until(lambda: active(server) == [], "the end of the alert", within_s=60)
