"""Keeper of regions, a thread of dispatch: it makes their Redis users again where a server lacks them, ends overlaps of
passwords and the users of revoked regions, bounds what each keeps in Redis, and lets new regions vote.

It does nothing that a check waits for. Two dispatchers may both do it: each step sets what is stored.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis
import structlog
from django.db import connection

from probes.process.connections.releases import warn_of_holes
from probes.process.duties import Duties
from probes.process.main_loop import LastingThread
from probes.process.sentry import report
from vigil.away import is_postgresql
from vigil.clock import database_now
from vigil.dispatch.region_bounds import RegionBounds
from vigil.dispatch.shadow_regions import ShadowRegions
from vigil.enrolment.ending import end_revoked
from vigil.enrolment.redis_access import (
    Management,
    end_overlaps,
    server_infos,
    set_all_users,
)
from vigil.monitors.live.servers import servers_elsewhere

log = structlog.get_logger()

TURN_S = 1.0
RESTARTED_S, BOUNDS_S, OVERLAPS_S, REVOKED_S, SHADOW_S = 2.0, 1.0, 30.0, 300.0, 1.0
#: Users are made again this often: a server may have missed a change by another process without being away here.
MADE_AGAIN_S = 60.0
RELEASES_S = 60.0


class RegionKeeper:
    """Works from `start` until `stop`, and calls `turned` after each duty."""

    def __init__(self, turned: Callable[[], None] = lambda: None) -> None:
        self._turned = turned
        self._thread = LastingThread("regions", self.run)
        self._stopping = threading.Event()
        self._duties = Duties()
        self._shadow = ShadowRegions()
        self._bounds = RegionBounds()
        #: Runs of the servers whose users were made, and of those that were seen last, by the server's name.
        self._made: dict[str, str] = {}
        self._seen: dict[str, str] = {}

    def start(self) -> None:
        self._thread.start()

    def keep_alive(self) -> None:
        """Start the thread again if it has ended."""
        self._thread.keep_alive()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(TURN_S)

    def run(self) -> None:
        try:
            while not self._stopping.wait(TURN_S):
                self.turn()
        finally:
            connection.close()

    def turn(self) -> None:
        """Do what is due; what fails, as when a server is away, is due again at the next turn. The rest is done."""
        self._attempt("restarted", RESTARTED_S, self._follow_restarts)
        self._attempt("releases", RELEASES_S, self._watch_releases)
        self._attempt("bounds", BOUNDS_S, self._bounds.judge)
        self._attempt("overlaps", OVERLAPS_S, lambda: end_overlaps(database_now()))
        self._attempt("revoked", REVOKED_S, end_revoked)
        self._attempt("shadow", SHADOW_S, self._shadow.judge)

    def _follow_restarts(self) -> None:
        told = server_infos()
        # Not every hosted Redis tells it: there the users are made at the start, and in their time.
        found = {name: str(one.get("run_id", "")) for name, one in told.items()}
        # A server that is away misses what is changed meanwhile, and need not restart for it.
        self._made = {name: run_id for name, run_id in self._made.items() if name in found}
        is_new = any(self._made.get(name) != run_id for name, run_id in found.items())
        if not self._duties.is_due("made again", MADE_AGAIN_S) and not is_new:
            return
        failed = set_all_users(database_now(), self._bounds.cut)
        took = {name: run_id for name, run_id in found.items() if failed.by_name.get(name) is not Management.AWAY}
        self._made = {} if failed.primary is Management.AWAY else took
        if is_new:
            # A server that comes back may have read an ACL file of before.
            self._duties.make_due("revoked")

    def _watch_releases(self) -> None:
        """Tell once for each run of a server of known holes; also of replicas, Sentinels and the ping log."""
        for name, told in servers_elsewhere().items():
            run_id = str(told.get("run_id", ""))
            if self._seen.get(name) != run_id:
                warn_of_holes(told)
            self._seen[name] = run_id

    def _attempt(self, name: str, every_s: float, work: Callable[[], object]) -> None:
        try:
            self._duties.do(name, every_s, work)
        except redis.RedisError as error:
            log.warning("redis.away", wanted=name, error=type(error).__name__)
        except Exception as error:  # one duty that fails must not end the others
            if is_postgresql(error):
                log.warning("postgresql.away", wanted=name, error=type(error).__name__)
                connection.close()
            else:
                log.error("keeper.failed", wanted=name, error=type(error).__name__, exc_info=error)
                report(error)
        self._turned()
