"""Exporter of results to an OpenTelemetry collector (OTLP over HTTP, JSON), in a thread of its own.

It never holds up the recorder: what the collector does not take in time is dropped and counted. Addresses are judged as
those of alerts are (VIGIL_ALERT_EGRESS).
"""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog
from django.db import connection

from probes.admission import admit_results
from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts
from probes.process.metrics.exposition import release
from vigil.alerts.channels.addresses import below
from vigil.alerts.channels.kind import ChannelError, Outbound, ReceiverAnswer, ReceiverCall, judged
from vigil.alerts.delivery.http_client import GuardedOutbound
from vigil.away import is_postgresql
from vigil.configuration import configuration
from vigil.monitors.core.targets import target_of
from vigil.monitors.models import Monitor
from vigil.telemetry.backlog import Backlog
from vigil.telemetry.core.otlp import ExportedCheck, ExportedMonitor, Json, is_exported, metrics, rejected, traces
from vigil.telemetry.settings import TelemetrySettings

_log = structlog.get_logger(__name__)

ENTRIES_AT_ONCE = 20
IDLE_S = 1.0
#: How long one batch is tried again, and the wait between, doubled each time (s).
TRIED_S, WAIT_S, WAIT_MOST_S = 60.0, 1.0, 15.0
#: How often one signal that is dropped is said (s).
SAID_EVERY_S = 60.0
#: Monitors remembered, and for how long (s).
REMEMBERED, FRESH_S = 20_000, 300.0


class WayOut(Outbound, Protocol):
    """A client of the collector, which is closed at the end."""

    async def close(self) -> None: ...


class ResultExporter:
    """Sends what is in the backlog until stopped. `run` is the work of its thread."""

    def __init__(
        self,
        settings: TelemetrySettings,
        counts: ProcessCounts,
        way_out: Callable[[], WayOut] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backlog = Backlog()
        self._settings = settings
        self._counts = counts
        self._way_out = way_out or (lambda: GuardedOutbound(configuration().alert_egress))
        self._now_s = now_s
        self._known: dict[str, ExportedMonitor] = {}
        self._known_until_s = 0.0
        self._silent_until_s: dict[str, float] = {}
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stop.set()

    def run(self) -> None:
        """Export until stopped; what goes wrong with one batch costs that batch."""
        with asyncio.Runner() as loop:
            outbound = loop.run(self._opened())
            try:
                while not self._stop.is_set():
                    self._counts.add(families.EXPORTED, "entries", "dropped", by=self.backlog.take_dropped())
                    entries = self.backlog.take(ENTRIES_AT_ONCE, IDLE_S)
                    if entries:
                        self._export(loop, outbound, entries)
            finally:
                loop.run(outbound.close())
                connection.close()

    def _export(self, loop: asyncio.Runner, outbound: Outbound, entries: Sequence[tuple[str, bytes]]) -> None:
        try:
            checks = self._checks(entries)
        except Exception as error:
            if not is_postgresql(error):
                raise
            # Without the monitors' names nothing can be told of them.
            connection.close()
            _log.warning("postgresql.away", wanted="monitors", error=type(error).__name__)
            self._counts.add(families.EXPORTED, "entries", "dropped", by=len(entries))
            self._stop.wait(WAIT_S)
            return
        if checks:
            for signal, document in (
                ("traces", traces(checks, release())),
                ("metrics", metrics(checks, release(), time.time_ns())),
            ):
                taken = min(self._send(loop, outbound, signal, document, len(checks)), len(checks))
                self._counts.add(families.EXPORTED, signal, "sent", by=taken)
                self._counts.add(families.EXPORTED, signal, "dropped", by=len(checks) - taken)

    def _send(self, loop: asyncio.Runner, outbound: Outbound, signal: str, document: Json, count: int) -> int:
        """Send one document of so many checks; again and again while the collector asks for that, and there is time.
        Returns how many were taken."""
        headers = {"content-type": "application/json", "content-encoding": "gzip", **self._settings.headers}
        body = gzip.compress(msgspec.json.encode(document), 1)
        call = ReceiverCall(below(self._settings.otlp_endpoint, f"v1/{signal}"), body, headers)
        until_s, wait_s = self._now_s() + TRIED_S, WAIT_S
        while True:
            try:
                answer = loop.run(_called(outbound, call))
                judged(answer, "the collector")
                refused_of = rejected(answer.json())
                if refused_of:
                    self._say_dropped(signal, f"the collector rejected {refused_of}")
                return max(0, count - refused_of)
            except ChannelError as refused:
                wait_s = max(wait_s, refused.retry_after_s or 0.0)
                if refused.permanent or self._stop.is_set() or self._now_s() + wait_s > until_s:
                    self._say_dropped(signal, str(refused))
                    return 0
            self._stop.wait(wait_s)
            wait_s = min(2 * wait_s, WAIT_MOST_S)

    def _say_dropped(self, signal: str, problem: str) -> None:
        """Say it once a minute: a server that takes traces alone refuses every batch of the metrics."""
        if self._now_s() >= self._silent_until_s.get(signal, 0.0):
            self._silent_until_s[signal] = self._now_s() + SAID_EVERY_S
            _log.warning("telemetry.dropped", signal=signal, problem=problem)

    def _checks(self, entries: Sequence[tuple[str, bytes]]) -> list[ExportedCheck]:
        now_ms = time.time_ns() // 1_000_000
        seen = [
            (region, result)
            for region, body in entries
            for result in admit_results(body, now_ms).results
            if is_exported(result)
        ]
        self._learn({result.monitor for _, result in seen})
        return [
            ExportedCheck(self._known[result.monitor], region, result)
            for region, result in seen
            if result.monitor in self._known
        ]

    def _learn(self, monitors: set[str]) -> None:
        """Read the monitors that are not known, and all of them anew from time to time."""
        if self._now_s() >= self._known_until_s or len(self._known) > REMEMBERED:
            self._known.clear()
            self._known_until_s = self._now_s() + FRESH_S
        unknown = monitors - self._known.keys()
        if not unknown:
            return
        rows = Monitor.objects.filter(public_id__in=unknown, deleted_at=None)
        for public_id, name, kind, config, team in rows.values_list(
            "public_id", "name", "kind", "config", "team__public_id"
        ):
            method = str(config.get("method") or "GET") if isinstance(config, dict) else "GET"
            self._known[public_id] = ExportedMonitor(public_id, name, kind, target_of(config), method, team)

    async def _opened(self) -> WayOut:
        return self._way_out()


async def _called(outbound: Outbound, call: ReceiverCall) -> ReceiverAnswer:
    return await outbound.call(call)
