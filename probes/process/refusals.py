"""What is refused at the boundary, counted by origin and cause, and said now and then."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

import redis
import structlog

from probes import keys
from probes.admission import Refusal

log = structlog.get_logger(__name__)

#: Something may be refused with every message there is: it is said this often at most.
TELL_EVERY_S = 10.0
#: Origins that are told apart until it is said; the rest are counted as one.
ORIGINS_MOST = 1_000


class Refusals:
    """Counts for one process. `tell` is for every turn of its loop."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._counted: dict[str, Counter[Refusal]] = {}
        self._next_s = 0.0

    def add(self, origin: str, refused: Mapping[Refusal, int]) -> None:
        """Count what was refused of an origin: a region, or the name of a key."""
        if refused:
            known = origin if origin in self._counted or len(self._counted) < ORIGINS_MOST else "others"
            self._counted.setdefault(known, Counter()).update(refused)

    def tell(self) -> Mapping[str, Mapping[Refusal, int]]:
        """Say what was refused since the last time, and give it; nothing while it was said a moment ago."""
        if not self._counted or self._monotonic_s() < self._next_s:
            return {}
        self._next_s = self._monotonic_s() + TELL_EVERY_S
        told, self._counted = self._counted, {}
        for origin, causes in told.items():
            log.warning("results.refused", origin=origin, **{cause.value: count for cause, count in causes.items()})
        return told

    def write(self, client: redis.Redis) -> None:
        """Say it, and count it where `doctor` finds it. Raises `redis.RedisError` when Redis is away."""
        pipe = client.pipeline(transaction=False)
        for origin, causes in self.tell().items():
            for cause, count in causes.items():
                pipe.hincrby(keys.REFUSED, f"{origin}/{cause}", count)
        if len(pipe):
            pipe.expire(keys.REFUSED, keys.REFUSED_TTL_S)
            # Not allowed by older lists of rights: the log has said it.
            pipe.execute(raise_on_error=False)
