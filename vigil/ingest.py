"""The ingest process: verdicts in, incidents committed with their deliveries, beliefs out. The single writer.

Killed at any line, it goes on from its position in PostgreSQL: a verdict that was applied is not applied again, and
one that was not is still on its stream; `believed` is rebuilt from what is committed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import cast

import msgspec
import psycopg
import redis
import structlog
from django.db import InterfaceError, OperationalError, connection

from consensus.verdicts import Quarantine, decode_quarantine, decode_verdict
from probes import keys
from probes.process.duties import Duties
from probes.process.health import Health
from probes.process.key_repair import put_right
from probes.process.liveness import Liveness, silent_parts
from probes.process.redis_streams import read_streams
from vigil.alerts.outbox import enqueue
from vigil.alerts.selftest.selftest import run_self_tests
from vigil.clock import database_now
from vigil.incidents.apply import VerdictEntry, apply_verdicts
from vigil.incidents.beliefs import Beliefs
from vigil.incidents.composites import sweep_composites
from vigil.incidents.core.dark_regions import Darkness
from vigil.incidents.models import IngestPosition
from vigil.incidents.provider_incidents import settle_providers
from vigil.incidents.sweep import note_dark_regions, note_quarantines, reconcile_monitors, settle_flapping
from vigil.monitors.config_channel import listen, notified
from vigil.monitors.models import Region
from vigil.monitors.workers import Workers

log = structlog.get_logger()

BATCH = 100
BLOCK_MS = 200
RETRY_S = 0.5
RECONCILE_S = 30.0
REBUILD_S = 60.0
COMPLETE_S = 1.0
DARKNESS_S = 5.0
COMPOSITES_S = 2.0
SELF_TEST_S = 5.0


class Ingest:
    """One ingest. `run` returns when `stop` is set; anything unexpected ends the process."""

    def __init__(self, client: redis.Redis, health: Health) -> None:
        self._redis = client
        self._beliefs = Beliefs(client)
        self._darkness = Darkness(time.monotonic())
        self._health = health
        self._alive = Liveness(client, "ingest")
        self._regions: list[str] = []
        self._workers = Workers()
        self._duties = Duties()
        self._position: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Apply until told to stop; while PostgreSQL or Redis is away, try again."""
        while not stop.is_set():
            try:
                self._turn()
                self._health.mark_ready()
            except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
                log.warning("postgresql.away", error=type(error).__name__)
                self._wait("postgresql", stop)
                connection.close()
                self._position = None
            except (redis.ConnectionError, redis.TimeoutError) as error:
                log.warning("redis.away", error=type(error).__name__)
                self._wait("redis", stop)
            except redis.ResponseError as error:
                if not put_right(self._redis, error):
                    raise

    def _turn(self) -> None:
        """Duties that are due, changes of configuration, then whatever verdicts have arrived."""
        if self._position is None:
            self._start()
        self._publish(self._changed_monitors())
        if self._duties.is_due("complete", COMPLETE_S) and not self._beliefs.is_complete():
            log.info("beliefs.rebuilt", why="redis has lost it")
            self._beliefs.rebuild()
        if self._duties.is_due("rebuild", REBUILD_S):
            self._beliefs.rebuild()
        if self._duties.is_due("darkness", DARKNESS_S):
            self._watch_regions()
        if self._duties.is_due("composites", COMPOSITES_S):
            self._publish(sweep_composites(enqueue))
            settle_providers(enqueue)
        if self._duties.is_due("self_test", SELF_TEST_S):
            self._prove()
        entries, last_id = self._read()
        if entries:
            applied = apply_verdicts(entries, enqueue)
            self._publish(applied.changed)
            log.info(
                "verdicts.applied",
                verdicts=len(entries),
                changed=len(applied.changed),
                reasons=" ".join(applied.reasons),
            )
        # What could not be read is passed as well: it would be as unreadable the next time.
        self._position = last_id or self._position
        self._alive.beat(self._regions)
        self._health.beat(position=self._position)

    def _start(self) -> None:
        listen()
        stored = IngestPosition.objects.filter(pk=keys.VERDICTS).values_list("entry_id", flat=True).first()
        self._position = stored or keys.STREAM_START
        self._duties.make_all_due()

    def _changed_monitors(self) -> frozenset[str]:
        """What the configuration's changes, and the end of flapping, did to what is believed."""
        named = notified()
        if not named and not self._duties.is_due("reconcile", RECONCILE_S):
            return frozenset()
        # Also named are regions, and that silences have changed: neither changes what is believed.
        monitors = frozenset(name for name in named if name.startswith("mon_"))
        return monitors | reconcile_monitors(enqueue) | settle_flapping(database_now(), enqueue)

    def _read(self) -> tuple[list[VerdictEntry], str | None]:
        """The verdicts that have arrived, and the id of the last entry seen, readable or not."""
        position = (self._position or keys.STREAM_START).encode()
        entries: list[VerdictEntry] = []
        last_id: str | None = None
        for _, messages in read_streams(self._redis, {keys.VERDICTS.encode(): position}, BATCH, BLOCK_MS):
            for entry_id, fields in messages:
                last_id = entry_id.decode()
                try:
                    entries.append(VerdictEntry(last_id, decode_verdict(fields.get(keys.BODY, b""))))
                except msgspec.DecodeError as error:
                    log.error("message.unreadable", entry=last_id, error=str(error))
        return entries, last_id

    def _watch_regions(self) -> None:
        known = dict(Region.objects.values_list("slug", "enabled"))
        regions = self._regions = [slug for slug, enabled in known.items() if enabled]
        self._alive.dismiss(regions, named=known.keys() - set(regions))
        statuses = cast(list[bytes | None], self._redis.mget([keys.status(region) for region in regions] or ["-"]))
        found = dict(zip(regions, statuses, strict=False))
        self._workers.hear(found)
        alive = {region for region, status in found.items() if status is not None}
        dark = self._darkness.dark(regions, alive, time.monotonic())
        note_dark_regions(dark, set(regions) - alive, enqueue)
        quarantines = self._quarantines()
        if quarantines is not None:
            note_quarantines([one for one in quarantines if one.region in regions], enqueue)

    def _quarantines(self) -> list[Quarantine] | None:
        """Whom consensus does not let vote; None while Redis does not hold all of it."""
        fields = cast(dict[bytes, bytes], self._redis.hgetall(keys.QUARANTINED))
        if fields.pop(keys.QUARANTINED_MARK, None) is None:
            return None
        try:
            return [decode_quarantine(payload) for payload in fields.values()]
        except msgspec.DecodeError as error:
            log.error("quarantine.unreadable", error=str(error))
            return None

    def _prove(self) -> None:
        """Let a synthetic incident go its way, if what comes before an incident is alive as well."""
        silent = silent_parts(self._redis, ("dispatch", "consensus"))
        if silent:
            log.warning("self_test.not_started", silent=" ".join(silent))
        elif run_self_tests():
            log.info("self_test.started")

    def _publish(self, monitors: Collection[str]) -> None:
        if monitors:
            self._beliefs.publish(monitors)

    def _wait(self, what: str, stop: threading.Event) -> None:
        self._health.beat(away=what)
        stop.wait(RETRY_S)
