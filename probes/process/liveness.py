"""Liveness marks of the control plane, for the regions: one mark that changes for each part.

The parts write their marks into one hash; the parts that know the regions copy it to a key for each region, so that no
region can fake the marks that the others read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import redis
import structlog

from probes import keys
from probes.signing.envelope import PLACE_MOST
from probes.signing.signatures import Signer

log = structlog.get_logger(__name__)

EVERY_S = 5.0
#: A dismissal is said again every few seconds.
DISMISSAL_LIFE_S = 120
#: Without any of these no check leads to an alert.
PARTS = ("dispatch", "consensus", "ingest", "deliver")


class Liveness:
    """One part's mark; `beat` is for every turn of its main loop and writes every few seconds."""

    def __init__(self, client: redis.Redis, part: str, signer: Signer | None = None) -> None:
        self._redis = client
        self._part = part
        self._signer = signer
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
        """Tell the named regions, and every region that is not known, to stop; without a word they would go on.

        The word is signed: another's would make a region forget its orders. Raises `redis.RedisError`.
        """
        if self._signer is None:
            raise TypeError("only a part that signs may dismiss a region")
        wanted = {keys.alive(region) for region in known}
        found = {cast(bytes, name).decode("utf-8", "replace") for name in self._redis.scan_iter(keys.alive("*"), 1000)}
        gone = (found | {keys.alive(region) for region in named}) - wanted
        if gone:
            pipeline = self._redis.pipeline(transaction=False)
            for name in gone:
                place = keys.dismissal(name.removeprefix(keys.alive("")))
                if len(place.encode()) > PLACE_MOST:
                    # No region has such a name: another user of Redis wrote the key.
                    continue
                word = self._signer.sign(place, b"", DISMISSAL_LIFE_S)
                pipeline.hset(name, keys.DISMISSED, word)
                pipeline.hdel(name, *PARTS)
            pipeline.execute()


def mark() -> str:
    """A new mark: readers ask only whether it has changed."""
    return str(time.time_ns() // 1_000_000)


def silent_parts(client: redis.Redis, parts: Sequence[str], within_s: float = 60.0) -> tuple[str, ...]:
    """The parts whose mark is older than that by our clock. For the control plane itself, whose clocks agree.

    Raises `redis.RedisError` when Redis is away.
    """
    marks = cast(list[bytes | None], client.hmget(keys.ALIVE, list(parts)))
    now_ms, within_ms = time.time() * 1000, within_s * 1000
    # A mark of the far future would be young for as long.
    return tuple(part for part, one in zip(parts, marks, strict=True) if abs(now_ms - _marked_ms(one)) > within_ms)


def _marked_ms(one: bytes | None) -> float:
    try:
        return float(int(one or b"0"))
    except (ValueError, OverflowError):
        return 0.0


class LivenessReporter(threading.Thread):
    """Writes a part's mark from a thread beside its loop, while `is_well` says that the loop turns."""

    def __init__(self, client: redis.Redis, part: str, is_well: Callable[[], bool]) -> None:
        super().__init__(name="pulse", daemon=True)
        self._redis = client
        self._part = part
        self._is_well = is_well
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._is_well():
                    self._redis.hset(keys.ALIVE, self._part, mark())
            except Exception as error:  # noqa: BLE001  # whatever it is, the next mark is due in some seconds
                # The regions see an old mark, which is the truth.
                log.warning("liveness.not_written", error=type(error).__name__)
            self._stopping.wait(EVERY_S)

    def stop(self) -> None:
        self._stopping.set()
