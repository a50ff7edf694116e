"""Limits of trials: how many a team may begin in a minute, by hand and for a file, and how many at one target host."""

from __future__ import annotations

import hashlib
from enum import Enum

import redis

from probes import keys

#: Trials of a file at one host in a minute, by one team: one a second.
HOST_MOST = 60
_MINUTE_MS = 60_000


class TrialLane(Enum):
    """What trials are begun for, with how many a team may begin in a minute."""

    #: One that a person looks at.
    BY_HAND = "hand", 20
    #: One of many, such as those of a file: 2,000 take 7 minutes.
    OF_FILE = "file", 300

    @property
    def most(self) -> int:
        return self.value[1]


class TooManyTrials(Exception):
    """The team has begun as many trials as it may in a minute; `wait_s` is until the next one."""

    def __init__(self, most: int, wait_s: int, at: str = "") -> None:
        super().__init__(f"At most {most} trials a minute{at}")
        self.wait_s = wait_s


def admit(client: redis.Redis, lane: TrialLane, who: tuple[str, str], now_ms: int) -> None:
    """Count a trial of a team at a host; raises `TooManyTrials`."""
    team, host = who
    if lane is TrialLane.OF_FILE:
        _count(client, f"{team}:{_digest(host)}", (HOST_MOST, " at one host"), now_ms)
        _count(client, f"{team}:file", (lane.most, " of a file"), now_ms)
    else:
        _count(client, team, (lane.most, ""), now_ms)


def bare_host(host: str) -> str:
    """The host of a target without what stands before and behind it, so that ports of one host count together."""
    name = host.rpartition("@")[2].lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")


def _count(client: redis.Redis, who: str, limit: tuple[int, str], now_ms: int) -> None:
    most, at = limit
    minute, into_ms = divmod(now_ms, _MINUTE_MS)
    name = keys.trials(who, minute)
    begun = int(client.incr(name))
    client.expire(name, 120)
    if begun > most:
        raise TooManyTrials(most, 60 - into_ms // 1000, at)


def _digest(host: str) -> str:
    return hashlib.blake2b(bare_host(host).encode("utf-8", "replace"), digest_size=8).hexdigest()
