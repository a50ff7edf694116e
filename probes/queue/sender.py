"""Sender of the region queues: dispatch uses it to give batches of checks to the workers."""

from __future__ import annotations

import kombu.exceptions
import redis.exceptions
from celery import Celery
from kombu.connection import Connection
from kombu.messaging import Producer

from probes import keys, wire
from probes.queue.app import TASK, region_app
from probes.signing.signatures import Signer
from probes.wire import Batch

#: Celery drops what expired by the clocks of two machines; the signature holds by that of Redis, a little longer (s).
CLOCKS_DIFFER_S = 30


class QueueUnavailable(Exception):
    """The batch may not have reached the region's queue; try again, since a repeated check collapses."""


class RegionQueues:
    """Sends batches, each to its region's queue, over one connection a region. For one thread.

    Survives restarts of Redis: a send that fails raises QueueUnavailable, and the next one connects anew.
    """

    def __init__(self, redis_url: str, signer: Signer) -> None:
        self._redis_url = redis_url
        self._signer = signer
        self._apps: dict[str, Celery] = {}
        self._producers: dict[str, tuple[Connection, Producer]] = {}

    def __repr__(self) -> str:
        return f"RegionQueues({len(self._apps)} regions)"

    def send(self, batch: Batch, expires_s: float) -> None:
        """Sign a batch and put it into the queue of its region and lane; after `expires_s` a worker drops it.

        Raises `redis.ResponseError` where the region has overwritten its queue with another type.
        """
        app, payload = self._app(batch.region), wire.encode(batch)
        envelope = self._signer.sign(keys.orders(batch.region), payload, int(expires_s) + CLOCKS_DIFFER_S)
        try:
            app.send_task(
                TASK,
                args=(payload, envelope),
                queue=keys.queue(batch.region, batch.lane),
                expires=expires_s,
                producer=self._producer(batch.region, app),
                ignore_result=True,
                retry=False,
                # Celery would put the arguments' repr into the message's headers, and workers into their logs.
                argsrepr="",
                kwargsrepr="",
            )
        except (kombu.exceptions.OperationalError, redis.exceptions.RedisError, OSError) as error:
            if "WRONGTYPE" in str(error):
                self._forget(batch.region)
                raise redis.exceptions.ResponseError(str(error)) from error
            # The others lead to the same server: each would fail once more, and delay all.
            self.close()
            raise QueueUnavailable(f"the queue of region {batch.region} is away: {type(error).__name__}") from error

    def close(self) -> None:
        """Close all connections."""
        for region in list(self._producers):
            self._forget(region)

    def _app(self, region: str) -> Celery:
        app = self._apps.get(region)
        if app is None:
            app = self._apps[region] = region_app(region, self._redis_url)
        return app

    def _producer(self, region: str, app: Celery) -> Producer:
        known = self._producers.get(region)
        if known is None:
            connection = app.connection_for_write()
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=3)
            known = self._producers[region] = (connection, app.amqp.Producer(connection))
        return known[1]

    def _forget(self, region: str) -> None:
        known = self._producers.pop(region, None)
        if known is not None:
            known[0].release()  # type: ignore[no-untyped-call]
