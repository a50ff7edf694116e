"""Test message: checks that a channel works before it is needed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from vigil.accounts import public_ids
from vigil.accounts.sealed import SealedValueUnreadable
from vigil.alerts.channels import CHANNELS, ChannelError, ChannelSettingsError, Kind, parse_config
from vigil.alerts.channels.kind import Accepted
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.alerts.delivery.outcomes import remember
from vigil.alerts.models import Channel
from vigil.alerts.wording.alert import Alert, AlertSubject, Evidence, VoteLine
from vigil.alerts.wording.message import message_of
from vigil.clock import followed_clock
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
    # Receivers refuse a signature of another time, and only the process that delivers follows the database's clock.
    followed_clock.follow()
    try:
        taken = asyncio.run(_send(channel, trial_alert(now)))
        remember(channel.pk, taken.settings)
        accepted, answer = not taken.missed, " ".join(filter(None, (taken.answer, taken.missed)))
    except (ChannelError, ChannelSettingsError, SealedValueUnreadable) as refused:
        accepted, answer = False, str(refused)
    except TimeoutError:
        accepted, answer = False, f"nothing within {TRIAL_DEADLINE_S:.0f} s"
    return TrialResult(accepted, answer, round((time.monotonic() - began) * 1000))


async def _send(channel: Channel, alert: Alert) -> Accepted:
    kind = CHANNELS[channel.kind]
    config = parse_config(channel.kind, channel.config)
    outbound = GuardedOutbound(configuration().alert_egress)
    try:
        async with asyncio.timeout(TRIAL_DEADLINE_S):
            payload = kind.render(message_of(alert), config)
            accepted = await kind.send(outbound, config, channel.secrets, payload)
            if kind.keeps_alerts:
                await _resolve(kind, outbound, channel, alert)
            return accepted
    finally:
        await outbound.close()


async def _resolve(kind: Kind[Any, Any], outbound: GuardedOutbound, channel: Channel, alert: Alert) -> None:
    """End what the test has opened; raises `ChannelError` that says that it is still open."""
    config = parse_config(channel.kind, channel.config)
    over = replace(alert, event="resolve", delivery=public_ids.new_delivery(), resolved_at=alert.at, reason="self_test")
    try:
        await kind.send(outbound, config, channel.secrets, kind.render(message_of(over), config))
    except ChannelError as refused:
        raise ChannelError(f"the test was taken, and is still open there: {refused}") from None
