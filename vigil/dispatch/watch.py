"""Configuration watch: lease and changes from PostgreSQL, on a separate thread.

While PostgreSQL is unavailable the dispatcher continues: no other can take the lease, and two would send the same
checks.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import structlog
from django.db import connection

from probes.process.duties import Duties
from probes.process.main_loop import LastingThread
from vigil.away import is_postgresql
from vigil.clock import database_now
from vigil.database.session_lock import MissingOwners, SessionLock
from vigil.deadletters.record import LetterSource, isolation
from vigil.dispatch import lease
from vigil.dispatch.catalogue import RegionPrint, load_plans, load_region_monitors, load_regions, load_revisions
from vigil.dispatch.core.plans import Plan
from vigil.dispatch.pauses import Pauses, load_pauses
from vigil.monitors.live.config_channel import SILENCES, listen, notified

log = structlog.get_logger()

LEASE_NAME = "dispatch"
RENEW_S = 3.0
#: How often a dispatcher without the lease tries to take it.
TAKE_S = 0.5
RECONCILE_S = 30.0
LISTEN_S = 0.5


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """New or changed plans, and removed monitors. `first`: initial load, until `complete`. `pauses` replace all."""

    plans: dict[str, Plan] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    first: bool = False
    pauses: Pauses | None = None
    complete: bool = False


class Watch:
    """Puts every change into `changes`, and keeps `leading` true while this process may dispatch."""

    def __init__(self, turned: Callable[[], None] = lambda: None) -> None:
        self._thread = LastingThread("watch", self.run)
        self._turned = turned
        self.changes: queue.SimpleQueue[ConfigChange] = queue.SimpleQueue()
        self._owner = SessionLock()
        self._others = MissingOwners(lease.DEAD_AFTER_S)
        self.holder = lease.holder_of(self._owner)
        self.leading = False
        self._known: dict[str, int] = {}
        self._regions: dict[str, RegionPrint] = {}
        self._pauses = Pauses()
        self._loaded = False
        self._duties = Duties()
        self._stopping = threading.Event()
        self._isolation = isolation(LetterSource.DISPATCH_WATCH)

    def start(self) -> None:
        self._thread.start()

    def keep_alive(self) -> None:
        """Start the thread again if it has ended; it goes on from what is known already."""
        self._thread.keep_alive()

    @property
    def restarts(self) -> int:
        """How often its thread was started again."""
        return self._thread.restarts

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    self._listen()
                except Exception as error:  # noqa: BLE001  # the loop goes on after the unexpected
                    self._turned()
                    if is_postgresql(error):
                        connection.close()
                    self._stopping.wait(self._isolation.setback(error).wait_s)
        finally:
            connection.close()

    def stop(self) -> None:
        """Stop, and release the lease."""
        self._stopping.set()
        self._thread.join(LISTEN_S * 4)

    def _listen(self) -> None:
        """LISTEN before loading, so that no change is missed."""
        connection.ensure_connection()
        listen()
        self._duties.make_due("reconcile")
        while not self._stopping.is_set():
            self._do_duties()
            self._turned()
            self._isolation.turned()
            if changed := notified(LISTEN_S):
                self._reload(changed)
        if self.leading:
            lease.release(LEASE_NAME, self.holder)

    def _do_duties(self) -> None:
        if self._duties.is_due("renew", RENEW_S if self.leading else TAKE_S):
            self._owner.hold()
            epoch = lease.renew(LEASE_NAME, self.holder)
            if not epoch and lease.release_of_dead(LEASE_NAME, self._others, time.monotonic()):
                epoch = lease.renew(LEASE_NAME, self.holder)
            if bool(epoch) != self.leading:
                log.info("lease.acquired" if epoch else "lease.lost", epoch=epoch)
            self.leading = bool(epoch)
        if self._duties.is_due("reconcile", RECONCILE_S):
            self._reconcile()

    def _reconcile(self) -> None:
        """Find missed notifications by the monitors' revisions and the regions' fields."""
        # Before the plans, so that no paused check is sent at start.
        self._take_pauses()
        regions = load_regions()
        if not self._loaded:
            self._load()
            self._regions = regions
            return
        current = load_revisions()
        differing = {monitor for monitor, revision in current.items() if self._known.get(monitor) != revision}
        differing |= self._known.keys() - current.keys()
        known = self._regions
        changed = [slug for slug in regions.keys() | known.keys() if regions.get(slug) != known.get(slug)]
        if known.keys() - regions.keys():
            # Monitors of a deleted region cannot be queried any more.
            differing.update(current)
        elif changed:
            differing.update(load_region_monitors(changed))
        if differing:
            self._replace(differing)
        # Last, so that an interruption before this line finds the difference again.
        self._regions = regions

    def _load(self) -> None:
        """Load everything in parts; restarted after an interruption."""
        before = frozenset(self._known)
        loaded: dict[str, int] = {}
        for plans in load_plans(None, self._isolation):
            loaded.update({monitor: plan.revision for monitor, plan in plans.items()})
            self._known.update(dict.fromkeys(plans, 0))
            self.changes.put(ConfigChange(plans, first=True))
        self.changes.put(ConfigChange({}, frozenset(before - loaded.keys()), first=True, complete=True))
        self._known, self._loaded = loaded, True
        log.info("monitors.loaded", monitors=len(loaded))

    def _reload(self, changed: Collection[str]) -> None:
        """`changed` names monitors by public id, regions as `region:<slug>`, and silences."""
        # A new or retagged monitor may be in a current window.
        if SILENCES in changed or self._pauses:
            self._take_pauses()
        regions = [name.removeprefix("region:") for name in changed if name.startswith("region:")]
        monitors = {name for name in changed if not name.startswith("region:")} - {SILENCES}
        prints = load_regions() if regions else {}
        if regions:
            monitors.update(load_region_monitors(regions))
        if monitors:
            self._replace(monitors)
        # Only these regions: other changes are found by the prints.
        self._regions |= {slug: prints[slug] for slug in regions if slug in prints}
        if any(slug not in prints for slug in regions):
            self._duties.make_due("reconcile")

    def _take_pauses(self) -> None:
        pauses = load_pauses(database_now())
        if pauses != self._pauses:
            self._pauses = pauses
            self.changes.put(ConfigChange(pauses=pauses))

    def _replace(self, monitors: set[str]) -> None:
        plans = {monitor: plan for piece in load_plans(monitors, self._isolation) for monitor, plan in piece.items()}
        gone = frozenset(monitors - plans.keys())
        for monitor in gone:
            self._known.pop(monitor, None)
        self._known.update({monitor: plan.revision for monitor, plan in plans.items()})
        self.changes.put(ConfigChange(plans, gone))
