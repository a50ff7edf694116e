"""The dispatcher's side of PostgreSQL, on a thread of its own: the lease, and what changed in the configuration.

While PostgreSQL is away the dispatcher goes on with what it knows: nobody else can take the lease meanwhile, and
two dispatchers would give the same orders.
"""

from __future__ import annotations

import os
import queue
import secrets
import socket
import threading
from collections.abc import Collection
from dataclasses import dataclass, field

import psycopg
import structlog
from django.db import InterfaceError, OperationalError, connection

from probes.process.duties import Duties
from vigil.clock import database_now
from vigil.dispatch import lease
from vigil.dispatch.catalogue import RegionPrint, load_plans, load_region_monitors, load_regions, load_revisions
from vigil.dispatch.core.plans import Plan
from vigil.dispatch.pauses import Pauses, load_pauses
from vigil.monitors.config_channel import SILENCES, listen, notified

log = structlog.get_logger()

LEASE_NAME = "dispatch"
RENEW_S = 3.0
RECONCILE_S = 30.0
LISTEN_S = 0.5
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """Plans that are new or different, and monitors that are not watched any more.

    `first` for the initial load, which comes in pieces; after the one that is `complete`, all is known. `pauses`,
    where there are any news of them, replace what was known of windows in which nothing is checked.
    """

    plans: dict[str, Plan] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    first: bool = False
    pauses: Pauses | None = None
    complete: bool = False


class Watch(threading.Thread):
    """Puts every change into `changes`, and keeps `leading` true while this process may dispatch."""

    def __init__(self) -> None:
        super().__init__(name="watch", daemon=True)
        self.changes: queue.SimpleQueue[ConfigChange] = queue.SimpleQueue()
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.leading = False
        self._known: dict[str, int] = {}
        self._regions: dict[str, RegionPrint] = {}
        self._pauses = Pauses()
        self._loaded = False
        self._duties = Duties()
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
                log.warning("postgresql.away", error=type(error).__name__)
                connection.close()
                self._stopping.wait(RETRY_S)
        connection.close()

    def stop(self) -> None:
        """Stop, and release the lease so that a successor need not wait for it."""
        self._stopping.set()
        self.join(timeout=LISTEN_S * 4)

    def _listen(self) -> None:
        """Listen first and load after, so that no change falls between."""
        connection.ensure_connection()
        listen()
        self._duties.make_due("reconcile")
        while not self._stopping.is_set():
            self._do_duties()
            if changed := notified(LISTEN_S):
                self._reload(changed)
        if self.leading:
            lease.release(LEASE_NAME, self.holder)

    def _do_duties(self) -> None:
        if self._duties.is_due("renew", RENEW_S):
            epoch = lease.renew(LEASE_NAME, self.holder)
            if bool(epoch) != self.leading:
                log.info("lease.acquired" if epoch else "lease.lost", epoch=epoch)
            self.leading = bool(epoch)
        if self._duties.is_due("reconcile", RECONCILE_S):
            self._reconcile()

    def _reconcile(self) -> None:
        """Find what a lost notification would have told, by the monitors' revisions and the regions' own fields."""
        # Before the plans, so that nothing is sent of what is paused when a dispatcher starts.
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
            # Nobody knows any more which monitors a deleted region watched.
            differing.update(current)
        elif changed:
            differing.update(load_region_monitors(changed))
        if differing:
            self._replace(differing)
        # Only now: killed or cut off before this line, the difference is found again.
        self._regions = regions

    def _load(self) -> None:
        """Read everything, piece by piece. Cut off, it is read again: what is gone by then is found at the end."""
        before = frozenset(self._known)
        loaded: dict[str, int] = {}
        for plans in load_plans():
            loaded.update({monitor: plan.revision for monitor, plan in plans.items()})
            self._known.update(dict.fromkeys(plans, 0))
            self.changes.put(ConfigChange(plans, first=True))
        self.changes.put(ConfigChange({}, frozenset(before - loaded.keys()), first=True, complete=True))
        self._known, self._loaded = loaded, True
        log.info("monitors.loaded", monitors=len(loaded))

    def _reload(self, changed: Collection[str]) -> None:
        """`changed` names monitors by public id, regions as `region:<slug>`, and says that silences have changed."""
        # A monitor that is new, or has other tags, may be in a window that holds already.
        if SILENCES in changed or self._pauses:
            self._take_pauses()
        regions = [name.removeprefix("region:") for name in changed if name.startswith("region:")]
        monitors = {name for name in changed if not name.startswith("region:")} - {SILENCES}
        prints = load_regions() if regions else {}
        if regions:
            monitors.update(load_region_monitors(regions))
        if monitors:
            self._replace(monitors)
        # Of these regions alone: what else has changed, and is told of later or never, is found by the prints.
        self._regions |= {slug: prints[slug] for slug in regions if slug in prints}
        if any(slug not in prints for slug in regions):
            self._duties.make_due("reconcile")

    def _take_pauses(self) -> None:
        pauses = load_pauses(database_now())
        if pauses != self._pauses:
            self._pauses = pauses
            self.changes.put(ConfigChange(pauses=pauses))

    def _replace(self, monitors: set[str]) -> None:
        plans = {monitor: plan for piece in load_plans(monitors) for monitor, plan in piece.items()}
        gone = frozenset(monitors - plans.keys())
        for monitor in gone:
            self._known.pop(monitor, None)
        self._known.update({monitor: plan.revision for monitor, plan in plans.items()})
        self.changes.put(ConfigChange(plans, gone))
