"""Live version of a team's pages: one mark in Redis that every committed change replaces.

A hint and never truth: a poll with the present version needs no query. It also changes with the minute, since ages,
last looks and strips do, and so that a lost mark delays a page by no more than that.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

import redis
from django.db import connection, transaction

from probes import keys
from vigil.monitors.live.results import redis_client

#: The field of changes that concern every team, such as those of regions.
EVERY_TEAM = "*"
#: After a failure Redis is left alone, so that its deadline is not spent at each commit.
REST_S = 5.0
_MINUTE_S = 60


class _Waiting(threading.local):
    """Teams to publish when this thread's transaction commits; and when Redis may be asked again."""

    def __init__(self) -> None:
        self.fields: set[str] = set()
        self.rests_until_s = 0.0


_waiting = _Waiting()


def touch(team: int | None) -> None:
    """Replace the version of a team's pages once this transaction commits; of every team's for None."""
    _waiting.fields.add(EVERY_TEAM if team is None else str(team))
    # Once a transaction: a batch of verdicts touches its teams many times.
    if not any(call[1] is _publish for call in connection.run_on_commit):
        transaction.on_commit(_publish)


def version(team: int, now: datetime) -> str | None:
    """The version of a team's pages; None while Redis is away."""
    found = versions([team], now)
    return None if found is None else found[team]


def versions(teams: Collection[int], now: datetime) -> dict[int, str] | None:
    """The versions of the pages of some teams, asked for at once; None while Redis is away."""
    names = [EVERY_TEAM, *(str(team) for team in teams)]
    try:
        common, *own = cast(list[bytes | None], redis_client().hmget(keys.LIVE, names))
    except redis.RedisError:
        return None
    shared = f"{(common or b'').decode()}.{minute_of(now)}"
    return {team: f"{(mark or b'').decode()}.{shared}" for team, mark in zip(teams, own, strict=True)}


def minute_of(now: datetime) -> int:
    """The part of a version that changes by itself."""
    return int(now.timestamp()) // _MINUTE_S


def _publish() -> None:
    fields, _waiting.fields = _waiting.fields, set()
    if not fields or time.monotonic() < _waiting.rests_until_s:
        return
    marks: Any = {name: secrets.token_hex(4) for name in fields}
    try:
        redis_client().hset(keys.LIVE, mapping=marks)
    except redis.RedisError:
        # The change is committed; pages learn of it within a minute.
        _waiting.rests_until_s = time.monotonic() + REST_S
