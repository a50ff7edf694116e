"""Webhooks are asked first and signed after, Slack is told, and a receiver that fails or leaves is switched off."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from tests.vigil.status.subscribing import incident_of, page_of, run_until, subscriber, tell_all
from vigil.alerts.channels.kind import ChannelError, ReceiverAnswer, ReceiverCall
from vigil.alerts.channels.webhook import sign
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.status.core.subscriber_terms import SubscriberKind
from vigil.status.letters.service import keep_telling
from vigil.status.models import PublicIncident
from vigil.status.public_incidents.maintenance import save_maintenance
from vigil.status.public_incidents.updates import add_update
from vigil.status.subscriber_models import Subscriber, SubscriberLetter
from vigil.status.subscribers.addresses import address_in_one_spelling
from vigil.status.subscribers.links import webhook_secret
from vigil.status.subscribers.requests import WantedSubscription, take_request

pytestmark = pytest.mark.django_db(transaction=True)
_HOOK, _SLACK = "https://hooks.example.test/vigil", "https://hooks.slack.com/services/T0/B0/fake"


class Receiver:
    """Answers as it is told, and keeps what it got."""

    def __init__(self, code: int = 200, answers: bool = True) -> None:
        self.code, self.answers, self.calls = code, answers, list[ReceiverCall]()

    def now(self) -> float:
        return 1_800_000_000.0

    async def call(self, call: ReceiverCall) -> ReceiverAnswer:
        self.calls.append(call)
        if not self.code:
            raise ChannelError("could not be reached", permanent=True)
        return ReceiverAnswer(self.code, {}, str(self.bodies[-1].get("challenge", "")) if self.answers else "ok")

    @property
    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(call.body) for call in self.calls]  # type: ignore[misc]


def test_a_webhook_that_answers_the_challenge_is_told_in_signed_bodies_of_statuspages_form() -> None:
    page, receiver = page_of(), Receiver()
    take_request(page.pk, WantedSubscription(SubscriberKind.WEBHOOK, _HOOK))
    tell_all(outbound=receiver)
    row = Subscriber.objects.get()
    assert row.state == "confirmed" and receiver.bodies[0]["secret"] == webhook_secret(row.public_id)
    incident_of(page, "Chat API")
    tell_all(outbound=receiver)
    call, body = receiver.calls[1], receiver.bodies[1]
    headers = call.headers
    assert headers["webhook-signature"] == sign(
        webhook_secret(row.public_id), headers["webhook-id"], int(headers["webhook-timestamp"]), call.body
    )
    assert {"meta", "page", "incident"} <= body.keys()
    incident, about = body["incident"], body["page"]
    assert isinstance(incident, dict) and isinstance(about, dict)
    assert (incident["status"], incident["impact"], about["status_indicator"]) == ("investigating", "major", "major")
    assert incident["incident_updates"][0]["body"] == "We are looking into it."


def test_a_webhook_of_a_stranger_is_not_called_in_a_private_network_where_alerts_may_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIGIL_ALERT_EGRESS", "private")
    configuration.cache_clear()
    with pytest.raises(ValidationError):
        address_in_one_spelling(SubscriberKind.WEBHOOK, "http://hooks.example.test/vigil")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        inside = f"https://127.0.0.1:{server.getsockname()[1]}/hook"
        take_request(page_of().pk, WantedSubscription(SubscriberKind.WEBHOOK, inside))
        run_until(keep_telling, lambda: SubscriberLetter.objects.filter(state="dead").exists())
        with pytest.raises(BlockingIOError):
            server.accept()
    assert SubscriberLetter.objects.get().last_error == "the address is not public"
    configuration.cache_clear()


def test_planned_maintenance_is_told_with_its_window() -> None:
    page, receiver = page_of(), Receiver()
    subscriber(page, _HOOK, kind="webhook")
    window = {"starts_at": database_now() + timedelta(days=1), "ends_at": database_now() + timedelta(days=2)}
    wanted = {"page": page, "title": "New disks", "text": "We change disks.", "components": [], **window}
    save_maintenance(PublicIncident(team=page.team), wanted)
    tell_all(outbound=receiver)
    incident = receiver.bodies[0]["incident"]
    assert isinstance(incident, dict)
    assert (incident["impact"], incident["status"]) == ("maintenance", "scheduled")
    assert incident["scheduled_for"] < incident["scheduled_until"]


def test_a_receiver_that_does_not_answer_the_challenge_is_never_told() -> None:
    page, receiver = page_of(), Receiver(answers=False)
    take_request(page.pk, WantedSubscription(SubscriberKind.WEBHOOK, _HOOK))
    tell_all(outbound=receiver)
    incident_of(page)
    tell_all(outbound=receiver)
    assert len(receiver.calls) == 1 and Subscriber.objects.get().state == "pending"
    assert SubscriberLetter.objects.get().last_error == "the receiver did not answer with the challenge"


def test_slack_gets_text_that_mentions_nobody() -> None:
    page, receiver = page_of(), Receiver()
    take_request(page.pk, WantedSubscription(SubscriberKind.SLACK, _SLACK))
    tell_all(outbound=receiver)
    assert Subscriber.objects.get().state == "confirmed"
    incident_of(page, title="<!channel> down")
    tell_all(outbound=receiver)
    assert "&lt;!channel&gt;" in str(receiver.bodies[1]["text"]) and receiver.calls[1].url == _SLACK
    blocks = receiver.bodies[1]["blocks"]
    assert isinstance(blocks, list) and blocks[0]["text"]["type"] == "plain_text"


@pytest.mark.parametrize(("code", "letters", "reason"), [(0, 3, "failing"), (404, 3, "failing"), (410, 1, "gone")])
def test_a_webhook_that_fails_for_good_is_switched_off_after_a_bounded_number_of_days(
    code: int, letters: int, reason: str
) -> None:
    page, receiver = page_of(), Receiver(code)
    row = subscriber(page, _HOOK, kind="webhook")
    incident = incident_of(page)
    for number in range(5):
        tell_all(outbound=receiver)
        # A day later: letters of one incident are one failure.
        Subscriber.objects.filter(pk=row.pk).update(failed_at=database_now() - timedelta(days=1))
        add_update(incident, {"text": f"More {number}."})
    tell_all(outbound=receiver)
    row.refresh_from_db()
    assert (row.state, row.off_reason, len(receiver.calls)) == ("off", reason, letters)
