"""Celery's transport of a region: kombu's for Redis, with the few commands that a region's Redis user may send."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis

from probes.process.redis_client import WITHOUT_CLIENT


class RegionChannel(redis.Channel):  # type: ignore[misc]
    """A channel whose connections send no CLIENT command: that one also lists and ends the connections of others."""

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        return super()._connparams(asynchronous) | WITHOUT_CLIENT


class RegionTransport(redis.Transport):  # type: ignore[misc]
    """The transport of region queues."""

    Channel = RegionChannel
