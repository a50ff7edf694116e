"""On-call in processes of their own: what is due is told once, though one of them is killed at any moment."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.vigil.alerts.on_call_rows import Step, Webhook, opened, pass_time, policy, route, tell, told
from vigil.accounts.teams import default_team
from vigil.alerts.delivery.fallback import unaccepted_pages
from vigil.alerts.models import Delivery
from vigil.clock import database_now
from vigil.silences.changes import create_silence
from vigil.silences.models import Silence

pytestmark = pytest.mark.django_db(transaction=True)
Until = Callable[..., None]


def test_escalations_go_on_once_through_kills(
    step: Step, webhook: Webhook, receiver: Any, process: Callable[[], subprocess.Popen[bytes]], until: Until
) -> None:
    route(policy=policy((0, [webhook("/first", gather=False)]), (60, [webhook("/second", gather=False)])))
    incidents = [opened(step) for _ in range(12)]
    one, _ = process(), process()
    until(lambda: len(receiver.at("/first")) == 12, within_s=30)
    for number, incident in enumerate(incidents):
        pass_time(incident, 60)
        if number == 5:
            # Killed while it has some of them in hand, and nothing tells it to.
            one.kill()
            one.wait(10)
    until(lambda: len({post["body"]["dedup_key"] for post in receiver.at("/second")}) == 12, within_s=40)
    for incident in incidents:
        assert [(channel, event) for channel, event, _ in told(incident)] == [
            ("/first", "trigger"), ("/second", "trigger"),
        ]  # fmt: skip
        assert [step for (step,) in incident.transitions.order_by("seq").values_list("step")] == ["opened", "escalated"]
    ids = {post["headers"]["webhook-id"] for post in receiver.at("/second")}
    assert len(ids) == 12


def test_an_alert_that_a_window_held_is_sent_when_it_ends_by_itself(
    step: Step, webhook: Webhook, receiver: Any, process: Callable[[], subprocess.Popen[bytes]], until: Until
) -> None:
    webhook("/a")
    first = step()
    now = database_now()
    ends_at = now + timedelta(seconds=8)
    wanted = {"name": "upgrade", "starts_at": now - timedelta(hours=1), "ends_at": ends_at}
    assert first.incident.monitor is not None
    create_silence(Silence(team=default_team()), wanted, [first.incident.monitor])
    tell(first)
    # It is held, and nobody takes it for a page that nobody accepted.
    Delivery.objects.update(created_at=now - timedelta(minutes=10))
    assert unaccepted_pages() == []
    process(), process()
    until(lambda: receiver.posts, within_s=40)
    assert database_now() >= ends_at
    until(lambda: Delivery.objects.get().state == "sent", within_s=10)
    assert len(receiver.posts) == 1 and time.time() >= ends_at.timestamp()
