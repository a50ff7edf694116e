"""Celery's transport of a region: kombu's for Redis, with the few commands that a region's Redis user may send."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis

from probes.process.redis_client import WITHOUT_CLIENT


class RegionChannel(redis.Channel):
    """A channel whose connections send no CLIENT command: that one also lists and ends the connections of others."""

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        return {**parameters, **WITHOUT_CLIENT}


class RegionTransport(redis.Transport):
    """The transport of region queues."""

    Channel = RegionChannel
