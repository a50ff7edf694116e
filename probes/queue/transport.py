"""Celery's transport of a region: kombu's for Redis, with the few commands that a region's Redis user may send."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis

from probes.process.connections.address import parse_redis_url
from probes.process.connections.clients import trust
from probes.process.connections.options import WITHOUT_CLIENT
from probes.process.connections.sentinel import sentinel_kind

#: The transport option with the address, where it is of Sentinels; and that of their authority's certificate (PEM).
SENTINELS, AUTHORITY = "vigil_sentinels", "vigil_authority"
#: The transport option with what is called for an entry of a queue that is no message.
MALFORMED = "vigil_malformed"
#: What kombu and Celery raise while they read one.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class RegionChannel(redis.Channel):
    """A channel whose connections send no CLIENT command: that one also lists and ends the connections of others.

    With Sentinels they go to the primary, as those of our own clients do. kombu's channel for Sentinels asks them by
    commands that a region's login is not to have.
    """

    def __init__(self, connection: Any, **options: Any) -> None:
        told = connection.client.transport_options
        if told.get(SENTINELS):
            address = parse_redis_url(told[SENTINELS])
            trusted = trust(address, told.get(AUTHORITY, ""))
            self.connection_class = sentinel_kind(self.connection_class, address, trusted)
            self.connection_class_ssl = sentinel_kind(self.connection_class_ssl, address, trusted)
        self._malformed = told.get(MALFORMED)
        super().__init__(connection, **options)  # type: ignore[no-untyped-call]

    def _brpop_read(self, **options: Any) -> Any:
        """Read a message; who may write to a queue must not end its worker by one that is none."""
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except _UNREADABLE:
            if self._malformed is None:
                raise
            self._malformed()
            return True

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        return {**parameters, **WITHOUT_CLIENT}


class RegionTransport(redis.Transport):
    """The transport of region queues, which can let go of a session that is lost."""

    Channel = RegionChannel

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)  # type: ignore[no-untyped-call]
        self._ticks: set[Any] = set()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        before = set(loop.on_tick)
        super().register_with_event_loop(connection, loop)  # type: ignore[no-untyped-call]
        self._ticks |= loop.on_tick - before

    def abandon(self, loop: Any) -> None:
        """Let go of sessions that are lost, and of all that `loop` keeps for them, without a word to the server.

        kombu closes a channel with a wait for the answer to its last command, which may not come. Without a close,
        its `QoS` is kept until the process ends; the loop keeps what it does at each tick for as long, and cancelled
        timers until they are due. Each holds the whole session: some 90 kB.
        """
        for channel in self.channels:
            channel._in_poll = None
            # What was taken is being run; the session it would be given back over is gone.
            channel.do_restore = False
        self.close_connection(self)  # type: ignore[no-untyped-call]
        loop.on_tick -= self._ticks
        loop.timer._queue[:] = [due for due in loop.timer.queue if not due.entry.canceled]
