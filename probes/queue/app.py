"""Celery app of one region's queues: the worker takes batches with it, and dispatch sends them."""

from __future__ import annotations

from typing import Any

import msgspec
from celery import Celery
from kombu.entity import Queue
from kombu.serialization import register

from probes import keys
from probes.process.connections.address import RedisAddress, parse_redis_url
from probes.process.connections.clients import trust
from probes.queue.transport import AUTHORITY, SENTINELS
from probes.wire import Lane

#: The one task: its arguments are `wire.encode(Batch)` and its envelope.
TASK = "probes.run_batch"
SERIALIZER = "vigil"
_CONTENT_TYPE = "application/x-msgpack"

register(  # type: ignore[no-untyped-call]
    SERIALIZER,
    msgspec.msgpack.encode,
    msgspec.msgpack.decode,
    content_type=_CONTENT_TYPE,
    content_encoding="binary",
)


def region_app(region: str, redis_url: str, authority: str = "") -> Celery:
    """The Celery app of one region: its own key prefix and queues, no pickle, no results, no remote control.

    `authority` is the certificate (PEM) of the server's authority, where this host does not know it.
    """
    address = parse_redis_url(redis_url)
    app = Celery(f"probes.{region}", broker=address.server_url, set_as_current=False, fixups=[])
    queues = [_queue(region, lane) for lane in (Lane.CONFIRM, Lane.SCHEDULED)]
    app.conf.update(
        accept_content=[SERIALIZER],
        task_serializer=SERIALIZER,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_queues=queues,
        task_default_queue=queues[-1].name,
        task_acks_late=False,
        task_send_sent_event=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_disable_rate_limits=True,
        worker_prefetch_multiplier=4,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_consumer="probes.queue.consumer:PatientConsumer",
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # Redis also answers with an error while it is full, busy or loading, and where a queue has another type.
        broker_channel_error_retry=True,
        broker_connection_timeout=5,
        broker_transport="probes.queue.transport:RegionTransport",
        # kombu takes any certificate unless it is told otherwise.
        broker_use_ssl={"ssl_cert_reqs": "required", **trust(address, authority)} if address.is_tls else None,
        broker_transport_options=_transport_options(region) | _sentinels(address, authority),
    )
    return app


def _queue(region: str, lane: Lane) -> Queue:
    name = keys.queue(region, lane)
    return Queue(name, routing_key=name)  # type: ignore[no-untyped-call]


def _sentinels(address: RedisAddress, authority: str) -> dict[str, Any]:
    """What the transport needs to find the primary: nothing where the address is that of the server."""
    return {SENTINELS: address.url, AUTHORITY: authority} if address.service else {}


def _transport_options(region: str) -> dict[str, Any]:
    return {
        "global_keyprefix": keys.celery_prefix(region),
        # Its lock needs Lua, which a region must not run. It would give back what a killed worker held after an hour,
        # when every check in it has long expired; an orderly stop gives back what is left without it.
        "ack_emulation": False,
        # A session that a firewall dropped must not block: longer than a BRPOP, shorter than the worker's limits.
        "socket_timeout": 15,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        # The limit of a session that was dropped and not closed: no answer to a BRPOP for 6 to 11 s.
        "health_check_interval": 5,
        # Confirming batches first.
        "queue_order_strategy": "priority",
    }
