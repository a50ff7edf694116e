"""Points of quotas in Redis, bounded for each monitor: losing them delays a trend and loses nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import redis

from probes import keys
from probes.reasons import Refusal
from vigil.access.core.points import KEPT_S, Points, packed, unpacked
from vigil.control_keys import control_macs

CHUNK = 500


class PointStore:
    """What is kept of each monitor (public id); every value has a MAC, bound to its monitor."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def read(self, monitors: Sequence[str], now_ms: int) -> dict[str, Points]:
        """The points of monitors; none of what is missing, old or not ours."""
        found = {}
        for start in range(0, len(monitors), CHUNK):
            chunk = list(monitors[start : start + CHUNK])
            values = cast(list[bytes | None], self._redis.hmget(keys.HEADROOM, chunk))
            for monitor, value in zip(chunk, values, strict=True):
                body = control_macs().body(_place(monitor), value, now_ms, round(KEPT_S * 1000)) if value else None
                if body is not None and not isinstance(body, Refusal):
                    found[monitor] = unpacked(body)
        return found

    def write(self, points: Mapping[str, Points], now_ms: int) -> None:
        """Store the points of these monitors, for as long as the newest of them may count."""
        if not points:
            return
        held = {
            monitor: control_macs().value(_place(monitor), packed(each), now_ms) for monitor, each in points.items()
        }
        pipe = self._redis.pipeline(transaction=False)
        pipe.hset(keys.HEADROOM, mapping=cast(Any, held))
        pipe.expire(keys.HEADROOM, round(KEPT_S))
        pipe.execute()

    def keep_only(self, monitors: Collection[str]) -> None:
        """Drop those of other monitors."""
        there = {field.decode(errors="replace") for field in cast(list[bytes], self._redis.hkeys(keys.HEADROOM))}
        gone = sorted(there - set(monitors))
        if gone:
            self._redis.hdel(keys.HEADROOM, *gone)


def _place(monitor: str) -> str:
    return f"{keys.HEADROOM}/{monitor}"
