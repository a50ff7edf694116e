"""Sending a test message, so that a channel is known to work before it is needed."""

from __future__ import annotations

import asyncio
from datetime import datetime

from vigil.accounts import public_ids
from vigil.accounts.sealed import SealedValueUnreadable
from vigil.alerts.alert import Alert, Evidence, Subject, VoteLine
from vigil.alerts.channels import CHANNELS, ChannelError, SettingsError, parse_config
from vigil.alerts.models import Channel
from vigil.alerts.outbound import DEADLINE_S, GuardedOutbound
from vigil.configuration import configuration


def trial_alert(now: datetime) -> Alert:
    """An alert that says of itself that it is a test."""
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
        subject=Subject("mon_test", "This is a test, nothing is down", "https://example.com", "http"),
        evidence=Evidence(n=1, m=1, k=1, domains=1, votes=(vote,)),
        test=True,
    )


def send_trial(channel: Channel, now: datetime) -> str:
    """Send a test message now; returns what became of it, in one line."""
    try:
        asyncio.run(_send(channel, trial_alert(now)))
    except (ChannelError, SettingsError, SealedValueUnreadable) as refused:
        return f"not accepted: {refused}"
    except TimeoutError:
        return f"not accepted within {DEADLINE_S:.0f} s"
    return "accepted"


async def _send(channel: Channel, alert: Alert) -> None:
    kind = CHANNELS[channel.kind]
    config = parse_config(channel.kind, channel.config)
    outbound = GuardedOutbound(configuration().alert_egress)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await kind.send(outbound, config, channel.secrets, kind.render(alert, config))
    finally:
        await outbound.close()
