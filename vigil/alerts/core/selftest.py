"""What a self-test is: who takes part and when, and what its deliveries prove. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: The kind of channel that is there to be tested; no route uses it.
LOOPBACK = "loopback"
#: The loopback is tested this often; the dead man's switch is pinged for this long after the path worked.
LOOPBACK_EVERY = timedelta(minutes=5)
PROOF_LASTS = timedelta(minutes=10)
#: A message that nobody has accepted by then has not got out.
PATIENCE = timedelta(seconds=90)
KEEP = timedelta(days=3)
#: What the cause of an incident about a channel that did not accept its self-test begins with.
UNPROVEN = "unproven:"
MINUTES_LEAST, MINUTES_MOST = 5, 43_200


@dataclass(frozen=True, slots=True)
class Taking:
    """A channel that takes part: how often, and when it last did. `proven` when it accepted the last time, and when."""

    channel: int
    name: str
    every: timedelta
    begun: datetime | None = None
    accepted: datetime | None = None
    failed: str = ""
    loopback: bool = False


def due(channels: Sequence[Taking], now: datetime) -> tuple[int, ...]:
    """The channels that are to be tested now. One that failed is tried again with every test of the loopback."""
    soon = [LOOPBACK_EVERY if channel.failed else channel.every for channel in channels]
    return tuple(
        channel.channel
        for channel, every in zip(channels, soon, strict=True)
        if channel.begun is None or now - channel.begun >= min(every, channel.every)
    )


def doubt(channels: Sequence[Taking], now: datetime) -> str:
    """Why it is not certain that alerts get out; empty when it is: what may be told outside."""
    loops = [channel.accepted for channel in channels if channel.loopback and channel.accepted is not None]
    if not loops:
        return "no self-test has passed yet"
    if now - max(loops) > PROOF_LASTS:
        return f"the last self-test that passed was at {max(loops):%H:%M:%S} UTC"
    failed = next((channel for channel in channels if channel.failed), None)
    return f"{failed.name} did not accept its self-test: {failed.failed}" if failed else ""
