"""Published beliefs: committed states in Redis for consensus, rebuilt after a loss of Redis."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any, cast

import redis

from consensus.verdicts import Belief, encode, encode_belief_changes
from probes import keys
from probes.process.redis_streams import redis_now_ms
from vigil.control_keys import control_macs
from vigil.incidents.models import MonitorState
from vigil.incidents.state_rows import NOT_PLAINLY_UP, belief_of
from vigil.monitors.models import DerivedKind

CHUNK = 1_000

#: A rebuild that another shard crosses is begun again so often.
REBUILDS_MOST = 3
#: Changes kept for readers that lag; one further behind reads everything.
CHANGES_KEPT = 1_000

#: KEYS hash, stream of changes; ARGV mark field, new mark, changes to keep, the changes packed, their MAC, then pairs
#: of monitor and belief ('' to delete). Updates a hash only if it is complete, so a lost one is never read in part.
#: Each change names the mark before it, so readers detect a missed one.
_CHANGE = """
local before = redis.call('HGET', KEYS[1], ARGV[1])
if not before then return 0 end
for i = 6, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[i])
  else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'f', before, 't', ARGV[2], 'b', ARGV[4], 'e', ARGV[5])
return 1
"""


class Beliefs:
    """The `believed` hash. Every method raises `redis.RedisError` when Redis is unavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._change = client.register_script(_CHANGE)

    def publish(self, monitors: Collection[str]) -> None:
        """Publish committed states of these monitors (public ids)."""
        names = list(monitors)
        now_ms = redis_now_ms(self._redis) if names else 0
        for start in range(0, len(names), CHUNK):
            chunk = names[start : start + CHUNK]
            rows = MonitorState.objects.filter(
                monitor__public_id__in=chunk, monitor__deleted_at=None, monitor__paused=False
            )
            rows = rows.exclude(monitor__kind__in=DerivedKind).select_related("monitor")
            believed = {row.monitor.public_id: belief_of(row) for row in rows}
            pairs: list[str | bytes] = []
            for monitor in chunk:
                belief = believed.get(monitor)
                pairs += [monitor, _value(monitor, belief, now_ms) if belief else b""]
            mark = keys.BELIEVED_MARK.decode()
            changes = encode_belief_changes({monitor: believed.get(monitor) for monitor in chunk})
            mac = control_macs().mac(keys.BELIEF_CHANGES, changes, now_ms)
            args = [mark, secrets.token_hex(8), CHANGES_KEPT, changes, mac, *pairs]
            if not self._change(keys=[keys.BELIEVED, keys.BELIEF_CHANGES], args=args):
                self.rebuild()
                return

    def is_complete(self) -> bool:
        return bool(self._redis.hexists(keys.BELIEVED, keys.BELIEVED_MARK.decode()))

    def rebuild(self) -> None:
        """Replace everything with the committed states, atomically. It is read again where another shard has published
        meanwhile, a few times: what is still overwritten by something older comes right with the next round."""
        for _ in range(REBUILDS_MOST):
            before = self._mark()
            pipe = self._replacement()
            if self._mark() == before:
                break
        pipe.execute()

    def _mark(self) -> bytes | None:
        return cast(bytes | None, self._redis.hget(keys.BELIEVED, keys.BELIEVED_MARK.decode()))

    def _replacement(self) -> Any:
        rows = (
            MonitorState.objects.filter(NOT_PLAINLY_UP, monitor__deleted_at=None, monitor__paused=False)
            # Consensus does not decide these.
            .exclude(monitor__kind__in=DerivedKind)
            .select_related("monitor")
            .order_by("pk")
        )
        pipe = self._redis.pipeline(transaction=True)
        now_ms = redis_now_ms(self._redis)
        pipe.delete(keys.BELIEVED)
        chunk: dict[str | bytes, bytes | str] = {}
        for row in rows.iterator(chunk_size=CHUNK):
            belief = belief_of(row)
            if belief:
                chunk[row.monitor.public_id] = _value(row.monitor.public_id, belief, now_ms)
            if len(chunk) >= CHUNK:
                pipe.hset(keys.BELIEVED, mapping=cast(Any, chunk))
                chunk = {}
        chunk[keys.BELIEVED_MARK] = secrets.token_hex(8)
        pipe.hset(keys.BELIEVED, mapping=cast(Any, chunk))
        return pipe


def _value(monitor: str, belief: Belief, now_ms: int) -> bytes:
    """A belief as its field holds it: with the MAC of the control plane."""
    return control_macs().value(f"{keys.BELIEVED}/{monitor}", encode(belief), now_ms)
