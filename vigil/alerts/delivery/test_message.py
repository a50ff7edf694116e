"""Test message: checks that a channel works before it is needed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

from vigil.accounts import public_ids
from vigil.accounts.sealed import SealedValueUnreadable
from vigil.alerts.channels import CHANNELS, ChannelError, ChannelSettingsError, parse_config
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.alerts.models import Channel
from vigil.alerts.wording.alert import Alert, AlertSubject, Evidence, VoteLine
from vigil.alerts.wording.message import message_of
from vigil.configuration import configuration

TRIAL_DEADLINE_S = 15.0


def trial_alert(now: datetime) -> Alert:
    """An alert marked as a test."""
    vote = VoteLine(region="test-region", domain="test", status="down", reason="timeout", attempts=2)
    return Alert(
        delivery=public_ids.new_delivery(),
        event="trigger",
        dedup_key=public_ids.new("test"),
        kind="outage",
        title="This is a test",
        failure="timeout",
        reason="confirmed",
        started_at=now,
        opened_at=now,
        at=now,
        link=configuration().base_url,
        subject=AlertSubject("mon_test", "This is a test, nothing is down", "https://example.com", "http"),
        evidence=Evidence(n=1, m=1, k=1, domains=1, votes=(vote,)),
        test=True,
    )


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Result of a test message, with the receiver's answer."""

    accepted: bool
    answer: str
    took_ms: int

    def __str__(self) -> str:
        return f"{'accepted' if self.accepted else 'not accepted'}: {self.answer}"


def send_trial(channel: Channel, now: datetime) -> TrialResult:
    """Send a test message now; returns the receiver's answer."""
    began = time.monotonic()
    try:
        accepted, answer = True, asyncio.run(_send(channel, trial_alert(now)))
    except (ChannelError, ChannelSettingsError, SealedValueUnreadable) as refused:
        accepted, answer = False, str(refused)
    except TimeoutError:
        accepted, answer = False, f"nothing within {TRIAL_DEADLINE_S:.0f} s"
    return TrialResult(accepted, answer, round((time.monotonic() - began) * 1000))


async def _send(channel: Channel, alert: Alert) -> str:
    kind = CHANNELS[channel.kind]
    config = parse_config(channel.kind, channel.config)
    outbound = GuardedOutbound(configuration().alert_egress)
    try:
        async with asyncio.timeout(TRIAL_DEADLINE_S):
            payload = kind.render(message_of(alert), config)
            return (await kind.send(outbound, config, channel.secrets, payload)).answer
    finally:
        await outbound.close()
