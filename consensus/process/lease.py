"""Lease in Redis: one holder at a time, with a fencing epoch that only grows, so that a stale holder is refused.

Correctness does not rest on this lease: verdicts are derived from their rounds, and ingest refuses older epochs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import redis

from probes import keys

LEASE_MS = 5_000

#: KEYS holder, epoch; ARGV holder's name, lease in ms. Returns the epoch, or 0 when another process holds the lease.
#: The epoch is at least the time in microseconds, so it grows even where Redis has lost everything.
_ACQUIRE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
local epoch = tonumber(redis.call('GET', KEYS[2]) or '0')
if not held then
  local now = redis.call('TIME')
  epoch = math.max(epoch + 1, now[1] * 1000000 + now[2])
  redis.call('SET', KEYS[2], string.format('%.0f', epoch))
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return epoch
"""

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class ConsensusLease:
    """Renew it often; `epoch` is 0 whenever this process may not act."""

    def __init__(self, client: redis.Redis, name: str, holder: str, monotonic_s: Callable[[], float]) -> None:
        self._acquire = client.register_script(_ACQUIRE)
        self._release = client.register_script(_RELEASE)
        self._keys = [keys.lease(name), keys.lease(f"{name}:epoch")]
        self._holder = holder
        self._monotonic_s = monotonic_s
        self._valid_until_s = 0.0
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """The epoch to sign with, or 0: a process that was paused past its lease sees that here."""
        return self._epoch if self._monotonic_s() < self._valid_until_s else 0

    def renew(self) -> int:
        """Take or keep the lease; returns the epoch or 0. Raises `redis.RedisError`."""
        asked_s = self._monotonic_s()
        self._epoch = int(cast(int, self._acquire(keys=self._keys, args=[self._holder, LEASE_MS])))
        self._valid_until_s = asked_s + LEASE_MS / 1000 if self._epoch else 0.0
        return self._epoch

    def release(self) -> None:
        """Give the lease up, so that a successor need not wait. Raises `redis.RedisError`."""
        self._valid_until_s = 0.0
        self._release(keys=self._keys[:1], args=[self._holder])
