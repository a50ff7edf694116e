"""The control plane's signs of life, as regions hear them: a mark that changes, for each part.

The parts write theirs into one hash; those who know the regions pass it on to each under a key of its own, so that no
region can make the others believe that all is well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import redis
import structlog

from probes import keys

log = structlog.get_logger(__name__)

EVERY_S = 5.0
#: Without any of these no check leads to an alert.
PARTS = ("dispatch", "consensus", "ingest", "deliver")


class Liveness:
    """One part's sign of life; `beat` is for every turn of its main loop and writes every few seconds."""

    def __init__(self, client: redis.Redis, part: str) -> None:
        self._redis = client
        self._part = part
        self._next_s = 0.0

    def beat(self, regions: Collection[str] = ()) -> None:
        """Write it, and pass all of them on to these regions. Raises `redis.RedisError` when Redis is away."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + EVERY_S
        self._redis.hset(keys.ALIVE, self._part, mark())
        if regions:
            marks = cast(dict[bytes, bytes], self._redis.hgetall(keys.ALIVE))
            pipeline = self._redis.pipeline(transaction=False)
            for region in regions:
                pipeline.hset(keys.alive(region), mapping=cast(Any, marks))
                pipeline.hdel(keys.alive(region), keys.DISMISSED)
            pipeline.execute()

    def dismiss(self, known: Collection[str], named: Collection[str] = ()) -> None:
        """Say to those named, and to every region that is not known, to work no more: in silence it would go on."""
        wanted = {keys.alive(region) for region in known}
        found = {cast(bytes, name).decode("utf-8", "replace") for name in self._redis.scan_iter(keys.alive("*"), 1000)}
        gone = (found | {keys.alive(region) for region in named}) - wanted
        if gone:
            pipeline = self._redis.pipeline(transaction=False)
            for name in gone:
                pipeline.hset(name, keys.DISMISSED, mark())
                pipeline.hdel(name, *PARTS)
            pipeline.execute()


def mark() -> str:
    """A mark that was not there before: who hears it asks only whether it has changed."""
    return str(time.time_ns() // 1_000_000)


def silent_parts(client: redis.Redis, parts: Sequence[str], within_s: float = 60.0) -> tuple[str, ...]:
    """The parts whose mark is older than that by our clock. For the control plane itself, whose clocks agree.

    Raises `redis.RedisError` when Redis is away.
    """
    marks = cast(list[bytes | None], client.hmget(keys.ALIVE, list(parts)))
    oldest_ms = time.time() * 1000 - within_s * 1000
    return tuple(part for part, one in zip(parts, marks, strict=True) if one is None or int(one) < oldest_ms)


class LivenessReporter(threading.Thread):
    """Writes a part's sign of life from beside its loop, for as long as `is_well` says that the loop turns."""

    def __init__(self, client: redis.Redis, part: str, is_well: Callable[[], bool]) -> None:
        super().__init__(name="pulse", daemon=True)
        self._redis = client
        self._part = part
        self._is_well = is_well
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            if self._is_well():
                try:
                    self._redis.hset(keys.ALIVE, self._part, mark())
                except redis.RedisError as error:
                    # Whoever listens hears nothing, which is what there is to say.
                    log.warning("liveness.not_written", error=type(error).__name__)
            self._stopping.wait(EVERY_S)

    def stop(self) -> None:
        self._stopping.set()
