"""Measurement of this machine's clock against that of Redis, for the runner."""

from __future__ import annotations

import time

import redis.asyncio

from probes.checks.clock import ClockOffset
from probes.checks.runner import Runner


class ClockMeasurement:
    """Asks Redis for the time, and gives the runner the offset."""

    def __init__(self, connection: redis.asyncio.Redis, runner: Runner) -> None:
        self._redis = connection
        self._runner = runner
        self._offset = ClockOffset()
        self._set_s = 0.0

    @property
    def offset_ms(self) -> float:
        """This machine's clock minus that of Redis."""
        return self._offset.ms

    async def measure(self, samples: int = 1) -> None:
        """Take some samples. One during which this machine's clock was set is dropped. Raises `redis.RedisError`."""
        for _ in range(samples):
            self._runner.mind_the_clock()
            set_before_s, asked_s = self._runner.clock_set_s, time.time()
            seconds, micros = await self._redis.time()
            answered_s = time.time()
            self._runner.mind_the_clock()
            self._offset.shift(self._runner.clock_set_s - self._set_s)
            self._set_s = self._runner.clock_set_s
            if self._set_s == set_before_s and answered_s >= asked_s:
                self._offset.add(asked_s, seconds + micros / 1e6, answered_s)
        self._runner.offset_ms = self._offset.ms
