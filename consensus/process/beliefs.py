"""Beliefs of vigil as consensus reads them from Redis: all at first, then what changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec
import redis
import structlog

from consensus.shards import WHOLE, Shard
from consensus.verdicts import Belief, decode_belief, decode_belief_changes
from probes import keys
from probes.process.redis_streams import Entries
from probes.reasons import Refusal
from probes.signing.control_macs import ControlMacs

log = structlog.get_logger()

#: Changes taken in one read.
CHANGES_COUNT = 500
#: Ingest writes all beliefs again every minute; older ones are not begun with.
AGE_MOST_MS = 600_000


@dataclass(frozen=True, slots=True)
class Believed:
    """What vigil has committed, by monitor; `changed` names what differs from the last time, None when all may."""

    beliefs: Mapping[str, Belief]
    changed: Collection[str] | None = None


class BeliefReader:
    """Reads what is believed of the monitors of a shard. Raises `redis.RedisError` when Redis is away."""

    def __init__(self, client: redis.Redis, macs: ControlMacs, now_ms: Callable[[], int], shard: Shard = WHOLE) -> None:
        self._redis = client
        self._shard = shard
        self._macs = macs
        self._now_ms = now_ms
        self._beliefs: dict[str, Belief] = {}
        self._mark: bytes | None = None
        self._changes_read = keys.STREAM_START.encode()

    def read(self) -> Believed | None:
        """All beliefs, if they are there in full and changed since they were last read.

        What changed is read alone where the changes lead from what is known to what is there now without a gap.
        """
        mark = cast(bytes | None, self._redis.hget(keys.BELIEVED, keys.BELIEVED_MARK.decode()))
        if mark is None or mark == self._mark:
            return None
        changed = self._follow_changes() if self._mark is not None else None
        if changed is None:
            self._read_all()
        return Believed(self._beliefs, changed)

    def _follow_changes(self) -> set[str] | None:
        """Apply the changes since the last read; None when they do not begin where we are, or cannot be read."""
        entries = cast(
            Entries, self._redis.xrange(keys.BELIEF_CHANGES, min=b"(" + self._changes_read, count=CHANGES_COUNT)
        )
        changed: set[str] = set()
        for entry_id, fields in entries:
            if fields.get(b"f") != self._mark or b"t" not in fields:
                return None
            body = fields.get(keys.BODY, b"")
            mac = fields.get(keys.ENVELOPE, b"")
            refusal = self._macs.refusal(keys.BELIEF_CHANGES, body, mac, self._now_ms(), AGE_MOST_MS)
            if refusal is not None:
                log.warning("beliefs.refused", why=refusal.value)
                return None
            try:
                changes = decode_belief_changes(body)
            except msgspec.DecodeError as error:
                log.warning("beliefs.unreadable", error=str(error))
                return None
            for monitor, belief in changes.items():
                if not self._shard.owns(monitor):
                    continue
                changed.add(monitor)
                if belief is None:
                    self._beliefs.pop(monitor, None)
                else:
                    self._beliefs[monitor] = belief
            self._mark, self._changes_read = fields[b"t"], entry_id
        return changed if entries else None

    def _read_all(self) -> None:
        """Read all beliefs and the position of the changes that follow them, in one transaction."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.hgetall(keys.BELIEVED)
        pipe.xrevrange(keys.BELIEF_CHANGES, count=1)
        fields, last = pipe.execute()
        self._mark = fields.pop(keys.BELIEVED_MARK, None)
        self._changes_read = last[0][0] if last else keys.STREAM_START.encode()
        self._beliefs = dict(self._of(fields))

    def _of(self, fields: Mapping[bytes, bytes]) -> Iterator[tuple[str, Belief]]:
        now_ms = self._now_ms()
        for name, value in fields.items():
            monitor = name.decode("utf-8", "replace")
            if not self._shard.owns(monitor):
                continue
            body = self._macs.body(f"{keys.BELIEVED}/{monitor}", value, now_ms, AGE_MOST_MS)
            if isinstance(body, Refusal):
                log.warning("belief.refused", monitor=monitor[:100], why=body.value)
                continue
            try:
                yield monitor, decode_belief(body)
            except msgspec.DecodeError as error:
                log.warning("belief.unreadable", monitor=monitor[:100], error=str(error))
