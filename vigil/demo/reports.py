"""Region reports on the demo's monitor, read from the streams. Blocks, so use a thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis

from probes import keys, wire
from probes.reasons import Status
from vigil.demo.stage import SEATS
from vigil.demo.story import Seat


class Reports:
    """Streams of all regions, as far back as they go."""

    def __init__(self, redis_url: str) -> None:
        # Any: the client types every answer for both protocols and string modes.
        self._client: Any = redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=5)

    def all_have_passed(self, monitor: str, since_ms: int) -> bool:
        """Whether each region has passed a check of the monitor since then."""
        return all(any(result.status is Status.UP for result in self._of(monitor, seat, since_ms)) for seat in SEATS)

    def first_failure_ms(self, monitor: str, since_ms: int) -> int:
        """Start of the first failed check since then; 0 if none."""
        failures = [
            result.started_ms
            for seat in SEATS
            for result in self._of(monitor, seat, since_ms)
            if result.status is Status.DOWN and result.started_ms >= since_ms
        ]
        return min(failures, default=0)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _of(self, monitor: str, seat: Seat, since_ms: int) -> Iterator[wire.Result]:
        for _, entry in self._client.xrange(keys.results(seat.region), min=str(since_ms)):
            for result in wire.decode_results(entry[keys.BODY]):
                if result.monitor == monitor:
                    yield result
