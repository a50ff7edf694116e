"""Self-test decisions: which channels take part, when, and what the deliveries prove. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Channel kind made for self-tests; no route uses it.
LOOPBACK = "loopback"
#: Interval of loopback tests; a success also allows dead man's switch pings for this long.
LOOPBACK_EVERY = timedelta(minutes=5)
PROOF_LASTS = timedelta(minutes=10)
#: A message not accepted within this time counts as failed.
PATIENCE = timedelta(seconds=90)
KEEP = timedelta(days=3)
#: Prefix of the cause of an incident about a channel that failed its self-test.
UNPROVEN = "unproven:"
MINUTES_LEAST, MINUTES_MOST = 5, 43_200


@dataclass(frozen=True, slots=True)
class Participant:
    """A channel under self-test: its interval, and its last test. `proven` is when it last accepted, if it did."""

    channel: int
    name: str
    every: timedelta
    begun: datetime | None = None
    accepted: datetime | None = None
    failed: str = ""
    loopback: bool = False


def due(channels: Sequence[Participant], now: datetime) -> tuple[int, ...]:
    """Channels to test now. A failed one is retried with every loopback test."""
    soon = [LOOPBACK_EVERY if channel.failed else channel.every for channel in channels]
    return tuple(
        channel.channel
        for channel, every in zip(channels, soon, strict=True)
        if channel.begun is None or now - channel.begun >= min(every, channel.every)
    )


def doubt(channels: Sequence[Participant], now: datetime) -> str:
    """Why delivery is in doubt; empty when it is proven, so the dead man's switch may be pinged."""
    loops = [channel.accepted for channel in channels if channel.loopback and channel.accepted is not None]
    if not loops:
        return "no self-test has passed yet"
    if now - max(loops) > PROOF_LASTS:
        return f"the last self-test that passed was at {max(loops):%H:%M:%S} UTC"
    failed = next((channel for channel in channels if channel.failed), None)
    return f"{failed.name} did not accept its self-test: {failed.failed}" if failed else ""
