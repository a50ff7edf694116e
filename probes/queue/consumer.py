"""Celery consumer with short reconnection pauses: it takes batches again within 2 s of Redis being back."""

from __future__ import annotations

import time
from typing import Any

import redis.exceptions
import structlog
from celery.worker.consumer.consumer import Consumer
from celery.worker.state import maybe_shutdown

from probes.process.redis_client import described

_log = structlog.get_logger(__name__)

_REFUSED_S = 1.0


class PatientConsumer(Consumer):  # type: ignore[misc]
    """Retries the broker without end, with pauses that stay short."""

    connection: Any

    def on_connection_error_after_connected(self, exc: BaseException) -> None:
        _log.warning("redis.away", error=described(exc))
        # Celery calls this while there is one.
        self.connection.transport.abandon(self.hub)
        self.connection = None
        if isinstance(exc, redis.exceptions.ResponseError):
            # Redis answers, and would refuse at once again.
            time.sleep(_REFUSED_S)

    def ensure_connected(self, conn: Any) -> Any:
        def log_away(error: BaseException, pause_s: float) -> None:
            _log.warning("redis.away", error=described(error), retry_in_s=round(pause_s, 1))

        connected = conn.ensure_connection(
            log_away, None, interval_start=0.2, interval_step=0.3, interval_max=2, callback=maybe_shutdown
        )
        self.first_connection_attempt = False
        self.broker_connection_retry_attempt = 0
        return connected
