"""Outbox of decisions: what the leader writes, and what a follower keeps in case it becomes leader. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from consensus.shards import WHOLE, Shard
from consensus.verdicts import Call, Verdict

#: A follower keeps its verdicts for longer than it takes to become the leader.
KEPT_MS = 30_000


class Unsaid(list[Call | Verdict]):
    """Calls and verdicts that were decided and are not written yet, the oldest first.

    Every shard decides the rounds of all monitors, and says what is about its own.
    """

    def __init__(self, shard: Shard = WHOLE) -> None:
        super().__init__()
        self._shard = shard

    def to_write(self, epoch: int, now_ms: int) -> list[Call | Verdict]:
        """Everything, signed with the leader's epoch; what was written is then deleted here.

        A follower (epoch 0) writes nothing and keeps its recent verdicts: its predecessor may not have written them,
        and ingest applies a round once.
        """
        if not self._shard.is_whole:
            self[:] = [one for one in self if self._shard.owns(one.monitor)]
        if not epoch:
            self[:] = [one for one in self if isinstance(one, Verdict) and now_ms - one.decided_ms < KEPT_MS]
            return []
        return [replace(one, epoch=epoch, shard=self._shard.name) if isinstance(one, Verdict) else one for one in self]
