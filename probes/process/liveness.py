"""Liveness marks of the control plane: each part writes one, which changes while it lives.

Parts read each other's marks in one hash, where each has a MAC. The parts that know the regions sign the marks for each
region, in a key of its own: no region can fake what others read, and no user of Redis what a region hears. A mark that
is older than a minute is none, so that a copy of it written again keeps nothing alive for longer.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

import redis
import structlog

from probes import keys
from probes.process.redis_streams import redis_now_ms
from probes.process.refusals import Refusals
from probes.reasons import Refusal
from probes.signing.control_macs import ControlMacs
from probes.signing.envelope import PLACE_MOST
from probes.signing.signatures import Signer

log = structlog.get_logger(__name__)

EVERY_S = 5.0
#: How long a mark says that its part lives.
MARK_LIFE_S = 60
#: A dismissal is said again every few seconds.
DISMISSAL_LIFE_S = 120
#: Without any of these no check leads to an alert.
PARTS = ("dispatch", "consensus", "ingest", "deliver")


class Liveness:
    """One part's mark; `beat` is for every turn of its main loop and writes every few seconds.

    A part with a signer passes the marks of all on to regions, and dismisses regions.
    """

    def __init__(self, client: redis.Redis, part: str, macs: ControlMacs, signer: Signer | None = None) -> None:
        self._redis = client
        self._part = part
        self._macs = macs
        self._signer = signer
        self._refusals = Refusals()
        self._next_s = 0.0

    def beat(self, regions: Collection[str] = ()) -> None:
        """Write it, and pass all of them on to these regions. Raises `redis.RedisError` when Redis is away."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + EVERY_S
        write_mark(self._redis, self._part, self._macs)
        if regions:
            self._pass_on(regions)

    def _pass_on(self, regions: Collection[str]) -> None:
        signer, marks = self._signing(), self._living()
        gone = [keys.DISMISSED, *(part for part in PARTS if part not in marks)]
        pipeline = self._redis.pipeline(transaction=False)
        for region in regions:
            fields = {part: signed_mark(signer, region, part, mark) for part, mark in marks.items()}
            if fields:
                pipeline.hset(keys.alive(region), mapping=cast(Any, fields))
            pipeline.hdel(keys.alive(region), *gone)
        pipeline.execute()

    def _living(self) -> dict[str, bytes]:
        """The marks of the parts that live. One that another user wrote is counted."""
        found = read_marks(self._redis, PARTS, self._macs)
        refused: Counter[Refusal] = Counter(
            mark for mark in found.values() if isinstance(mark, Refusal) and mark is not Refusal.EXPIRED
        )
        self._refusals.add(keys.ALIVE.removeprefix(keys.PREFIX), refused)
        self._refusals.write(self._redis)
        return {part: mark for part, mark in found.items() if isinstance(mark, bytes)}

    def dismiss(self, known: Collection[str], named: Collection[str] = ()) -> None:
        """Tell the named regions, and every region that is not known, to stop; untold they would go on.

        The dismissal is signed: a forged one would make a region forget its orders. Raises `redis.RedisError`.
        """
        wanted = {keys.alive(region) for region in known}
        found = {cast(bytes, name).decode("utf-8", "replace") for name in self._redis.scan_iter(keys.alive("*"), 1000)}
        gone = (found | {keys.alive(region) for region in named}) - wanted
        if gone:
            pipeline = self._redis.pipeline(transaction=False)
            for name in gone:
                place = keys.heard_by(name.removeprefix(keys.alive("")), keys.DISMISSED)
                if len(place.encode()) > PLACE_MOST:
                    # No region has such a name: another user of Redis wrote the key.
                    continue
                pipeline.hset(name, keys.DISMISSED, self._signing().sign(place, b"", DISMISSAL_LIFE_S))
                pipeline.hdel(name, *PARTS)
            pipeline.execute()

    def _signing(self) -> Signer:
        if self._signer is None:
            raise TypeError("only a part that signs may speak to regions")
        return self._signer


def write_mark(client: redis.Redis, part: str, macs: ControlMacs) -> None:
    """Write a part's mark: the time on Redis' clock, which is that of the readers. Raises `redis.RedisError`."""
    now_ms = redis_now_ms(client)
    client.hset(keys.ALIVE, part, cast(Any, macs.value(keys.mark_of(part), str(now_ms).encode(), now_ms)))


def read_marks(client: redis.Redis, parts: Sequence[str], macs: ControlMacs) -> Mapping[str, bytes | Refusal]:
    """The marks of these parts, or why one is none; EXPIRED where the part was silent. Raises `redis.RedisError`."""
    now_ms = redis_now_ms(client)
    written = cast(list[bytes | None], client.hmget(keys.ALIVE, list(parts)))
    return {
        part: macs.body(keys.mark_of(part), value, now_ms, MARK_LIFE_S * 1000)
        for part, value in zip(parts, written, strict=True)
        if value is not None
    }


def silent_parts(client: redis.Redis, parts: Sequence[str], macs: ControlMacs) -> tuple[str, ...]:
    """The parts without a mark of the last minute. Raises `redis.RedisError` when Redis is away."""
    marks = read_marks(client, parts, macs)
    return tuple(part for part in parts if not isinstance(marks.get(part), bytes))


def signed_mark(signer: Signer, region: str, part: str, mark: bytes) -> bytes:
    """A part's mark as a region's key holds it."""
    return signer.sign(keys.heard_by(region, part), mark, MARK_LIFE_S) + mark


class LivenessReporter(threading.Thread):
    """Writes a part's mark from a thread beside its loop, while `is_well` says that the loop turns."""

    def __init__(self, client: redis.Redis, part: str, macs: ControlMacs, is_well: Callable[[], bool]) -> None:
        super().__init__(name="pulse", daemon=True)
        self._redis = client
        self._part = part
        self._macs = macs
        self._is_well = is_well
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._is_well():
                    write_mark(self._redis, self._part, self._macs)
            except Exception as error:  # noqa: BLE001  # whatever it is, the next mark is due in some seconds
                # The regions see an old mark, which is the truth.
                log.warning("liveness.not_written", error=type(error).__name__)
            self._stopping.wait(EVERY_S)

    def stop(self) -> None:
        self._stopping.set()
